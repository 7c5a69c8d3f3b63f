"""Scripts behind the command template: obedient, disobedient, dying, silent, killed and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shoestring.engine.run import Run

COMMAND = str(Path(sys.executable).with_name("shoestring"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "script" / "descend.awk"
REPORT = """
import json, os, sys, time
own = os.path.dirname(os.environ["SHOESTRING_EVENTS"])
def begin(unit):
    with open(os.path.join(own, "begun"), "a") as file:
        file.write(f"{unit}\\n")
def report(**event):
    with open(os.environ["SHOESTRING_EVENTS"], "a") as file:
        file.write(json.dumps(event) + "\\n")
"""


def search(tmp_path: Path, script: str | list[str], *options: str, runner: str = "process", check: int | None = 0) -> Run:
    """Runs a search over a script, given as Python text or as a whole command."""
    (tmp_path / "script.py").write_text(REPORT + script if isinstance(script, str) else "")
    argv = [sys.executable, "-S", str(tmp_path / "script.py"), "{x}"] if isinstance(script, str) else script
    done = subprocess.run(command(tmp_path, argv, *options, runner=runner), capture_output=True, text=True, check=False)
    assert check is None or done.returncode == check, done.stderr
    assert "Traceback (most recent call last)" not in done.stderr.replace("    Traceback", "")
    return Run.read(tmp_path / "run")


def command(tmp_path: Path, argv: list[str], *options: str, runner: str = "process") -> list[str]:
    defaults = {
        "--horizon": "4",
        "--scheduler": "fixed",
        "--sampler": "grid",
        "--budget": "40 epochs",
        "--grace": "0.3",
        "--confirm": "none",
    }
    given = {**defaults, **dict(zip(options[::2], options[1::2], strict=True))}
    space = given.pop("space", "x=a,b")
    flat = [part for pair in given.items() for part in pair]
    always = ["--metric", "loss", "--goal", "min", "--runner", runner, "--workers", "1", "--store", str(tmp_path / "run")]
    return [COMMAND, "search", space, *always, *flat, "--", *argv]


def begun(run: Run) -> int:
    return sum(len(path.read_text().splitlines()) for path in run.folder.glob("trials/*/begun"))


def charged(run: Run) -> int:
    return sum(row["units"] for row in run.ledger)


def test_the_example_in_awk_goes_on_from_its_own_state(tmp_path):
    awk = ["awk", "-v", "lr={x}", "-v", "momentum=0.5", "-v", "to={to}", "-v", "state={checkpoint_dir}/state", "-f", str(EXAMPLE)]

    run = search(tmp_path, awk, "space", "x=log:1e-5:1e-3", "--horizon", "9", "--scheduler", "halving", "--sampler", "random")

    assert charged(run) == 9 * 1 + 3 * 2 + 1 * 6
    assert all(row["lost_units"] == 0 for row in run.ledger)
    assert [len(trial.curve) for trial, _, _ in run.ranked()].count(9) == 1


@pytest.mark.parametrize("runner", ["process", "inline"])
def test_a_script_that_obeys_is_charged_what_it_began(tmp_path, runner):
    script = 'for unit in range(1, int(os.environ["SHOESTRING_TO"]) + 1):\n    begin(unit)\n    report(unit=unit, loss=1 / unit)'

    run = search(tmp_path, script, runner=runner)

    assert charged(run) == begun(run) == 8
    assert {trial.state for trial in run.trials} == {"complete"}


def test_a_script_that_ignores_its_limit_is_stopped_and_every_unit_is_charged(tmp_path):
    script = "for unit in range(1, 100):\n    begin(unit)\n    time.sleep(0.1)\n    report(unit=unit, loss=1 / unit)"

    run = search(tmp_path, script, "--horizon", "3", "--scheduler", "halving", "--confirm", "none", "space", "x=a,b,c", "--sampler", "grid")

    assert charged(run) == begun(run)
    assert run.ranked()[0][2] >= 3
    assert sum(row["lost_units"] for row in run.ledger) >= 1  # the one that went on began again from zero
    assert charged(run) <= 3 + 3 + 2 * 4  # a stop comes at most two units late


def test_one_that_began_again_though_it_keeps_a_file_starts_from_zero_and_says_so(tmp_path):
    script = """
open(os.path.join(os.environ["SHOESTRING_CHECKPOINT_DIR"], "useless"), "w").close()
for unit in range(1, int(os.environ["SHOESTRING_TO"]) + 1):
    begin(unit)
    time.sleep(0.05)
    report(unit=unit, loss=1 / unit)
"""
    run = search(tmp_path, script, "--horizon", "3", "--scheduler", "halving", "space", "x=a,b,c")

    assert "began again from zero" in (run.folder / "log.txt").read_text()
    assert charged(run) == begun(run)
    assert sum(row["lost_units"] for row in run.ledger) >= 2


def test_a_script_that_reports_every_other_unit_or_two_metrics_apart_is_charged_each_unit_once(tmp_path):
    script = """
