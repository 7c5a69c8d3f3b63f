"""Calls every public name with wrong arguments, and the command line with wrong words: each answers, or refuses in a sentence.

``python benchmarks/fuzz.py`` makes 10,000 calls in Python and 3,000 on the command line, 100 of them in processes of their own. It prints
what ended in any other way by kind, and exits with 1 if there is any. The same seed makes the same calls.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import shoestring as ss
from shoestring import cli

LONGEST = 1_000  # characters of a message
LONGEST_S = 20.0  # of processor time of one call
METHODS = {
    "Budget",
    "Trial",
    "Space.of",
    "Space.validate",
    "Space.completed",
    "Space.from_json",
}  # Python itself checks what these are called with
EXIT_CODES = {0, 2, 3, 4, 5}
TARGET = """
def train(trial):
    for _ in trial.steps():
        trial.report(loss=float(len(str(trial.config))))

def raises(trial):
    raise RuntimeError("no")

async def waits(trial):
    pass

def yields(trial):
    yield trial

def nothing():
    pass

number = 3
"""


class Hangs(BaseException):
    """A call took more processor time than any should."""


class Unwritable:
    """An object that cannot be written, compared or counted."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no ==")

    __hash__ = None  # type: ignore[assignment]


def train(trial: ss.Trial) -> None:
    """Trains nothing, and reports a loss."""
    for unit in trial.steps():
        trial.report(loss=float(trial.config.get("x", 1.0) or 0.0) + 1 / (unit + 1))


def curve(config: Mapping[str, Any], seed: int) -> list[dict[str, float]]:
    """Returns a learning curve of three units."""
    return [{"loss": 1.0 / unit} for unit in (1, 2, 3)]


async def waits(trial: ss.Trial) -> None:
    """Is an async function."""


def yields(trial: ss.Trial) -> Iterator[int]:
    """Is a generator function."""
    yield from trial.steps()


def rule(answer: ss.Answer) -> ss.Ruling:
    """Rules nothing."""
    return ss.Ruling("undecided")


