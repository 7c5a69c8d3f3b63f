"""A script under a lease: what it reports, when it is stopped, and what is charged for it."""

from __future__ import annotations

import sys

import pytest

import shoestring as ss
from shoestring.errors import InvalidTarget
from shoestring.runners.script import GIVEN, Script
from shoestring.runners.worker import EVENTS
from shoestring.trial.events import EventWriter, read
from shoestring.trial.lease import Lease

pytestmark = pytest.mark.slow

REPORT = """
import json, os, signal, sys, time
to, folder = int(os.environ["SHOESTRING_TO"]), os.environ["SHOESTRING_CHECKPOINT_DIR"]
def report(*, mode="a", end="\\n", **event):
    with open(os.environ["SHOESTRING_EVENTS"], mode) as file:
        file.write(json.dumps(event) + end)
def until_read(unit):
    while f'"unit":{unit},' not in open(os.path.join(os.path.dirname(folder), "events.jsonl")).read():
        time.sleep(0.01)
"""


@pytest.fixture
def carry_out(tmp_path):
    def carry_out(body, pattern=None, stop=lambda: False, token=1, **terms):
        (tmp_path / "script.py").write_text(REPORT + body)
        terms = {"start": 0, "to": 3, "horizon": 3, "grace": 0.2} | terms
        lease = Lease(token, 0, {"x": 1}, 7, unit="epoch", metric="loss", folder=tmp_path, **terms)
        script = Script((sys.executable, "-S", str(tmp_path / "script.py"), "{x}"), pattern, "loss")
        script.carry_out(lease, stop, "cpu")
        return [event for event, _ in read(tmp_path / EVENTS) if event["token"] == token]

    return carry_out


def curve(events):
    return {event["unit"]: event["metrics"].get("loss") for event in events if "unit" in event}


def charged(events):
    return [event["begin"] for event in events if "begin" in event]


SAVES_LONG = """
for unit in range(1, to + 1):
    report(unit=unit, loss=1 / unit)
time.sleep(0.6)
open(os.path.join(folder, "saved"), "w").close()
"""


def test_what_comes_after_the_last_unit_is_not_another_unit_and_may_last(carry_out, tmp_path):
    events = carry_out(SAVES_LONG)

    assert (charged(events), events[-1]["end"]) == ([1, 2, 3], "paused")
    assert (tmp_path / "checkpoints" / "saved").exists()


def test_but_not_beyond_the_time_of_the_lease(carry_out, tmp_path):
    events = carry_out(SAVES_LONG.replace("0.6", "60"), seconds=2.0)

    assert (charged(events), events[-1]["end"], events[-1]["at"]) == ([1, 2, 3], "paused", 3)
    assert not (tmp_path / "checkpoints" / "saved").exists()


def test_nor_beyond_a_request_to_stop(carry_out, tmp_path):
    events = carry_out(SAVES_LONG.replace("0.6", "60"), stop=lambda: '"unit":3' in (tmp_path / EVENTS).read_text())

    assert (charged(events), events[-1]["at"]) == ([1, 2, 3], 3)


def test_one_line_that_names_no_unit_after_the_last_one_is_a_summary(carry_out):
    events = carry_out("for unit in range(1, to + 1):\n    print('loss', unit)\nprint('test loss 9')\ntime.sleep(0.3)", r"loss (\S+)")

    assert (charged(events), curve(events), events[-1]["end"]) == ([1, 2, 3], {1: 1.0, 2: 2.0, 3: 3.0}, "paused")
    assert [event["note"][:46] for event in events if "note" in event] == ["left out 1 line after the last unit of the lea"]


def test_two_lines_are_units(carry_out):
    events = carry_out("for unit in range(1, 99):\n    print('loss', unit)\n    time.sleep(60 * (unit == to + 2))", r"loss (\S+)")

    assert curve(events) == {unit: float(unit) for unit in range(1, 6)}
    assert (charged(events)[:5], events[-1]["at"]) == ([1, 2, 3, 4, 5], 5)


