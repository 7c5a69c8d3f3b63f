"""The strategy of a comparison: every arm runs the same seeds in the same order, until its judge has seen enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from shoestring.questions.compare.finding import SEEDS_CHANGE_NOTHING, ArmResult, Comparison, PairResult
from shoestring.questions.compare.judges import Judge, Ruling
from shoestring.questions.compare.judges.choose import judge_for
from shoestring.questions.compare.judges.pairing import score_of
from shoestring.questions.compare.question import LEAST_SEEDS, MOST_SEEDS, OPEN, PILOT_SEEDS, Compare
from shoestring.questions.search.reseeding import is_fine
from shoestring.stats.crashes import HUGE
from shoestring.stats.exaggeration import is_exaggerated, shrunken_mean
from shoestring.stats.power import detectable, sd_range
from shoestring.stats.superiority import crash_rate_bound
from shoestring.stats.tmix import interval, log_c
from shoestring.values.orders import Observation, Purpose, Start

SEEDS_TO_KNOW_SPREAD = 6
SEEDS_TO_CALL_FIXED = 4  # on which every arm must repeat its own curve, before the seeds are said to change nothing


class Comparing:
    """Orders the runs of a comparison and keeps what they gave.

    An arm takes the seeds in their order, without gaps: a result that comes early waits for those before it, so neither the order of
    arrival nor how many run at once can change what is decided.

    Args:
        question: what is asked.
        extended: whether the planned extension is under way.
        pilot: stop after the seeds that tell what a run costs.
        first_trial: number of the first trial.
        purpose: what the runs are booked as.
        salt: keeps the seeds of a confirmation apart from all others.
    """

    def __init__(
        self,
        question: Compare,
        *,
        extended: bool = False,
        pilot: bool = False,
        first_trial: int = 0,
        purpose: Purpose = "useful",
        salt: int = 0,
    ) -> None:
        self._question = question
        self._extended = extended
        self._pilot = pilot
        self._next_trial = first_trial
        self._purpose = purpose
        self._salt = salt
        self._runs: list[list[int]] = [[] for _ in question.arms]  # trial numbers by arm, in seed order
        self._scores: dict[int, float] = {}
        self._losses: dict[int, float] = {}
        self._curves: dict[int, dict[int, float]] = {}
        self._horizon: int | None = None
        self._judge: Judge | None = None
        self._ruling = Ruling(tuple(range(len(question.arms))))
        if question.seeds is not None:
            self._settle(None if question.seeds == OPEN else int(question.seeds))

    @property
    def done(self) -> bool:
        """Whether it is decided."""
        return bool(self._ruling.ended)

    @property
    def undecided_cost(self) -> int | None:
        """Units that one more seed of every arm costs, once the pilot seeds are through and their number is still open."""
        question = self._question
        if self._judge is not None or self._pilot or self._n_common() < PILOT_SEEDS:
            return None
        return question.runs_a_seed * question.horizon

    def aside(self, limits: Mapping[str, float], unit_cost: Mapping[str, float]) -> dict[str, float]:
        """Returns nothing: all of the budget is for the comparison."""
        return {}

    def settle(self, n: int) -> None:
        """Is told how many more seeds the budget pays for."""
        self._settle(PILOT_SEEDS + n)

    def ask(self) -> Start | None:
        """Returns the next run: of the arms that want one, the one that is furthest behind."""
        question = self._question
        most = PILOT_SEEDS if self._judge is None or self._pilot else self._horizon
        behind = [
            (len(self._runs[arm]) // question.arms[arm].repeats, arm)
            for arm in self._ruling.wants
            if question.arms[arm].value is None and (most is None or len(self._runs[arm]) < most * question.arms[arm].repeats)
        ]
        if not behind or self.done:
            return None
        order = self._start(min(behind)[1])
        self.started(order)
        return order

    def _start(self, arm: int) -> Start:
        question = self._question
        nth, chosen = len(self._runs[arm]), question.arms[arm]
        seed = seed_of(question.seed, nth // chosen.repeats, nth % chosen.repeats, self._salt)
        return Start(self._next_trial, chosen.config, question.horizon, seed, chosen.name, self._purpose)

    def started(self, order: Start) -> None:
        """Takes note of a new run."""
        names = [arm.name for arm in self._question.arms]
        self._runs[names.index(order.arm)].append(order.trial_id)
        self._next_trial = order.trial_id + 1

    def tell(self, observation: Observation) -> None:
        """Takes in a result; what counts of a run is said by the question, and a run that failed is a failed one whatever it showed."""
        curve = self._curves.setdefault(observation.trial_id, {})
        curve[observation.unit] = observation.loss
        if observation.unit < self._question.horizon and not observation.ended:
            return
        is_best = self._question.judged == "best" and math.isfinite(observation.loss)
        loss = min(curve.values()) if is_best else observation.loss
        self._losses[observation.trial_id] = loss
        self._scores[observation.trial_id] = score_of(self._question, loss)
        self._rule()

    def curve(self, arm: int) -> Mapping[int, float]:
        """Returns the losses by unit of an arm's first run that has ended, empty while there is none."""
        first = next((trial for trial in self._runs[arm] if trial in self._losses), None)
        return {} if first is None else self._curves[first]

    def progress(self) -> str:
        """Returns how many seeds every arm has run, and the mean of each over those."""
        if not (n := self._n_common()):
            return ""
        means = []
        for asked, arm in zip(self._question.arms, self._arms(), strict=True):
            runs = arm.values[: n * asked.repeats]
            values = [value for value in runs if value is not None]
            failed = f" ({len(runs) - len(values)} failed)" if len(values) < len(runs) else ""
            means.append(f"{arm.name} {np.mean(values):.5g}{failed}" if values else f"{arm.name} failed")
        return f"seed {n} of {self._horizon or '?'}: {self._question.metric} {', '.join(means)}"

    def finding(self, ended: str) -> Comparison:
        """Returns what is known now; ``ended`` says why no more was run, unless it is decided."""
        question, ruling, scores = self._question, self._ruling, self._scores_by_arm()
        judge = self._judge or judge_for(question, max(PILOT_SEEDS, self._n_common()))
        pairs = judge.pairs(scores)
        if ruling.deterministic:
            pairs = tuple(replace(pair, better=None, interval=(None, None), p=1.0) for pair in pairs)
        names = [arm.name for arm in question.arms]
        return Comparison(
            metric=question.metric,
            goal=question.goal,
            mode=question.mode,
            arms=self._arms(),
            pairs=pairs,
            seeds=tuple(seed_of(question.seed, nth, 0, self._salt) for nth in range(pairs[0].n)),
            horizon=self._horizon,
            alpha=question.alpha,
            method=judge.method,
            better=None if ruling.better is None else names[ruling.better],
            picked=None if ruling.picked is None else names[ruling.picked],
            stopped=ruling.ended or ended or "it continues",
            equivalent=ruling.equivalent,
            margin=question.margin,
            deterministic=ruling.deterministic,
            shrunk=self._shrunk(pairs[0]),
            detectable=self._detectable(pairs[0]) if ruling.ended or ended else None,
            surviving=tuple(names[arm] for arm in ruling.surviving or range(len(names))),
            one_sided=question.one_sided,
            judged=question.judged,
        )

    def _shrunk(self, pair: PairResult) -> float | None:
        """Returns the estimate shrunk where stopping has likely exaggerated it."""
        if self._ruling.better is None or not np.all(np.isfinite(pair.differences)):
            return None
        exaggerated = is_exaggerated(pair.differences, self._horizon, self._question.alpha)
        return shrunken_mean(pair.differences) if exaggerated else None

    def _detectable(self, pair: PairResult) -> tuple[float, float] | None:
        """Returns what twice the seeds that the budget paid for would find four times in five, by the range of the true spread."""
        ruling, question = self._ruling, self._question
        if ruling.deterministic or ruling.better is not None or self._horizon is None or pair.n < SEEDS_TO_KNOW_SPREAD:
            return None
        paid = self._horizon if ruling.ended else pair.n
        found = detectable(pair.differences, min(paid, MOST_SEEDS // 2), question.alpha, one_sided=question.one_sided)
        low, high = sd_range(pair.n)
        return None if found is None else (low * found, high * found)

    def _mean_interval(self, values: Sequence[float | None]) -> tuple[float | None, float | None]:
        """Returns the interval of an arm's mean; none where a run has failed, for then the mean is not that of all runs."""
        finite = [value for value in values if value is not None]
        if self._horizon is None or len(finite) < len(values) or not LEAST_SEEDS <= len(values) <= self._horizon:
            return None, None
        low, high = interval(np.clip(finite, -HUGE, HUGE), log_c(self._horizon, self._question.alpha))
        return _unbounded_as_none(low), _unbounded_as_none(high)

    def _settle(self, horizon: int | None) -> None:
        question = self._question
        self._horizon = question.reserve if self._extended else horizon
        self._judge = judge_for(question, horizon, self._extended)
        self._rule()

    def _rule(self) -> None:
        if self._judge is not None:
            self._ruling = self._unvaried() or self._judge.rule(self._scores_by_arm())

    def _unvaried(self) -> Ruling | None:
        """Returns what follows where every arm repeats its own curve to the last digit and the arms differ: no test says anything then."""
        known: dict[int, list[dict[int, float]]] = {}  # the curves of every arm that is run, on its first seeds
        seeds: list[int] = []
        for i, (arm, runs) in enumerate(zip(self._question.arms, self._runs, strict=True)):
            if arm.value is None:
                n = min(len(_prefix(runs, self._losses)), SEEDS_TO_CALL_FIXED * arm.repeats)
                known[i] = [self._curves[trial] for trial in runs[:n]]
                seeds.append(n // arm.repeats)
        if len(known) < 2 or min(seeds) < LEAST_SEEDS:
            return None
        firsts = [curves[0] for curves in known.values()]
        if any(curve != curves[0] for curves in known.values() for curve in curves) or all(first == firsts[0] for first in firsts):
            return None
        if not all(any(map(is_fine, first.values())) for first in firsts):
            return None  # a coarse number repeats itself by chance
        every = tuple(range(len(self._question.arms)))
        if min(seeds) >= SEEDS_TO_CALL_FIXED:
            return Ruling((), SEEDS_CHANGE_NOTHING, deterministic=True)
        if self._horizon is not None and self._horizon < SEEDS_TO_CALL_FIXED:
            return Ruling((), f"all {self._horizon} seeds have run", surviving=every)
        return Ruling(tuple(i for i, n in zip(known, seeds, strict=True) if n < SEEDS_TO_CALL_FIXED), surviving=every)

    def _scores_by_arm(self) -> list[list[float]]:
        """Returns the scores of every arm in seed order, up to the first that is missing; a stated value has as many as any."""
        found = [_prefix(runs, self._scores) for runs in self._runs]
        longest = max((len(scores) // arm.repeats for scores, arm in zip(found, self._question.arms, strict=True)), default=0)
        for i, arm in enumerate(self._question.arms):
            if arm.value is not None:
                found[i] = [-self._question.loss(arm.value)] * longest
        return found

    def _n_common(self) -> int:
        return min(len(scores) // arm.repeats for scores, arm in zip(self._scores_by_arm(), self._question.arms, strict=True))

    def _arms(self) -> tuple[ArmResult, ...]:
        question, found = self._question, []
        for arm, runs in zip(question.arms, self._runs, strict=True):
            losses = _prefix(runs, self._losses)
            values = [None if np.isinf(loss) else loss if question.goal == "min" else -loss for loss in losses]
            crashes = sum(value is None for value in values)
            if arm.value is not None:
                found.append(ArmResult(arm.name, arm.config, (arm.value,), 0.0))
            else:
                bound = crash_rate_bound(crashes, len(values), question.alpha) if values else 1.0
                found.append(ArmResult(arm.name, arm.config, tuple(values), bound, self._mean_interval(values)))
        return tuple(found)


def _unbounded_as_none(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None


def seed_of(study_seed: int, nth: int, repeat: int = 0, salt: int = 0) -> int:
    """Returns the seed of the n-th run of every arm of a comparison."""
    # As a spawn key, which trailing zeros change: [seed, trial] of a search and [seed, trial, 0, 0] would be one and the same entropy.
    return int(np.random.SeedSequence(study_seed, spawn_key=(salt, nth, repeat)).generate_state(1, np.uint32)[0])


def _prefix(runs: Sequence[int], known: dict[int, float]) -> list[float]:
    values: list[float] = []
    for trial in runs:
        if trial not in known:
            break
        values.append(known[trial])
    return values