def wrong_values() -> list[Any]:
    """Returns values that few arguments can be; made anew for each call, as some are used up."""
    endless: list[Any] = []
    endless.append(endless)
    numbers = [None, True, False, 0, 1, -1, 2, 7, 3.5, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"), 2**63, 10**30, 10**5000]
    numbers += [
        Decimal(1),
        Fraction(1, 2),
        1j,
        np.int64(3),
        np.float32(0.5),
        np.bool_(True),
        np.float64("nan"),
        np.array(3),
        np.array([1, 2]),
    ]
    texts = [
        "",
        "x",
        "loss",
        "min",
        "ü 日本",
        "a\0b",
        "\udcff",
        "\x1b[31m",
        "a\nb",
        "x" * 10**6,
        "3 epochs",
        "0.05s",
        "20 trials",
        "500 ms",
        "-5m",
    ]
    texts += [
        "1e999 s",
        "inline",
        "replay",
        "random",
        "grid",
        "fixed",
        "tpe?",
        "1/gpu-hour",
        "loss>=1",
        "open",
        "epoch",
        "round",
        "hours",
        "../x",
        "/",
    ]
    texts += [
        "nowhere.py:train",
        "target.py:train",
        "target.py:waits",
        "target.py:yields",
        "target.py:number",
        "a:b:c",
        ":memory:",
        "holds",
        "{",
    ]
    bundles = [
        b"x",
        bytearray(b"x"),
        [],
        [1],
        ["loss", "accuracy"],
        [1, 2, 4, 8, 16],
        ("a",),
        (1.0, None),
        [[1]],
        {},
        {"x": 1},
        {1: 2},
        {"x": None},
    ]
    bundles += [
        {"x": float("nan")},
        {"a": {"x": 1}, "b": {"x": 2}},
        {"x": [1]},
        {"a\0": 1},
        set("ab"),
        range(3),
        (n for n in (1, 2)),
        endless,
    ]
    functions = [
        train,
        curve,
        waits,
        yields,
        print,
        len,
        int,
        lambda: None,
        lambda a, b, c: None,
        lambda *a: None,
        list.append,
        [].append,
        json,
    ]
    objects = [
        object(),
        object,
        Unwritable(),
        Path("p"),
        Path("a\0b"),
        Path("x" * 5000),
        ss.Budget("3 epochs"),
        ss.Float(0, 1),
        ss.Choice([1, "a"]),
    ]
    objects += [
        ss.Space({"x": ss.Int(1, 3)}),
        ss.Script(("true",), None, "loss"),
        ss.Ruling("holds"),
        ss.ReplayRunner(curve),
        ss.ReplayRunner,
    ]
    objects += [ValueError("x"), slice(3), ..., NotImplemented, io.StringIO("x")]
    return [*numbers, *texts, *bundles, *functions, *objects]


def doors() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """Returns by name what is called, and arguments with which it answers."""
    space = {"x": ss.Float(0, 1, default=0.5), "opt": ss.Choice(["a", "b"]), "m": ss.Float(0, 1, when={"opt": "a"})}
    shared = {
        "budget": "3 epochs",
        "runner": "inline",
        "store": ":memory:",
        "horizon": 1,
        "seed": 0,
        "grace": 1.0,
        "workers": 1,
        "watts": 5.0,
    }
    shared |= {"unit": None, "price": (), "on_progress": lambda _study: None, "began": None}
    judged = shared | {"metric": "loss", "goal": "min"}
    searched = {
        "train": train,
        "space": space,
        "scheduler": None,
        "sampler": "random",
        "eta": 3,
        "n_trials": 3,
        "confirm": False,
        "default": None,
    }
    arms = {"arms": {"a": {"x": 1}, "b": {"x": 2}}, "train": train, "seeds": 3, "difference": None, "alpha": 0.05, "worst": None}
    arms |= {"resolution": 0.0, "mode": "prove", "full": None, "repeats": None, "reserve": None, "extend": False, "strict": False}
    law = {"train": train, "over": "x", "sizes": [1, 2, 4, 8, 16], "config": None, "seeds": 2, "extrapolate": (), "unverified": False}
    most = {"train": train, "over": "x", "solved": "loss<=2", "start": 2, "config": None, "p_star": 0.5, "ratio": 4.0, "strict": False}
    most |= {"smallest": 1, "most": 64, "max_trials": 5}
    number = {"low": 1, "high": 8, "log": False, "default": None, "when": None}
    asks = {"name": "a", "statement": "b", "source": "c", "question": train, "budget": "1s", "rule": rule, "control": train}
    ruling = ss.Ruling("holds")
    verdict = {
        "system": "s",
        "claim": "c",
        "statement": "t",
        "source": "p",
        "paper_cost": "n",
        "ruling": ruling,
        "control": None,
        "spent": {},
    }
    verdict |= {"budget": "1s", "seeds": (1,), "detail": {}, "machine": {}}
    known = ss.Space(space)
    return {
        "search": (ss.search, judged | searched),
        "compare": (ss.compare, judged | arms | {"budget": "6 epochs"}),
        "scale": (ss.scale, judged | law | {"budget": "10 epochs"}),
        "largest": (ss.largest, shared | most | {"budget": "5 epochs"}),
        "plan": (ss.plan, {"verb": ss.search, "train": train, "space": space, "budget": "3 epochs", "metric": "loss", "goal": "min"}),
        "check": (ss.check, {"train": "nowhere.py:train", "config": None, "units": 2, "horizon": None, "seed": 0, "ignore": ()}),
        "load": (ss.load, {"run": "nowhere"}),
        "report": (ss.report, {"run": "nowhere"}),
        "resume": (ss.resume, {"run": "nowhere", "yes": False, "accept_changes": False, "on_progress": print, "began": None}),
        "claims": (ss.claims, {"targets": "nothing", "budget": "1s", "only": (), "controls": False, "store": None, "on_progress": print}),
        "Float": (ss.Float, number),
        "Int": (ss.Int, number),
        "Choice": (ss.Choice, {"options": [1, "a", None], "default": None, "when": None}),
        "Space": (ss.Space, {"params": space}),
        "Space.of": (ss.Space.of, {"space": space}),
        "Space.validate": (known.validate, {"config": {"x": 0.5, "opt": "b"}}),
        "Space.completed": (known.completed, {"values": {"x": 0.5}}),
        "Space.from_json": (ss.Space.from_json, {"data": known.to_json()}),
        "Budget": (lambda text, unit=None: ss.Budget(text, unit=unit), {"text": "3 epochs", "unit": None}),
        "Ruling": (ss.Ruling, {"word": "holds", "estimate": None, "interval": (None, None)}),
        "Claim": (ss.Claim, asks | {"paper_cost": "n", "needs": None}),
        "Verdict": (ss.Verdict, verdict),
        "Script": (ss.Script, {"command": ("true", "{x}"), "pattern": None, "metric": "loss"}),
        "ReplayRunner": (ss.ReplayRunner, {"curve": curve, "workers": 1, "unit_s": 1.0, "pausable": True}),
        "Trial": (lambda lease, events, **more: ss.Trial(lease, events, **more), {"lease": 1, "events": 1, "device": "cpu"}),
        "search replayed": (ss.search, judged | searched | {"train": curve, "runner": "replay"}),
    }


def python_call(rng: random.Random, table: Mapping[str, tuple[Callable[..., Any], dict[str, Any]]]) -> tuple[str, Callable[[], Any]]:
    """Returns one call in words, and the call."""
    name = rng.choice([*table, "search", "compare", "scale", "largest"])
    function, base = table[name]
    given, pool = dict(base), wrong_values()
    said = []
    for _ in range(rng.choice((1, 1, 2))):
        argument = rng.choice([*base])
        if name not in METHODS and rng.random() < 0.03:
            argument = "bogus"
        if name not in METHODS and rng.random() < 0.03:
            given.pop(argument, None)
            said.append(f"without {argument}")
            continue
        index = rng.randrange(len(pool))
        given[argument] = pool[index]
        said.append(f"{argument}=value {index} ({type(pool[index]).__name__})")
    return f"{name} {', '.join(said)}", lambda: function(**given)


def fault_of(call: Callable[[], Any]) -> str:
    """Returns what is wrong with how a call ended, empty if nothing is."""
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_S)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("error")
            call()
    except ss.ShoestringError as error:
        return fault_of_message(str(error))
    except Hangs:
        return "takes too long"
    except BaseException as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/shoestring/" in frame.filename]
        where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        return f"{type(error).__name__}{where}: {str(error)[:100]}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return ""


