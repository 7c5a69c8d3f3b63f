"""The commands ``claims`` and ``systems``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from shoestring.cli.asking import Json
from shoestring.cli.saying import say


def claims(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET|all...", help="Systems, or files or modules with CLAIMS.")],
    *,
    budget: Annotated[Optional[str], typer.Option(help="A time for all of them, such as 5m; each claim's own if left out.")] = None,  # noqa: UP045
    only: Annotated[list[str], typer.Option(metavar="NAME", help="Check this claim only; can be given several times.")] = [],  # noqa: B006
    controls: Annotated[bool, typer.Option("--controls", help="Run the controls too, under which no claim may hold.")] = False,
    store: Annotated[Optional[Path], typer.Option(help="Where studies and verdicts lie; claims in the runs' folder.")] = None,  # noqa: UP045
    page: Annotated[Optional[Path], typer.Option(help="Write the page of all verdicts in the store, as Markdown.")] = None,  # noqa: UP045
    as_json: Json = False,
) -> None:
    """Checks claims under a budget: holds, fails, or undecided, each with its interval and its price."""
    from shoestring.budget import Budget
    from shoestring.engine.naming import runs_folder
    from shoestring.verdicts import check as checking

    names = checking.systems() if targets == ["all"] else targets
    sets = checking.selected([checking.claim_set(name) for name in names], only)
    folder = store or runs_folder() / "claims"
    limit = None if budget is None else Budget(budget)
    found = []
    for verdict in checking.check(sets, limit, folder, controls=controls, say=lambda line: say(line, err=True)):
        found.append(verdict)
        if not as_json:
            say(str(verdict))
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(checking.page(checking.verdicts_in(folder)), encoding="utf-8")
    if as_json:
        say(json.dumps([verdict.to_json() for verdict in found]))
    if not all(verdict.is_sound for verdict in found):
        raise typer.Exit(1)


def systems(as_json: Json = False) -> None:
    """The systems that come along: their papers, claims, verdicts, and the price of checking them."""
    from shoestring.budget import duration
    from shoestring.engine.naming import runs_folder
    from shoestring.verdicts import check as checking

    kept = {(record["system"], record["claim"]): record for record in checking.verdicts_in(runs_folder() / "claims")}
    listed: list[dict[str, Any]] = []
    for name in checking.systems():
        one = checking.claim_set(name)
        stored = {claim.name: kept.get((name, claim.name)) for claim in one.claims}
        about = checking.about(name)
        entries = [
            {"claim": claim.name, "statement": claim.statement, "source": claim.source, "verdict": record and record["verdict"]}
            for claim in one.claims
            for record in [stored[claim.name]]
        ]
        listed.append({"system": name, "about": about, "seconds": one.seconds(controls=False), "claims": entries})
    if as_json:
        say(json.dumps(listed))
        return
    for entry in listed:
        say(f"{entry['system']}: {entry['about']}  (checking takes {duration(entry['seconds'])})")
        for line in entry["claims"]:
            say(f"  {line['verdict'] or 'not checked':<12}{line['claim']}: {line['statement']}")
