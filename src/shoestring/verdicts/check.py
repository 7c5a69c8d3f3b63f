"""Checks sets of claims under one budget, keeps the verdicts as JSON, and writes the page that shows them."""

from __future__ import annotations

import importlib
import json
import pkgutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from shoestring.budget import Budget, duration
from shoestring.cleaning import for_markdown
from shoestring.engine.manifest import environment
from shoestring.engine.run import Run
from shoestring.errors import InvalidTarget, Stopped, UnknownName, UsageError
from shoestring.machine.importing import load_module
from shoestring.questions.compare.finding import Comparison
from shoestring.trial.events import plain
from shoestring.values.answer import Answer, Status, named
from shoestring.verdicts.claim import Asks, Claim, Ruling, Verdict

SYSTEMS = "shoestring.systems"
CONTROL_SHARE = 0.5  # of a claim's budget goes to its control, on top of it


@dataclass(frozen=True)
class ClaimSet:
    """The claims of a system or of a file of one's own."""

    system: str
    claims: tuple[Claim, ...]

    def seconds(self, controls: bool) -> float:
        """Returns what checking them takes by default."""
        return sum(_seconds(claim) for claim in self.claims) * (1 + CONTROL_SHARE * controls)


def systems() -> list[str]:
    """Returns the names of all systems that are installed."""
    try:
        package = importlib.import_module(SYSTEMS)
    except ModuleNotFoundError:
        return []
    found = (module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg)
    return sorted(name for name in found if find_spec(f"{SYSTEMS}.{name}.claims"))


def about(system: str) -> str:
    """Returns the first line of what a system says about itself."""
    return (importlib.import_module(f"{SYSTEMS}.{system}").__doc__ or "").strip().partition("\n")[0]


def claim_set(target: str) -> ClaimSet:
    """Returns the claims of a system, a file, or a module that has ``CLAIMS``.

    Raises:
        InvalidTarget: it cannot be imported, or has no ``CLAIMS``.
        UnknownName: there is no such system, file or module.
    """
    if target in systems():
        module, system = importlib.import_module(f"{SYSTEMS}.{target}.claims"), target
    elif target.endswith(".py") or "." in target:
        module, system = load_module(target), Path(target).stem if target.endswith(".py") else target.rpartition(".")[2]
    else:
        raise UnknownName(
            "system", target, [*systems(), "all"], hint="A file such as claims.py, or a module with CLAIMS, can be given too."
        )
    return ClaimSet(system, _claims_of(module, target))


def selected(sets: Sequence[ClaimSet], names: Sequence[str]) -> list[ClaimSet]:
    """Returns the sets with the named claims alone; all of them if none is named.

    Raises:
        UnknownName: no set has a claim of that name.
    """
    known = [claim.name for one in sets for claim in one.claims]
    for name in names:
        if name not in known:
            raise UnknownName("claim", name, known)
    kept = (ClaimSet(one.system, tuple(claim for claim in one.claims if not names or claim.name in names)) for one in sets)
    return [one for one in kept if one.claims]


def check(
    sets: Sequence[ClaimSet],
    budget: Budget | None,
    folder: Path,
    *,
    controls: bool = False,
    say: Callable[[str], None] = lambda _line: None,
) -> Iterator[Verdict]:
    """Checks claims, one after the other, and keeps each verdict.

    A budget is shared among them in proportion to their own; what one leaves over goes to those after it. Checking again resumes what
    is stored, and a claim that is decided costs nothing more.

    Args:
        budget: of time, for all together; None for each claim's own.
        folder: where the studies and verdicts lie.
        controls: run the controls too.
        say: takes a line for people.
    Raises:
        UsageError: the budget is not one of time.
        Stopped: the study under way was stopped on request.
    """
    if budget is not None and set(budget.limits) != {"wall_s"}:
        raise UsageError(f"a budget of {budget} cannot be shared among claims; give a time such as --budget 5m.")
    left = sum(one.seconds(controls) for one in sets) if budget is None else budget.limits["wall_s"]
    wanted = sum(one.seconds(controls) for one in sets)
    for one in sets:
        for claim in one.claims:
            own = _seconds(claim) * (1 + CONTROL_SHARE * controls)
            share = left * own / wanted if wanted else 0.0
            began = time.monotonic()
            say(f"{one.system} {claim.name}: {claim.statement}")
            verdict = _check_one(one.system, claim, share, folder / one.system / claim.name, controls)
            left -= time.monotonic() - began
            wanted -= own
            say(f"{one.system} {claim.name}: took {duration(time.monotonic() - began)}")
            yield verdict