def fault_of_message(message: str) -> str:
    """Returns what is wrong with a message of ours, empty if nothing is."""
    if re.search(r"0x[0-9a-f]{6,}", message):
        return f"an address in a message: {message[:100]}"
    if len(message) > LONGEST and "Traceback" not in message:
        return f"a message of {len(message)} characters: {message[:100]}"
    if not re.search(r"\w \w", message):
        return f"no sentence: {message[:100]}"
    return ""


_WORDS = (
    "x=0:1|x=log:1e-3:1|x=int:1:9|x=1:0|x=log:0:1|x=a,b|x=True,False|x=yes,no|x=None,1|x|=|x==|x=0:1?y=1|x=1,1|x=nan|"
    "target.py:train|target.py:raises|target.py:number|target.py:nothing|target.py:waits|target.py:yields|"
    "broken.py:train|nowhere.py:f|json:loads|a:b:c|:||run|taken|no such|/|4 epochs|1 epoch|0.1s|0s|-1s|1e999s|500 ms|"
    "20 trials|9 rounds|round|hours|5M|4 epochs, 1m|two weeks|1 usd|1 gpu-hour|$1|nan s|loss|los|min|max|3|0|-1|1e3|"
    "nan|inf|-inf|99999999999999999999|tpe|grid|random|sobol|halving|fixed|hyperband|bogus|process?|inline|replay|"
    "2.5/gpu-hour|csv|jsonl|text|ledger|a|a:x=1|a:x=True|b:=0.5|b:=nan|b: true {x}|x=1,2,4,8,16|loss<=1|loss>1|open|"
    "1e-3|a\nb|\x1b[31m|ü 日本|�|{x}|{|{nope}|(|(.)"
)
WORDS = [*_WORDS.split("|"), "", "y" * 100_000]
_OPTIONS = (
    "--space --metric --goal --budget --horizon --unit --seed --scheduler --sampler --eta --trials --workers --pattern "
    "--price --watts --grace --store --arm --seeds --difference --alpha --worst --resolution --reserve --repeats "
    "--ablation-of --over --extrapolate --largest --solved --from --most --p-star --ratio --max-trials --default --confirm "
    "--runner --json --format --what --bogus --watc "
)
OPTIONS = _OPTIONS.split()
GOOD = ["target.py:train", "x=0:1", "--metric", "loss", "--goal", "min", "--horizon", "1", "--runner", "inline", "--budget"]
BASES = [
    ["search", *GOOD, "4 epochs", "--confirm", "none"],
    ["compare", "target.py:train", *GOOD[2:], "6 epochs", "--seeds", "3", "--arm", "a:x=1", "--arm", "b:x=2"],
    ["scale", "target.py:train", *GOOD[2:], "10 epochs", "--seeds", "2", "--over", "x=1,2,4,8,16"],
    ["scale", "target.py:train", "--largest", "x", "--solved", "loss<=1", "--from", "2", "--budget", "3 epochs", "--runner", "inline"],
    *([command, *run] for command in ("status", "export", "resume") for run in ([], ["run"])),
    ["report", "run", "--format", "text"],
    *([command] for command in ("search", "compare", "scale", "plan", "check", "run", "verify", "bogus", "--help")),
    ["claims", "no such"],  # a system's name beside it would check its claims for minutes
]