for unit in range(1, int(os.environ["SHOESTRING_TO"]) + 1):
    begin(unit)
    if unit % 2 == 0:
        report(unit=unit, loss=1 / unit)
        report(unit=unit, accuracy=0.5)
"""
    run = search(tmp_path, script)

    assert charged(run) == begun(run) == 8
    assert run.trials[0].curve == {2: {"loss": 0.5, "accuracy": 0.5}, 4: {"loss": 0.25, "accuracy": 0.5}}


def test_a_script_that_ends_early_is_not_charged_for_what_it_did_not_begin(tmp_path):
    run = search(tmp_path, "for unit in (1, 2):\n    begin(unit)\n    report(unit=unit, loss=1 / unit)")

    assert charged(run) == begun(run) == 4
    assert {trial.state for trial in run.trials} == {"finished"}


@pytest.mark.parametrize("pattern", ["loss ([0-9.]+)", r"at (?P<unit>\d+): loss (?P<loss>\S+)"])
def test_a_pattern_finds_the_metric_in_the_output(tmp_path, pattern):
    script = 'for unit in range(1, int(os.environ["SHOESTRING_TO"]) + 1):\n    begin(unit)\n    print(f"at {unit}: loss {1 / unit}")'

    run = search(tmp_path, script, "--pattern", pattern)

    assert charged(run) == begun(run) == 8
    assert run.trials[1].curve == {unit: {"loss": 1 / unit} for unit in (1, 2, 3, 4)}


def test_a_value_arrives_as_one_argument(tmp_path):
    values = ["two words", 'it\'s "quoted"', "naïve 日本語 🜁", "$(rm -rf x); `ls` | & > < * ?", "back\\slash", "--flag"]
    script = "print(json.dumps(sys.argv[1:]))\nreport(unit=1, loss=1.0)"

    run = search(tmp_path, script, "space", f"x={','.join(json.dumps(value, ensure_ascii=False) for value in values)}", "--horizon", "1")

    printed = [json.loads((run.folder / "trials" / f"{trial.id:04d}" / "stdout.txt").read_text().splitlines()[0]) for trial in run.trials]
    assert printed == [[trial.config["x"]] for trial in run.trials]
    assert sorted(trial.config["x"] for trial in run.trials) == sorted(values)


@pytest.mark.parametrize(
    ("script", "code", "state", "says"),
    [
        ('print("out of luck")\nsys.exit(7)', 5, "failed", "exit code 7"),
        ("os.kill(os.getpid(), 11)", 5, "failed", "signal 11"),
        ("pass", 5, "failed", "without reporting a metric"),
        ('report(unit=1, loss=float("nan"))\ntime.sleep(9)', 5, "diverged", "not finite"),
        ("report(unit=1, accuracy=1.0)", 2, "failed", "loss"),
    ],
)
def test_each_way_to_fail_has_its_own_name(tmp_path, script, code, state, says):
    run = search(tmp_path, script, "--horizon", "1", check=code)

    assert run.trials[0].state == state
    assert says in (run.folder / "log.txt").read_text() + json.dumps(run.trials[0].error)
    assert charged(run) >= 1


def test_a_command_that_does_not_exist_is_a_usage_error(tmp_path):
    done = subprocess.run(command(tmp_path, ["no-such-program", "{x}"]), capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "no-such-program" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("runner", ["process", "inline"])
def test_a_killed_study_goes_on_with_every_unit_and_report(tmp_path, runner):
    script = """
kept = os.path.join(os.environ["SHOESTRING_CHECKPOINT_DIR"], "state")
done = int(open(kept).read()) if os.path.exists(kept) else 0
for unit in range(done + 1, int(os.environ["SHOESTRING_TO"]) + 1):
    begin(unit)
    time.sleep(0.15)
    report(unit=unit, loss=1 / unit)
    with open(kept + ".part", "w") as file:
        file.write(str(unit))
    os.replace(kept + ".part", kept)
"""
    (tmp_path / "script.py").write_text(REPORT + script)
    argv = [sys.executable, "-S", str(tmp_path / "script.py"), "{x}"]
    with subprocess.Popen(command(tmp_path, argv, runner=runner), env=os.environ, stderr=subprocess.DEVNULL) as study:
        metrics = tmp_path / "run" / "trials" / "0001" / "metrics.jsonl"
        while not metrics.exists() or metrics.read_text().count("\n") < 2:
            time.sleep(0.01)
        study.send_signal(signal.SIGKILL)

    run = search(tmp_path, script, runner=runner)

    assert begun(run) <= charged(run) <= begun(run) + 1  # the kill may fall between the engine's record and the script's
    assert [sorted(trial.curve) for trial in run.trials] == [[1, 2, 3, 4]] * 2
    assert charged(run) <= 8 + 2


@pytest.mark.parametrize("runner", ["inline", "process"])
def test_the_unit_in_which_a_script_dies_is_charged(tmp_path, runner):
    script = """
for unit in range(1, 4):
    begin(unit)
    if unit == 3:
        sys.exit(9)
    report(unit=unit, loss=1 / unit)
"""
    run = search(tmp_path, script, runner=runner, check=None)

    assert charged(run) == begun(run) == 2 * 3
