"""What a comparison found: which arm is better, by how much, with what certainty, and what may not be claimed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from shoestring.values.orders import Config

Judged = Literal["last", "best"]
SEEDS_CHANGE_NOTHING = "the seeds change nothing: runs on other seeds repeat the same values to the last digit"
_TELLING = 3  # seeds on which two arms agree to the last bit only if nothing tells them apart


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One arm of a comparison.

    Attributes:
        config: its configuration.
        values: the metric in seed order, as far as no seed is missing; None where the run crashed or diverged.
        crash_bound: upper limit of the share of runs that crash, at the level of the comparison.
        interval: confidence interval of the mean at that level, whenever one stops, if results are normal; limits None while there is none.
    """

    name: str
    config: Config
    values: tuple[float | None, ...]
    crash_bound: float
    interval: tuple[float | None, float | None] = (None, None)

    @property
    def crashes(self) -> int:
        """How many runs gave no finite value."""
        return sum(value is None for value in self.values)

    @property
    def mean(self) -> float | None:
        """The mean over the runs that gave a value, None if there is none."""
        values = [value for value in self.values if value is not None]
        return sum(values) / len(values) if values else None

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data."""
        return {
            "config": dict(self.config),
            "values": list(self.values),
            "mean": self.mean,
            "interval": list(self.interval),
            "crashes": self.crashes,
        }


@dataclass(frozen=True, slots=True)
class PairResult:
    """Two arms, seed by seed.

    Attributes:
        first, second: names of the arms.
        n: seeds that both have run.
        better: the arm that was shown to be better, None while undecided.
        difference: estimate of the first's metric less the second's, in the metric's own units; None before there is one.
        interval: confidence interval of that, limits None where there is none yet.
        p: anytime-valid p-value; 1 where nothing can be said.
        p_better: share of seeds on which the first is better than the second, a tie counting half.
        p_better_interval: confidence interval of that probability.
        differences: the first's metric less the second's, in seed order; infinite where one crashed.
        ties: on how many seeds both gave the same value, or both crashed.
    """

    first: str
    second: str
    n: int
    better: str | None
    difference: float | None
    interval: tuple[float | None, float | None]
    p: float
    p_better: float | None
    p_better_interval: tuple[float, float]
    differences: tuple[float, ...] = ()
    ties: int = 0

    @property
    def wins(self) -> int:
        """On how many seeds the first was better."""
        return round((self.p_better or 0.0) * self.n - self.ties / 2)

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data."""
        return {
            "first": self.first,
            "second": self.second,
            "n": self.n,
            "better": self.better,
            "difference": self.difference,
            "interval": list(self.interval),
            "p": self.p,
            "p_better": self.p_better,
            "ties": self.ties,
        }


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        metric, goal: what decided.
        mode: ``"prove"``, ``"pick"`` or ``"ablation"``.
        arms: their results, in the order given.
        pairs: the pairs that the answer is about; the first is the headline.
        seeds: the seeds of which every arm in the headline has a result, in order.
        horizon: the most seeds that could have been run, None for an open horizon.
        alpha: the error rate, over all looks.
        method: the test.
        better: the arm that was shown to be best; None if that is open.
        picked: the arm to bet on, without a claim, where that was asked for.
        stopped: why it stopped.
        equivalent: whether it was shown that the arms differ by no more than ``margin``.
        margin: the smallest difference of interest, None if none was given.
        deterministic: whether the seeds changed nothing, so that nothing was tested and nobody is better.
        shrunk: the headline's estimate shrunk, where it was likely exaggerated by stopping early; None otherwise.
        detectable: the difference that twice the budget would find with a power of 80 %, in the metric's units: a range, as the spread is
            known from few differences; None below 6 seeds, and where an arm was shown to be better.
        surviving: the arms that may still be the best.
        one_sided: whether only the first arm being better was looked for.
        judged: what of a run counts: its ``"last"`` value, or the ``"best"`` over its units.
    """

    metric: str
    goal: str
    mode: str
    arms: tuple[ArmResult, ...]
    pairs: tuple[PairResult, ...]
    seeds: tuple[int, ...]
    horizon: int | None
    alpha: float
    method: str
    better: str | None
    picked: str | None
    stopped: str
    equivalent: bool = False
    margin: float | None = None
    deterministic: bool = False
    shrunk: float | None = None
    detectable: tuple[float, float] | None = None
    surviving: tuple[str, ...] = ()
    one_sided: bool = False
    judged: Judged = "last"

    @property
    def headline(self) -> PairResult:
        """The pair that the answer is about."""
        return self.pairs[0]

    @property
    def n(self) -> int:
        """Seeds that the headline rests on."""
        return self.headline.n

    @property
    def answers(self) -> bool:
        """Whether the question is answered: an arm is better or differs, there is no difference of interest, one was picked."""
        if self.mode == "ablation":
            return any(pair.better for pair in self.pairs)
        return self.equivalent or self.deterministic or self.better is not None or self.picked is not None

    def lines(self) -> Iterator[str]:
        """Yields the verdict, the numbers, and what may not be claimed."""
        yield self.verdict()
        yield self._numbers()
        yield from self._cautions()

    def confirming_lines(self) -> Iterator[str]:
        """Yields what a confirmation after a search says of the winner."""
        winner, default = self.arms
        yield self._confirming_verdict()
        if winner.mean is not None and default.mean is not None:
            what = f"best {self.metric} of a run" if self.judged == "best" else self.metric
            interval = f"{1 - self.alpha:.0%} interval {_limits(*winner.interval)}"
            yield f"fresh mean of the {what}: {winner.mean:.6g} ({interval}), default {default.mean:.6g}"
        yield self._numbers()
        yield from self._cautions()

    @property
    def confirmed(self) -> bool:
        """Whether the first arm was shown to be the better one, as a confirmation asks."""
        return self.better is not None and self.better == self.arms[0].name

    def _confirming_verdict(self) -> str:
        if self.confirmed:
            return f"confirmed on {self.n} fresh seeds: better than the default"
        if self.better:
            return f"not confirmed: on {self.n} fresh seeds the {self.better} is better"
        if self.deterministic:
            return f"not confirmed: {SEEDS_CHANGE_NOTHING}"
        return f"not confirmed: not shown to be better than the default on {self.n} fresh seeds ({self.stopped})"

    def verdict(self) -> str:
        """Returns the verdict in one sentence."""
        if self.deterministic:
            means = ", ".join(f"{arm.name} {arm.mean:.6g}" for arm in self.arms if arm.mean is not None)
            return f"{SEEDS_CHANGE_NOTHING} ({means}), so there is nothing to test"
        if self.mode == "pick":
            return f"bet on {self.picked}: no claim that it is the best" if self.picked else "nothing to bet on yet"
        if self.mode == "ablation":
            return self._ablation_verdict()
        return self._pair_verdict() if len(self.arms) == 2 else self._race_verdict()

    def _ablation_verdict(self) -> str:
        full = self.headline.first
        shown = [f"{pair.second} ({'worse' if pair.better == full else 'better'})" for pair in self.pairs if pair.better]
        rest = [pair.second for pair in self.pairs if not pair.better]
        verdict = f"shown to differ from {full}: {', '.join(shown)}" if shown else f"nothing was shown to differ from {full}"
        return f"{verdict}; not shown: {', '.join(rest)}" if rest else verdict

    def _race_verdict(self) -> str:
        if self.better:
            return f"{self.better} is the best of {len(self.arms)}"
        rate = f"error rate {self.alpha:g}{'' if 'strict' in self.method else ' a pair'}"
        return f"undecided at this budget: the best is among {', '.join(self.surviving)} ({rate})"

    def _pair_verdict(self) -> str:
        pair = self.headline
        if self.better:
            return f"{self.better} is better than {pair.second if self.better == pair.first else pair.first}"
        if self.equivalent:
            return f"{pair.first} and {pair.second} differ in {self.metric} by no more than {self.margin:g}"
        return (
            f"undecided at this budget: no difference between {pair.first} and {pair.second} was shown, "
            "which does not show that there is none"
        )

    def _numbers(self) -> str:
        pair = self.headline
        horizon = "an open horizon" if self.horizon is None else f"at most {self.horizon}"
        ran = f"{pair.n} seeds of {horizon}; stopped: {self.stopped}"
        if not pair.n or self.deterministic or self.mode == "pick":
            return f"{self.method}, {ran}"
        estimate = "has no estimate, as a crashed run has no value" if pair.difference is None else f"= {pair.difference:.4g}"
        return (
            f"{self.metric}({pair.first}) - {self.metric}({pair.second}) {estimate}, {self._limits()}anytime-valid p <= {pair.p:.3g} "
            f"({self.method}, alpha {self.alpha:g}{', one-sided' if self.one_sided else ''}, {ran})"
        )

    def _limits(self) -> str:
        low, high = self.headline.interval
        if self.headline.difference is None and low is None and high is None:
            return ""
        if low is None and high is None:
            return f"no interval: {self._why_no_interval()}, "
        if self.one_sided:
            end, side = (low, "least") if self.goal == "max" else (high, "most")
            return f"at {side} {'unknown yet' if end is None else f'{end:.4g}'} ({1 - self.alpha:.0%} sure), "
        return f"{1 - (2 if self.equivalent else 1) * self.alpha:.0%} interval {_limits(low, high)}, "

    def _why_no_interval(self) -> str:
        differences = self.headline.differences
        if not all(map(math.isfinite, differences)):
            return "a crashed run has no value"
        if len(set(differences)) == 1 and len(differences) >= _TELLING:
            return "the differences do not vary"
        return f"{self.n} {'seed is' if self.n == 1 else 'seeds are'} too few"

    def _cautions(self) -> Iterator[str]:
        pair = self.headline
        if self.deterministic:
            return
        if pair.n >= _TELLING and not any(pair.differences):
            yield f"{pair.first} and {pair.second} gave the same results to the last bit on every seed: is a parameter misspelt or unused?"
        if pair.p_better is not None:
            low, high = pair.p_better_interval
            ties = f", with {pair.ties} {'tie' if pair.ties == 1 else 'ties'}" if pair.ties else ""
            seeds = f"{pair.wins} of {pair.n} {'seed' if pair.n == 1 else 'seeds'}{ties}"
            yield f"{pair.first} beat {pair.second} on {seeds} ({1 - self.alpha:.0%} interval for the win rate: {low:.2f} to {high:.2f})"
        if self.shrunk is not None and pair.difference is not None:
            yield f"stopping early inflates this difference; the bias-corrected estimate is {self.shrunk:.4g}: report the interval"
        for arm in self.arms:
            if arm.crashes:
                runs = len(arm.values)
                yield f"{arm.name}: {arm.crashes} of {runs} runs crashed or diverged (at most {arm.crash_bound:.0%} do), counted as worst"
        if "T-MIX" in self.method:
            yield (
                "the error rate assumes normally distributed differences, as fewer than 8 seeds allow no weaker assumption; "
                "if the differences are skewed, about 1 claim in 8 is false"
            )
        elif self.equivalent:
            yield 'the error rate of "no larger difference" holds if the differences are normal'
        if self.seeds:
            yield f"on the seeds {', '.join(map(str, self.seeds))}"
        if self.detectable is not None:
            low, high = self.detectable
            yield f"twice the budget would find a difference of {low:.2g} to {high:.2g} with a power of 80%"

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain data, as ``--json`` prints it."""
        pair = self.headline
        data: dict[str, Any] = {
            "better": self.better,
            "difference": pair.difference,
            "interval": list(pair.interval),
            "n": pair.n,
            "N": self.horizon,
            "alpha": self.alpha,
            "method": self.method,
            "p": pair.p,
            "p_better": pair.p_better,
            "ties": pair.ties,
            "crashes": {arm.name: arm.crashes for arm in self.arms},
            "stopped": self.stopped,
            "arms": {arm.name: arm.to_json() for arm in self.arms},
            "seeds": list(self.seeds),
            "equivalent": self.equivalent,
            "detectable": self.detectable and list(self.detectable),
            "deterministic": self.deterministic,
            "judged": self.judged,
        }
        if len(self.pairs) > 1:
            data["pairs"] = [other.to_json() for other in self.pairs]
        if self.picked is not None:
            data["picked"] = self.picked
        return data


def _limits(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "none yet"
    return f"{'-inf' if low is None else f'{low:.4g}'} to {'inf' if high is None else f'{high:.4g}'}"