def command_line(rng: random.Random, folder: str) -> list[str]:
    """Returns the words of one command line."""
    arguments = list(rng.choice([*BASES, *BASES[:4] * 3]))
    for _ in range(rng.randrange(4)):
        more = [rng.choice(OPTIONS), rng.choice(WORDS)] if rng.random() < 0.7 else [rng.choice(WORDS)]
        where = rng.randrange(1, len(arguments) + 1)
        arguments[where:where] = more
    if rng.random() < 0.1:
        arguments += ["--", "true", rng.choice(WORDS)]
    elif arguments[0] in ("search", "compare", "scale") and "--store" not in arguments:
        arguments += ["--store", folder if rng.random() < 0.05 else ":memory:"]  # a run on disk ends with the drawing of its report
    return arguments


def inline(arguments: Sequence[str]) -> tuple[object, str]:
    """Returns the exit code and what a command wrote to stderr, run in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape"), io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape")
    code: object = "none"
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main(arguments)
        except SystemExit as ended:
            code = ended.code or 0
    err.seek(0)
    return code, err.read()


def apart(arguments: Sequence[str]) -> tuple[object, str]:
    """Returns the exit code and what a command wrote to stderr, run in a process of its own."""
    words = [word.replace("\0", "") for word in arguments]
    done = subprocess.run([sys.executable, "-m", "shoestring", *words], capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr.decode(errors="replace")


def check_command(run: Callable[[Sequence[str]], tuple[object, str]], arguments: Sequence[str]) -> None:
    """Runs a command.

    Raises:
        RuntimeError: it ended in another way than with an exit code of ours and a sentence.
    """
    code, err = run(arguments)
    allowed = EXIT_CODES | ({1} if arguments[0] in ("check", "claims", "verify") else set())
    own = "Traceback (most recent call last)" in err and "could not be imported" not in err and "the script failed" not in err
    if code not in allowed or (own and "RuntimeError: no" not in err):
        raise RuntimeError(f"exit code {code}: {err.strip()[-200:]}")
    if code == 2 and not err.strip():
        raise RuntimeError("exit code 2 without a word")
    if code == 2 and (fault := fault_of_message(err[:LONGEST] if "Usage:" in err else err)):
        raise RuntimeError(fault)


def fuzz(seed: int, n_python: int, n_commands: int, n_processes: int) -> tuple[Counter[str], dict[str, str]]:
    """Returns how often each kind of fault was seen, and one call that shows it."""
    rng = random.Random(seed)
    kinds: Counter[str] = Counter()
    shown: dict[str, str] = {}

    def note(fault: str, said: str) -> None:
        if fault:
            kind = re.sub(r"'[^']*'|\d{4,}", "...", fault)
            kinds[kind] += 1
            shown.setdefault(kind, said)

    def ring(_number: int, _frame: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGVTALRM, ring)
    try:
        with workplace() as folder:
            table = doors()
            for _ in range(n_python):
                said, call = python_call(rng, table)
                fault = fault_of(call)
                if not ("on_progress=" in said and "in study.py" in fault):  # what a user's function raises there is theirs
                    note(fault, said)
            for n in range(n_commands):
                arguments = command_line(rng, str(folder / f"store-{n}"))
                run = apart if n < n_processes else inline
                note(fault_of(lambda run=run, arguments=arguments: check_command(run, arguments)), repr(arguments)[:400])
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return kinds, shown


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """Gives a folder of its own as the current one, with targets and a run."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.chdir(folder)
        try:
            (folder / "target.py").write_text(TARGET)
            (folder / "broken.py").write_text("import no_such_module\n")
            (folder / "taken").mkdir()
            (folder / "taken" / "thesis.tex").write_text("42")
            code, err = inline([*BASES[0], "--store", "run"])
            assert code == 0, err
            yield folder
        finally:
            os.chdir(before)


def main() -> None:
    """Fuzzes, and prints the kinds of faults by count."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--python", type=int, default=10_000)
    parser.add_argument("--commands", type=int, default=3_000)
    parser.add_argument("--processes", type=int, default=100)
    asked = parser.parse_args()
    began = time.monotonic()
    kinds, shown = fuzz(asked.seed, asked.python, asked.commands, asked.processes)
    for kind, count in kinds.most_common():
        print(f"{count:6d}  {kind}\n        {shown[kind]}")
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{asked.python} calls in Python, {asked.commands} command lines: {kinds.total()} faults of {len(kinds)} kinds in {took}")
    sys.exit(1 if kinds else 0)


if __name__ == "__main__":
    main()
