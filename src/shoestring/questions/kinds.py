"""The kinds of questions: one record each of all that the rest of the package asks of a question by its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import Any

from shoestring.errors import UnknownQuestion, UsageError
from shoestring.questions.compare import wording as compare_words
from shoestring.questions.compare.question import PILOT_SEEDS, Compare
from shoestring.questions.compare.strategy import Comparing
from shoestring.questions.largest import wording as largest_words
from shoestring.questions.largest.question import Largest
from shoestring.questions.largest.strategy import Sizing
from shoestring.questions.protocol import Question, Strategy, Tally
from shoestring.questions.scale import wording as scale_words
from shoestring.questions.scale.question import Scale
from shoestring.questions.scale.strategy import Scaling
from shoestring.questions.scale.verification import verification_note
from shoestring.questions.search import wording as search_words
from shoestring.questions.search.question import Search
from shoestring.questions.search.strategy import Searching, SearchTally
from shoestring.samplers import make_sampler
from shoestring.samplers.remembering import Remembering
from shoestring.schedulers import make_scheduler
from shoestring.space import Space
from shoestring.values.finding import Finding, in_words
from shoestring.values.orders import Config


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a study stands when its strategy is made.

    Attributes:
        chosen: configurations by trial that a sampler proposed before a restart.
        pilot: only what tells what a training costs is to be run.
        extended: the planned extension of a comparison is under way.
    """

    chosen: Mapping[int, Config]
    pilot: bool = False
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """How a report words a kind of question. The functions take the question, ``statistic`` what was found.

    Attributes:
        title: the question in one sentence.
        facts: what was asked, as names and values.
        statistic: what the numbers are means of.
        varied: which hyperparameters were varied.
        choice: the rule of choice.
    """

    title: Callable[[Any], str]
    facts: Callable[[Any], Iterable[tuple[str, str]]]
    statistic: Callable[[Finding], str]
    varied: Callable[[Any], str]
    choice: Callable[[Any], str]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of question. The functions take a question of it first.

    Attributes:
        name: what a stored question of it is called.
        question: its class, with ``from_json``.
        strategy: makes what answers it.
        tally: makes what reads the stored results; the second argument tells whether an extension is under way.
        parameters: the names of the parameters that are trained, by arm; ``""`` where there are no arms.
        wording: how a report words it.
        least_runs: full trainings without which there is no answer.
        pilot_leases: leases of a pilot; ``inf`` for as many as its strategy orders.
        extendable: whether it has planned an extension.
        with_targets: the question with the names of what its arms run.
        note: what is to be said besides the finding, from the configurations that were run and their seconds a unit;
            None for nothing.
        members: the names of the user's own classes that its strategy imports.
        space: what it searches, None where it does not.
    """

    name: str
    question: type[Any]
    strategy: Callable[[Any, Stage], Strategy]
    tally: Callable[[Any, bool], Tally]
    parameters: Callable[[Any], Mapping[str, Iterable[str]]]
    wording: Wording
    least_runs: Callable[[Any], int] = lambda _: 1
    pilot_leases: float = 1
    extendable: Callable[[Any], bool] = lambda _: False
    with_targets: Callable[[Any, Mapping[str, str]], Any] = lambda question, _: question
    note: Callable[[Any, Sequence[tuple[Config, float]]], str | None] | None = None
    members: Callable[[Any], Sequence[str]] = lambda _: ()
    space: Callable[[Any], Space | None] = lambda _: None


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Adds a kind of question, so that studies of it can be run, stored, resumed and read."""
    KINDS[kind.name] = kind


def kind_of(question: Question) -> Kind:
    """Returns the kind of a question.

    Raises:
        UsageError: no kind is registered for it.
    """
    for kind in KINDS.values():
        if type(question) is kind.question:
            return kind
    raise UsageError(f"{type(question).__name__} is not a known kind of question; register its kind first (shoestring.questions.kinds).")


def question_of(data: Mapping[str, Any]) -> Question:
    """Returns the question that its ``to_json`` described.

    Raises:
        UnknownQuestion: it is of no known kind.
    """
    name = data.get("kind", data["question"])
    if name not in KINDS:
        for point in entry_points(group="shoestring.questions", name=name):
            register(point.load())
    if name not in KINDS:
        raise UnknownQuestion(
            f"a question of kind {name!r} is not known here; install the package that adds it, or import what registers it."
        )
    return KINDS[name].question.from_json(data)  # type: ignore[no-any-return]


def _searching(question: Search, stage: Stage) -> Searching:
    sampler = Remembering(make_sampler(question.sampler, question.space, question.seed), dict(stage.chosen))
    return Searching(question, make_scheduler(question.scheduler, sampler, question.horizon, question.eta, question.n_trials))


def _varied(question: Scale | Largest) -> str:
    return f"{question.over} was varied, as listed in the report; the rest: {in_words(question.config) or 'as it is'}"


def _nothing_chosen(question: Question) -> str:
    return f"the last {question.metric} of each run; nothing was chosen"


def _with_targets(question: Compare, targets: Mapping[str, str]) -> Compare:
    return replace(question, arms=tuple(replace(arm, target=targets.get(arm.name, arm.target)) for arm in question.arms))


for _kind in (
    Kind(
        name="search",
        question=Search,
        strategy=_searching,
        tally=lambda question, _: SearchTally(question),
        parameters=lambda question: {"": question.space.names},
        space=lambda question: question.space,
        members=lambda question: [name for name in (question.scheduler, question.sampler) if ":" in name],
        wording=Wording(search_words.title, search_words.facts, search_words.statistic, search_words.varied, search_words.choice),
    ),
    Kind(
        name="compare",
        question=Compare,
        strategy=lambda question, stage: Comparing(question, pilot=stage.pilot, extended=stage.extended),
        tally=lambda question, extended: Comparing(question, extended=extended),
        parameters=lambda question: {arm.name: arm.config for arm in question.arms},
        wording=Wording(compare_words.title, compare_words.facts, compare_words.statistic, compare_words.varied, compare_words.choice),
        least_runs=lambda question: question.runs_a_seed * PILOT_SEEDS,
        pilot_leases=float("inf"),
        extendable=lambda question: question.reserve is not None,
        with_targets=_with_targets,
    ),
    Kind(
        name="law",
        question=Scale,
        strategy=lambda question, _: Scaling(question),
        tally=lambda question, _: Scaling(question),
        parameters=lambda question: {"": {*question.config, question.over}},
        wording=Wording(scale_words.title, scale_words.facts, scale_words.statistic, _varied, _nothing_chosen),
        least_runs=lambda question: len(question.sizes) * 2,
        note=verification_note,
    ),
    Kind(
        name="largest",
        question=Largest,
        strategy=lambda question, _: Sizing(question),
        tally=lambda question, _: Sizing(question),
        parameters=lambda question: {"": {*question.config, question.over}},
        wording=Wording(largest_words.title, largest_words.facts, largest_words.statistic, _varied, _nothing_chosen),
    ),
):
    register(_kind)
