"""Launches a study: builds strategy, runner, store and ledger for a question, and runs it to its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from shoestring.budget import Cost
from shoestring.engine.identity import pieces_of
from shoestring.engine.ledger import Ledger
from shoestring.engine.manifest import code_notes, code_record, finished_answer, set_aside_if_void, settle_identity
from shoestring.engine.origin import made_here
from shoestring.engine.spending import Spending, check_feasible
from shoestring.engine.study import Study
from shoestring.errors import UsageError, shown
from shoestring.machine import mark as marks
from shoestring.machine.clock import monotonic
from shoestring.questions.kinds import Stage, kind_of
from shoestring.questions.protocol import Question, Strategy
from shoestring.runners import REPLAY, make_runner
from shoestring.runners.arms import Arms, Target, by_name, check_scripts, to_plain
from shoestring.runners.protocol import Post, Runner
from shoestring.store import schema
from shoestring.store.store import Store, check_database
from shoestring.values.answer import Answer
from shoestring.values.orders import Config


def launch(
    target: Target,
    question: Question,
    spending: Spending,
    runner: str | Runner,
    folder: Path | None,
    on_progress: Callable[[Study], None] = lambda _study: None,
    began: float | None = None,
    *,
    pilot: bool = False,
    extend: bool = False,
    accept_changes: bool = False,
    database: str | None = None,
) -> Answer:
    """Runs a question whose parts are already built; ``folder`` None keeps nothing.

    Args:
        began: when the study began, on ``clock.monotonic``; start-up from then on is charged.
        pilot: do only what tells what a training costs, booked as pilot work.
        extend: run the extension that a comparison has planned.
        accept_changes: run on although the code has changed since the run began, and say so in the answer.
        database: the URL of the database that keeps the rows of a new run; None for a file in the folder.
    Raises:
        UsageError, StoreError: the question cannot be asked so, or the folder cannot be used.
    """
    kind = kind_of(question)
    check_feasible(question, spending.budget, kind.least_runs(question))
    if extend and not kind.extendable(question):
        raise UsageError("the comparison has planned no extension; plan one when it begins, such as --seeds 10 --reserve 30.")
    code = pieces_of(target) if folder is not None else {}
    if database is not None:
        check_database(database)
        if folder is None:
            raise UsageError("a run with store=':memory:' is kept nowhere; leave out the database, or give a folder.")
    if folder is not None:
        folder = folder.absolute()  # the training function may change the directory
        set_aside_if_void(folder, question)
        if not pilot and not extend and (answered := finished_answer(folder, question, spending.budget, code, accept=accept_changes)):
            return answered
    check_scripts(target, _parameters(target, question))
    kind.strategy(question, Stage({}))  # refuses a wrong scheduler or sampler before anything is started
    with ExitStack() as cleanup:
        # What is there already is opened first, so that a wrong folder is refused at once; a new run only when its target was imported.
        store = Store.create_or_open(folder, database) if folder is not None and folder.exists() else None
        if store is not None:
            cleanup.callback(store.close)
            settle_identity(store, question)
        record = _code_of(store, code, accept_changes)
        mark = (store and store.noted("mark")) or marks.new()
        if store is not None:
            marks.end(mark)  # what a dead engine has left running: the lock of the run is held here
        post = Post(target, spending.workers, spending.watts, mark, _ready_by(store, spending, began))
        at_work = _make_runner(runner, post)
        cleanup.callback(at_work.close)
        _check_spendable(spending, at_work)
        if store is None:
            store = Store.in_memory() if folder is None else Store.create_or_open(folder, database)
            cleanup.callback(store.close)
            settle_identity(store, question)
        store.note("mark", mark)
        store.note("request", request := _request(target, spending, runner, store.folder, record, kind.members(question)))
        if extend:
            store.note("extended", True)
        with store.reading():
            ledger = Ledger(
                store,
                spending.budget,
                spending.price,
                clock=at_work.now,
                rates=at_work.rates,
                slots=at_work.capacity,
                began=began if isinstance(runner, str) and runner != REPLAY else None,
            )
            extended = extend or bool(store.noted("extended"))
        strategy = make_strategy(question, store, pilot=pilot, extended=extended)
        leases = kind.pilot_leases if pilot else None
        study = Study(question, strategy, at_work, store, ledger, grace=spending.grace, on_progress=on_progress, pilot=leases)
        if at_work.capacity == 0:
            study.say(f"the budget of {spending.budget} was over before {question.target} was imported")
        answer = study.run()
        note = kind.note and kind.note(question, _measured(store))
        return replace(answer, notes=(*answer.notes, *([note] if note else []), *code_notes(request)))


def make_strategy(question: Question, store: Store, *, pilot: bool = False, extended: bool = False) -> Strategy:
    """Returns a new strategy of a question, which remembers the configurations that its sampler proposed for the stored trials."""
    with store.reading():
        rows = sorted(store.rows(schema.trials), key=lambda row: int(row["id"]))
        searched = [row for row in rows if row["purpose"] == "useful"]  # the sampler counts its own trials only
        chosen = {number: json.loads(row["config"]) for number, row in enumerate(searched)}
    return kind_of(question).strategy(question, Stage(chosen, pilot, extended))


def _parameters(target: Target, question: Question) -> Mapping[str, Iterable[str]]:
    by_arm = kind_of(question).parameters(question)
    return by_arm if isinstance(target, Arms) else {"": set[str]().union(*by_arm.values())}


def _measured(store: Store) -> list[tuple[Config, float]]:
    """Returns the configurations that were run, each with the seconds that a unit of it took."""
    with store.reading():
        configs = {row["id"]: json.loads(row["config"]) for row in store.rows(schema.trials)}
        leases = [row for row in store.rows(schema.leases) if row["trial_id"] in configs and row["units"]]
        return [(configs[row["trial_id"]], row["wall_s"] / row["units"]) for row in leases]


def _check_spendable(spending: Spending, runner: Runner) -> None:
    """Checks that something that the budget limits is used at all, so that the study ends.

    Raises:
        UsageError: nothing is, such as GPU-hours on a machine without a GPU.
    """
    used = replace(runner.rates, units=1, usd=spending.price.of(runner.rates.as_dict()))
    if not any(getattr(used, resource) for resource in spending.budget.limits):
        raise UsageError(
            f"a budget of {spending.budget} can never be spent, as nothing here uses any of it. "
            "Limit the time as well, such as --budget 10m."
        )


def _ready_by(store: Store | None, spending: Spending, began: float | None) -> float | None:
    """Returns the moment by which the target must be imported for anything of a budget of time to be left; None without such a budget."""
    limit = spending.budget.limits.get("wall_s")
    if limit is None:
        return None
    spent = sum(row["wall_s"] for row in store.rows(schema.leases)) if store else 0.0
    return (monotonic() if began is None else began) + max(0.0, limit - spent)


def _make_runner(runner: str | Runner, post: Post) -> Runner:
    made = make_runner(runner, post) if isinstance(runner, str) else runner
    if not (isinstance(made.capacity, int) and isinstance(made.rates, Cost)):
        raise UsageError(f"runner must have a whole capacity and a Cost as rates, got {shown(made)}.")
    return made


def _code_of(store: Store | None, code: Mapping[str, str], accept: bool) -> dict[str, Any]:
    """Returns what the run is to record of its code.

    Raises:
        DifferentQuestion: it has changed since the run began, and that is not accepted.
    """
    if store is None:
        return code_record(None, code, Path(), accept=accept)
    with store.reading():
        stored, reported = (store.noted("request") or {}).get("code"), bool(store.rows(schema.observations))
        return code_record(stored, code, store.folder, accept=accept, reported=reported)


def _request(
    target: Target, spending: Spending, runner: str | Runner, folder: Path, code: Mapping[str, Any], members: Sequence[str]
) -> dict[str, Any]:
    """Returns what ``resume`` needs beside the question, and where and of what code the run was made."""
    request = {
        "target": to_plain(by_name(target)) if isinstance(runner, str) else None,
        "cwd": str(Path.cwd()),
        "budget": list(spending.budget.texts),
        "price": list(spending.price.texts),
        "grace": spending.grace,
        "watts": spending.watts,
        "workers": spending.workers,
        "runner": runner if isinstance(runner, str) else None,
        "code": code,
    }
    return request | {"made": made_here(folder, request, members)}
