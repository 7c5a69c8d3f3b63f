"""What the ledger can answer of the checklists of conferences: NeurIPS 4 to 8, ARR C1 to C4, the compute form of CVPR.

The questions are put in our own words; the author reads them in the original and signs. A part is answered only from what was recorded;
what was not seen is left open and never answered with Yes.
Source: NeurIPS paper checklist 2024 to 2026; ACL Rolling Review responsible NLP checklist, section C; CVPR 2026 compute reporting form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shoestring.budget import Cost, describe
from shoestring.engine.run import Run
from shoestring.questions.kinds import kind_of
from shoestring.reports.machine import Fact, environment, git, is_virtual
from shoestring.reports.machine import facts as machine_facts
from shoestring.reports.spending import shares
from shoestring.reports.views import view_of
from shoestring.reports.wording import amounts, n_started, plural

_NOT_PAPER = ("pilot", "failed", "lost", "killed")


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that an item of a checklist asks for.

    Attributes:
        asked: what, in our own words.
        answer: from the record; None where it was not seen.
    """

    asked: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a checklist.

    Attributes:
        name: such as ``NeurIPS 8``.
        about: what it is about.
        parts: what it asks for.
    """

    name: str
    about: str
    parts: tuple[Part, ...]

    @property
    def is_open(self) -> bool:
        """Whether anything that it asks for was not seen."""
        return any(part.answer is None for part in self.parts)


def checklist(runs: Sequence[Run]) -> list[Item]:
    """Returns the items for one run, or for the runs of a whole project.

    Args:
        runs: at least one.
    """
    return [*_neurips(runs), *_arr(runs), *_cvpr(runs)]


def _neurips(runs: Sequence[Run]) -> Iterator[Item]:
    code, commands, data, split = (
        _code(runs),
        _commands(runs),
        Part("data, their versions and licences", None),
        Part("splits of the data", None),
    )
    yield Item("NeurIPS 4", "can the results be reproduced from what is disclosed", (_questions(runs), _seeds(runs), _packages(runs), data))
    yield Item(
        "NeurIPS 5",
        "are code and data open, with commands and environment",
        (code, commands, _packages(runs), Part("where code and data can be had", None)),
    )
    yield Item(
        "NeurIPS 6",
        "training and test details",
        (_spaces(runs), _selection(runs), _tuning(runs), split, Part("optimiser and model, where not in the space", None)),
    )
    yield Item("NeurIPS 7", "error bars or tests", (_error_bars(runs), _variation(runs)))
    yield Item(
        "NeurIPS 8",
        "compute",
        (_workers(runs), _memory(runs), _each(runs), _total(runs), _beyond(runs), Part("experiments outside of these runs", None)),
    )


def _arr(runs: Sequence[Run]) -> Iterator[Item]:
    yield Item(
        "ARR C1",
        "parameters, total compute, infrastructure",
        (Part("number of parameters of the models", None), _total(runs), _workers(runs)),
    )
    yield Item("ARR C2", "set-up, search and best values", (_spaces(runs), _selection(runs), _best(runs)))
    yield Item("ARR C3", "descriptive statistics", (_error_bars(runs), Part("is it a best, a mean or a single run", _statistic(runs))))
    yield Item(
        "ARR C4", "packages and their settings", (_packages(runs), Part("settings of packages used inside the training function", None))
    )


def _cvpr(runs: Sequence[Run]) -> Iterator[Item]:
    yield Item("CVPR form 1", "hardware", (_workers(runs), _memory(runs)))
    yield Item("CVPR form 2", "compute of each task", (_each(runs), _total(runs)))
    yield Item("CVPR form 3", "development history", (_beyond(runs), Part("experiments outside of these runs", None)))
    yield Item(
        "CVPR form 4",
        "logs",
        (Part("logs", "ledger.csv and trials.csv"), Part("that their messages and configurations name no person or path", None)),
    )
    yield Item("CVPR form 5", "verification by the authors", (Part("who confirms that this is complete", None),))


def _each_of(runs: Sequence[Run], values: Sequence[str | None]) -> str | None:
    """Returns the values of all runs in one line; None if one of them was not seen."""
    if any(value is None for value in values):
        return None
    found = dict.fromkeys(value for value in values if value)
    if len(found) == 1:
        return next(iter(found))
    by_value = {value: [run.folder.name for run, own in zip(runs, values, strict=True) if own == value] for value in found}
    return "; ".join(f"{value} ({', '.join(names)})" for value, names in by_value.items())


def _fact(run: Run, name: str) -> Fact:
    return next(fact for fact in machine_facts(run) if fact.name == name)


def _said(run: Run, *names: str) -> str | None:
    facts = [_fact(run, name) for name in names]
    return None if any(fact.value is None for fact in facts) else "; ".join(f"{fact.name} {fact.value} ({fact.source})" for fact in facts)


def _questions(runs: Sequence[Run]) -> Part:
    return Part(
        "what was asked, trained and measured",
        _each_of(runs, [f"{run.question.target}, {run.question.metric} ({run.question.goal})" for run in runs]),
    )


def _seeds(runs: Sequence[Run]) -> Part:
    return Part("seeds", _each_of(runs, [f"study seed {run.question.seed}; those of the trials are in trials.csv" for run in runs]))


def _packages(runs: Sequence[Run]) -> Part:
    def of(run: Run) -> str | None:
        env = environment(run)
        return f"Python {env['python']}, " + ", ".join(f"{n} {v}" for n, v in env["packages"].items()) if env.get("packages") else None

    return Part("packages and versions", _each_of(runs, [of(run) for run in runs]))


def _code(runs: Sequence[Run]) -> Part:
    return Part("version of the code", _each_of(runs, [git(run) for run in runs]))


def _commands(runs: Sequence[Run]) -> Part:
    return Part(
        "exact commands", _each_of(runs, [" ".join(command) if (command := environment(run).get("command")) else None for run in runs])
    )


def _spaces(runs: Sequence[Run]) -> Part:
    varied = [kind_of(run.question).wording.varied(run.question) for run in runs]
    return Part("hyperparameters and their ranges", _each_of(runs, varied))


def _selection(runs: Sequence[Run]) -> Part:
    return Part("rule of choice", _each_of(runs, [kind_of(run.question).wording.choice(run.question) for run in runs]))


def _tuning(runs: Sequence[Run]) -> Part:
    return Part("trials, and budget of each method", _each_of(runs, [f"{plural(n_started(run), 'trial')}, {run.budget}" for run in runs]))


def _best(runs: Sequence[Run]) -> Part:
    return Part("best values found", _each_of(runs, [view_of(run).best(run) for run in runs]))


def _error_bars(runs: Sequence[Run]) -> Part:
    return Part("error bars or tests, and how they were made", _each_of(runs, [view_of(run).error_bars(run) for run in runs]))


def _variation(runs: Sequence[Run]) -> Part:
    """What varies with the seed is known to the training function alone."""
    return Part("what varies with the seed (initialisation, order, split)", None)


def _statistic(runs: Sequence[Run]) -> str | None:
    return _each_of(runs, [kind_of(run.question).wording.statistic(run.finding) for run in runs])


def _workers(runs: Sequence[Run]) -> Part:
    return Part("kind of worker", _each_of(runs, [None if is_virtual(run) else _said(run, "processor", "cores", "GPUs") for run in runs]))


def _memory(runs: Sequence[Run]) -> Part:
    return Part("memory", _each_of(runs, [None if is_virtual(run) else _said(run, "memory", "most memory of one trial") for run in runs]))


def _each(runs: Sequence[Run]) -> Part:
    def of(run: Run) -> str | None:
        n, spent = n_started(run), run.spent()
        return (
            None if is_virtual(run) or not n else f"{describe('wall_s', spent.wall_s / n)} a trial on average; each trial is in trials.csv"
        )

    return Part("time of each run", _each_of(runs, [of(run) for run in runs]))


def _total(runs: Sequence[Run]) -> Part:
    if any(is_virtual(run) for run in runs):
        return Part("compute in total", None)
    return Part("compute in total", amounts(sum((run.spent() for run in runs), Cost()), _unit(runs)))


def _beyond(runs: Sequence[Run]) -> Part:
    """Work that no result rests on: pilot, failed and lost."""
    if any(is_virtual(run) for run in runs):
        return Part("pilot, failed and lost work in these runs", None)
    spent: Mapping[str, Cost] = {
        name: sum((share.cost for run in runs for share in shares(run) if share.outcome == name), Cost()) for name in _NOT_PAPER
    }
    said = "; ".join(f"{name}: {amounts(cost, _unit(runs))}" for name, cost in spent.items())
    return Part("pilot, failed and lost work in these runs", said)


def _unit(runs: Sequence[Run]) -> str:
    units = {run.question.unit for run in runs}
    return units.pop() if len(units) == 1 else "unit"