def verdicts_in(folder: Path) -> list[dict[str, Any]]:
    """Returns the records of all verdicts kept below a folder, by system and claim."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/*/verdict.json")]
    return sorted(records, key=lambda record: (record["system"], record["claim"]))


def page(records: Sequence[Mapping[str, Any]]) -> str:
    """Returns the page of claims as Markdown."""
    lines = ["# Claims and their verdicts", "", "Written by `shoestring claims all --controls --page`; do not edit.", ""]
    for system in sorted({record["system"] for record in records}):
        levels = {record["machine"].get("cpu_capability") or "not recorded" for record in records if record["system"] == system}
        lines += [
            f"## {system}",
            "",
            f"CPU capability: {'; '.join(sorted(levels))}.",
            "",
            "| claim | verdict | control | estimate | time | the paper paid |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for record in (record for record in records if record["system"] == system):
            cells = (
                f"{record['statement']} ({record['source']})",
                record["verdict"],
                record["control_verdict"] or "not run",
                _estimate(record),
                duration(record["spent"]["wall_s"]),
                record["paper_cost"],
            )
            lines.append(f"| **{for_markdown(record['claim'])}**: " + " | ".join(for_markdown(str(cell)) for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _check_one(system: str, claim: Claim, seconds: float, folder: Path, controls: bool) -> Verdict:
    nothing = Verdict(
        system,
        claim.name,
        claim.statement,
        claim.source,
        claim.paper_cost,
        Ruling("undecided"),
        None,
        {},
        f"{seconds:.0f}s",
        (),
        {},
        environment(),
    )
    if reason := _missing(claim):
        return replace(nothing, detail={"not_asked": reason})
    folder.mkdir(parents=True, exist_ok=True)
    share = seconds / (1 + CONTROL_SHARE * controls)
    answer, ruling = _ask(claim, claim.question, share, folder / "study")
    spent, control = answer.spent, None
    if controls:
        control_answer, control = _ask(claim, claim.control, share * CONTROL_SHARE, folder / "control")
        spent += control_answer.spent
    found = answer.finding
    detail = {name: value for name, value in answer.to_json().items() if name not in ("run", "notes")}  # where it lay is of this machine
    verdict = replace(
        nothing,
        ruling=ruling,
        control=control,
        spent=named(spent.as_dict(), answer.unit),
        seeds=found.seeds if isinstance(found, Comparison) else (),
        detail=detail | {"reported": _reported(Run.read(folder / "study"))},
    )
    part = folder / "verdict.part"
    part.write_text(json.dumps(verdict.to_record(), indent=2) + "\n", encoding="utf-8")
    part.replace(folder / "verdict.json")
    return verdict


def _reported(run: Run) -> dict[str, dict[str, list[float | str]]]:
    """Returns all that each arm's trials reported last, by metric, in the order of the trials: what else a table may want to show."""
    reported: dict[str, dict[str, list[float | str]]] = {}
    for trial in run.trials:
        for name, value in trial.curve[max(trial.curve)].items() if trial.curve else ():
            reported.setdefault(trial.arm, {}).setdefault(name, []).append(plain(value))
    return reported


def _missing(claim: Claim) -> str:
    """Returns why a claim's data cannot be read, nothing if they can."""
    try:
        if claim.needs is not None:
            claim.needs()
    except UsageError as error:
        return str(error)
    return ""


def _ask(claim: Claim, question: Asks, seconds: float, store: Path) -> tuple[Answer, Ruling]:
    answer = question(budget=f"{max(seconds, 1.0):.3f}s", store=store)
    if answer.status is Status.STOPPED:
        raise Stopped(f"stopped while claim {claim.name} was checked; run the same command to resume.")
    return answer, claim.rule(answer)


def _claims_of(module: ModuleType, target: str) -> tuple[Claim, ...]:
    claims = getattr(module, "CLAIMS", None)
    if not isinstance(claims, Sequence) or not claims or not all(isinstance(claim, Claim) for claim in claims):
        raise InvalidTarget(f"{target} holds no claims; give it CLAIMS = [shoestring.Claim(...), ...].")
    names = [claim.name for claim in claims]
    if len(set(names)) < len(names):
        raise InvalidTarget(f"{target} has two claims called {next(name for name in names if names.count(name) > 1)!r}; rename one.")
    return tuple(claims)


def _seconds(claim: Claim) -> float:
    limits = Budget(claim.budget).limits
    if set(limits) != {"wall_s"}:
        raise UsageError(f"the budget {claim.budget!r} of claim {claim.name!r} is not one of time; write for example '90s'.")
    return limits["wall_s"]


def _estimate(record: Mapping[str, Any]) -> str:
    if record["estimate"] is None:
        return ""
    low, high = record["interval"]
    return f"{record['estimate']:.4g} ({'-inf' if low is None else f'{low:.4g}'} to {'inf' if high is None else f'{high:.4g}'})"