@pytest.mark.parametrize("beyond", [4, 3.1])
def test_a_script_that_reports_beyond_its_last_unit_is_stopped(carry_out, beyond):
    events = carry_out(SAVES_LONG.replace("time.sleep(0.6)", f"report(unit={beyond}, loss=0.1)\ntime.sleep(60)"), horizon=9)

    assert len(charged(events)) in (4, 5)  # and the unit is charged in which the stop finds it
    assert (events[-1]["end"], events[-1]["at"]) == ("paused", int(beyond))


@pytest.mark.parametrize(("unit", "says"), [(0, "count from 1"), (-1, "count from 1"), (4, "beyond the horizon of 3")])
def test_units_that_cannot_be_those_of_the_lease_are_refused_at_once(carry_out, unit, says):
    events = carry_out(f"report(unit={unit}, loss=1)\ntime.sleep(60)")

    assert says in events[-1]["error"]["message"]
    assert (events[-1]["error"]["usage"], charged(events)) == (True, [1])


def test_units_that_are_not_whole_are_left_out_and_counted(carry_out):
    events = carry_out("for unit in (0.5, 1, 1.5, 2.0):\n    report(unit=unit, loss=unit)")

    assert curve(events) == {1: 1.0, 2: 2.0}
    assert [event["note"] for event in events if "note" in event] == ["left out 2 lines whose unit is not a whole number, such as '0.5'"]


def test_a_script_that_writes_its_file_anew_each_time_is_read(carry_out):
    events = carry_out('for unit in range(1, to + 1):\n    report(mode="w", unit=unit, loss=1 / unit)\n    until_read(unit)')

    assert curve(events) == {1: 1.0, 2: 0.5, 3: 1 / 3}


def test_a_script_that_begins_its_file_anew_in_each_lease_is_read(carry_out):
    body = "open(os.environ['SHOESTRING_EVENTS'], 'w').close()\n" + SAVES_LONG.replace("0.6", "0")

    carry_out(body, to=2)
    events = carry_out(body, token=2, to=3)

    assert curve(events) == {1: 1.0, 2: 0.5, 3: 1 / 3}


def test_output_that_is_cut_by_the_script_itself_is_read(carry_out):
    body = """
for unit in range(1, to + 1):
    print("loss", unit, flush=True)
    until_read(unit)
    open("/dev/stderr", "w").write("a warning that is longer\\n")
"""
    assert curve(carry_out(body, "loss ([0-9]+)")) == {1: 1.0, 2: 2.0, 3: 3.0}


def test_a_last_line_without_an_end_does_not_join_the_first_of_the_next_lease(carry_out):
    body = "sys.stdout.write('\\n'.join(f'loss {unit}' for unit in range(1, to + 1)))"

    first = carry_out(body, "loss ([0-9]+)", to=2)
    second = carry_out(body, "loss ([0-9]+)", token=2, to=3)

    assert (curve(first), curve(second)) == ({1: 1.0, 2: 2.0}, {1: 1.0, 2: 2.0, 3: 3.0})


def test_units_that_are_written_over_on_one_row_are_one_unit_and_that_is_said(carry_out):
    events = carry_out("for unit in range(1, to + 1):\n    print('\\rloss', unit, end='')", r"loss (\S+)")

    assert curve(events) == {1: 3.0}
    assert [event["note"][:34] for event in events if "note" in event] == ["the script ended at epoch 1 of 3. "]


@pytest.mark.parametrize(
    ("body", "pattern", "says"),
    [
        ("print('epoch 1 loss 0.5')", None, "--pattern 'loss ([-+."),
        ("print('epoch 1 loss 0.5')", r"accuracy (\S+)", "matches no line"),
        ("report(unit=1, loss='n/a')", None, "'loss' that is not a number, such as 'n/a'"),
        ("print('loss n/a')", r"loss (\S+)", "'loss' that is not a number, such as 'n/a'"),
    ],
)
def test_a_script_of_which_nothing_could_be_read_is_told_why(carry_out, body, pattern, says):
    end = carry_out(body, pattern)[-1]

    assert (end["end"], end["error"]["unread"]) == ("failed", True)
    assert says in end["error"]["message"]


def test_what_a_dead_keeper_has_not_read_is_recovered_once(carry_out, tmp_path):
    whole = carry_out("for unit in range(1, to + 1):\n    print(f'at {unit}\\rloss {unit}', end='\\n' if unit < 3 else '')", r"loss (\S+)")
    (tmp_path / EVENTS).unlink()
    events = EventWriter(tmp_path / EVENTS)
    for event in whole[: next(index for index, event in enumerate(whole) if event.get("unit") == 1) + 1]:
        events.append(event)
    events.close()

    Script(("true",), r"loss (\S+)", "loss").recover(tmp_path, 1)

    recovered = [event for event, _ in read(tmp_path / EVENTS)]
    assert curve(recovered) == {1: 1.0, 2: 2.0}  # the last line has no end: nobody knows whether it is whole
    assert [event["unit"] for event in recovered if "unit" in event] == [1, 2]
    assert charged(recovered) == [1, 2, 3]


def test_a_resumed_script_whose_keeper_died_is_charged_once_for_each_unit(tmp_path):
    events = EventWriter(tmp_path / EVENTS)
    events.append({"token": 1, "begin": 1, "to": 9, "fresh": False, "source": 0})
    events.append({"token": 1, "unit": 5, "metrics": {"loss": 0.2}})  # the first: it kept more than the engine knew of
    events.close()

    Script(("true",), None, "loss").recover(tmp_path, 1)

    assert charged([event for event, _ in read(tmp_path / EVENTS)]) == [1, 6]


@pytest.mark.parametrize(("code", "units"), [(143, [1, 2]), (0, [1])])
def test_the_unit_that_is_begun_after_a_request_to_stop_is_charged(carry_out, tmp_path, code, units):
    body = f"""
def end(*_):
    report(unit=1, loss=1.0)
    os._exit({code})  # with an error, it may have been in unit 2; without, it ended in order
signal.signal(signal.SIGTERM, end)
open(os.path.join(folder, "ready"), "w").close()
time.sleep(60)
"""
    events = carry_out(body, stop=(tmp_path / "checkpoints" / "ready").exists, grace=9.0)

    assert (charged(events), events[-1]["end"], events[-1]["at"]) == (units, "paused", 1)


def test_a_script_that_began_again_is_charged_what_it_repeats_and_no_more(carry_out, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "useless").touch()

    events = carry_out("report(unit=1, loss=1.0)\ntime.sleep(60)", start=5, to=9, horizon=9)

    assert (charged(events), events[-1]["end"]) == ([6, 2], "restarts")


def test_one_that_had_done_all_when_its_keeper_died_is_done(carry_out, tmp_path):
    whole = carry_out(SAVES_LONG)
    (tmp_path / EVENTS).unlink()
    events = EventWriter(tmp_path / EVENTS)
    events.append(whole[0])
    events.close()

    Script(("true",), None, "loss").recover(tmp_path, 1)

    recovered = [event for event, _ in read(tmp_path / EVENTS)]
    assert (charged(recovered), recovered[-1]) == ([1, 2, 3], {"token": 1, "end": "paused", "at": 3})


@pytest.mark.parametrize("name", GIVEN)
def test_a_parameter_with_the_name_of_a_placeholder_is_refused(name):
    with pytest.raises(InvalidTarget, match=f"parameter '{name}' has the name of a placeholder"):
        Script(("echo", "{x}"), None, "loss").check(["x", name])


@pytest.mark.parametrize("ask", ["search", "compare", "scale", "largest"])
def test_in_every_question(ask, tmp_path):
    script = Script(("echo", "{to}"), None, "loss")
    common = {"metric": "loss", "goal": "min", "budget": "99 epochs", "store": tmp_path / "run"}
    asked = {
        "search": lambda: ss.search(script, {"to": ss.Int(1, 3)}, **common),
        "compare": lambda: ss.compare({"a": {"to": 1}, "b": {"to": 2}}, script, **common),
        "scale": lambda: ss.scale(script, over="to", sizes=[1, 2, 4, 8, 16], **common),
        "largest": lambda: ss.largest(
            script, over="x", solved="loss<=1", start=1, config={"to": 1}, budget="99 epochs", store=tmp_path / "run"
        ),
    }

    with pytest.raises(InvalidTarget, match="parameter 'to' has the name of a placeholder"):
        asked[ask]()
    assert not (tmp_path / "run").exists()
