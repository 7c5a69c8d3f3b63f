"""Policy gradient: the controller of Zoph and Le, for any space.

Not for small budgets: it takes a thousand trials to learn what evolution knows after a few hundred. Its mathematics is in ``controller``.
Source: Zoph and Le 2017, "Neural architecture search with reinforcement learning", arXiv:1611.01578.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shoestring.samplers.controller import Actions, Anchor, Controller, Settings, Token, steps_in_order
from shoestring.samplers.scores import Scores
from shoestring.space import Choice, Float, Int, Parameter, Space
from shoestring.space.parameter import conditions_of
from shoestring.values.orders import Config, Observation, Value

__all__ = ["PolicyGradient", "Settings"]

_PAPER = Settings()
_MOST_VALUES = 24  # a whole number of more is cut into bins
_N_BINS = 12
_N_KEPT = 4  # states of the controller that are kept, for trials that come back late
_LINK = re.compile(r"skip/(\d+)/(\d+)")


class PolicyGradient:
    """Samples configurations from a recurrent network that is trained by REINFORCE on what they showed.

    A parameter is a token. A number of many values is cut into 12 bins, and drawn evenly within its bin. Parameters whose names differ in
    digits only (``filters/1`` and ``filters/2``) and that have the same values share their softmax and embedding. Yes-no parameters named
    ``skip/1/3`` are set-selection attention from anchor 1 to anchor 3; an anchor stands after the last parameter whose name ends in its
    number. If one of them is missing, all are tokens like any other.

    A batch is ``settings.batch`` trials of consecutive numbers, and is learnt from when all of them have shown something, in the order of
    their numbers. The controller is a function of these batches; one that changes later (a trial that was stopped early goes on) is learnt
    from anew, with all that come after it. The space's default, tried first if it has one, is in no batch: it was not sampled.

    Args:
        space: what to sample from.
        seed: at least 0.
        settings: the paper's by default.
        reward: the reward of a trial's last loss, higher is better; for trials of equal length. None for the share of trials up to the end
            of its batch that a trial beats, cubed: it needs no scale, and any loss, infinite ones too, will do.
            Differs: the paper cubes the accuracy, which a sampler does not know to be one.
    Source: Zoph and Le 2017, arXiv:1611.01578.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        settings: Settings = _PAPER,
        reward: Callable[[float], float] | None = None,
    ) -> None:
        self._space = space
        self._seed = seed
        self._settings = settings
        self._reward = reward
        self._names = _parents_first(space)
        columns = {name: column for column, name in enumerate(self._names)}
        self._present = [
            tuple(
                (columns[parent], frozenset(_action(space.params[parent], value) for value in allowed)) for parent, allowed in when.items()
            )
            for when in (conditions_of(space.params[name]) for name in self._names)
        ]
        self._controller = Controller(_steps(space, self._names), len(self._names), settings, np.random.default_rng([seed, 0, 0]))
        self._states = {0: self._controller.snapshot()}
        self._learnt: list[tuple[int, tuple[float, ...]]] = []  # which batches, and their rewards
        self._actions: dict[int, Actions] = {}
        self._seen: dict[int, tuple[int, float]] = {}  # unit and loss
        self._scores = Scores(enough=len(space.names) + 3)
        self._rewards: dict[int, tuple[float, ...]] = {}  # of complete batches by their first trial, where a loss says the reward
        self._block: tuple[int, Actions] | None = None  # the batch that was drawn last, by its first trial
        self._touched: set[int] = set()  # first trials of the batches of which something new was told

    def ask(self, trial_id: int) -> Config:
        """Returns the configuration of a trial."""
        if trial_id == 0 and self._space.has_default:
            return self._space.default()
        if self._touched:
            self._learn()
        rng = np.random.default_rng([self._seed, trial_id])
        rng.random(len(self._names))  # these have decided the actions
        actions = self._drawn(trial_id)
        values: dict[str, Value] = {
            name: _value(self._space.params[name], int(action), rng)
            for name, action in zip(self._names, actions, strict=True)
            if action >= 0
        }
        config = self._space.active(values)
        self.adopt(trial_id, config)
        return config

    def adopt(self, trial_id: int, config: Config) -> None:
        """Takes note of a configuration as if ``ask`` had returned it."""
        self._actions[trial_id] = np.array(
            [_action(self._space.params[name], config[name]) if name in config else -1 for name in self._names]
        )
        self._touch(trial_id)

    def tell(self, observation: Observation) -> None:
        """Learns what a trial showed."""
        unit, loss = self._seen.get(observation.trial_id, (-1, 0.0))
        new = observation.loss if observation.loss == observation.loss else float("inf")
        if observation.unit > unit or (observation.unit == unit and new > loss):
            self._seen[observation.trial_id] = observation.unit, new
        if self._reward is None:
            self._scores.tell(observation)
        self._touch(observation.trial_id)

    def _drawn(self, trial_id: int) -> Actions:
        """Returns the actions of a trial; its whole batch is drawn at once, so that numbers round alike whichever is asked first."""
        first = self._first_of(trial_id)
        if self._block is None or self._block[0] != first:
            trials = range(first, first + self._settings.batch)
            u = np.array([np.random.default_rng([self._seed, i]).random(len(self._names)) for i in trials])
            self._block = first, self._controller.sample(u, self._present)
        return np.asarray(self._block[1][trial_id - first])

    def _learn(self) -> None:
        """Brings the controller to where all complete batches take it, from the last state that still holds."""
        batches = self._batches()
        same = 0
        while same < min(len(batches), len(self._learnt)) and batches[same] == self._learnt[same]:
            same += 1
        done = max(n for n in self._states if n <= same)
        if done < max(len(self._learnt), len(batches)):
            self._block = None  # drawn by another controller
        if done < len(self._learnt):
            self._controller.restore(self._states[done])
            self._states = {n: state for n, state in self._states.items() if n <= done}
        for first, rewards in batches[done:]:
            actions = np.array([self._actions[first + i] for i in range(len(rewards))])
            self._controller.update(actions, np.array(rewards))
            done += 1
            self._states[done] = self._controller.snapshot()
            self._states = {n: state for n, state in self._states.items() if n == 0 or n > done - _N_KEPT}
        self._learnt = batches

    def _batches(self) -> list[tuple[int, tuple[float, ...]]]:
        """Returns the first trial of each complete batch, and the rewards of all its trials."""
        size = self._settings.batch
        for first in self._touched:
            if all(i in self._actions and i in self._seen for i in range(first, first + size)):
                self._rewards[first] = tuple(self._reward(self._seen[i][1]) for i in range(first, first + size)) if self._reward else ()
        self._touched.clear()
        batches = sorted(self._rewards.items())
        if self._reward is not None:
            return batches
        values = self._scores.values()
        scores = np.array([[values[i] for i in range(first, first + size)] for first, _ in batches])
        return [(first, tuple(_ranked(scores[: n + 1]).tolist())) for n, (first, _) in enumerate(batches)]

    def _touch(self, trial_id: int) -> None:
        if (first := self._first_of(trial_id)) >= 0:
            self._touched.add(first)

    def _first_of(self, trial_id: int) -> int:
        """Returns the first trial of a trial's batch; negative for the default's."""
        begin, size = int(self._space.has_default), self._settings.batch
        return trial_id - (trial_id - begin) % size


def _ranked(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the share of all scores ``(n, m)`` that each of the last row's is better (lower) than, ties counting half, cubed."""
    ordered, last = np.sort(scores, axis=None), scores[-1]
    worse = len(ordered) - (np.searchsorted(ordered, last, side="left") + np.searchsorted(ordered, last, side="right")) / 2
    return np.asarray((worse / len(ordered)) ** 3)


def _parents_first(space: Space) -> list[str]:
    """Returns the parameters in the order of the space, but each after those that it depends on."""
    done: list[str] = []
    while len(done) < len(space.names):
        done.append(next(name for name in space.names if name not in done and all(p in done for p in conditions_of(space.params[name]))))
    return done


def _steps(space: Space, names: list[str]) -> list[Token | Anchor]:
    """Returns the controller's steps: a token a parameter, but for links between anchors where all of them are there."""
    links = {(int(found[2]), int(found[1])): column for column, name in enumerate(names) if (found := _LINK.fullmatch(name))}
    last = max((i for i, _ in links), default=0)
    expected = {(i, j) for i in range(2, last + 1) for j in range(1, i)}
    is_plain = all(_is_yes_no(space.params[names[column]]) for column in links.values())
    ends = {i: max((c for c, name in enumerate(names) if re.split(r"\D", name)[-1] == str(i)), default=-1) for i in range(1, last + 1)}
    in_order = list(ends.values()) == sorted(set(ends.values())) and min(ends.values(), default=0) >= 0
    if not links or set(links) != expected or not is_plain or not in_order:
        links, ends = {}, {}
    kinds = [(re.sub(r"\d+", "#", name) + repr(_domain(space.params[name])), _n_options(space.params[name])) for name in names]
    kinds = [(kind, 0 if column in links.values() else n) for column, (kind, n) in enumerate(kinds)]
    anchors = {end: [Anchor(tuple(links[i, j] for j in range(1, i)))] for i, end in ends.items()}
    return list(steps_in_order(kinds, anchors))


def _is_yes_no(param: Parameter) -> bool:
    return isinstance(param, Choice) and tuple(param.options) == (False, True) and not param.when


def _domain(param: Parameter) -> object:
    return tuple(param.options) if isinstance(param, Choice) else (param.low, param.high, param.log)


def _n_options(param: Parameter) -> int:
    if isinstance(param, Choice):
        return len(param.options)
    n_values = param.high - param.low + 1 if isinstance(param, Int) else (_N_BINS if param.high > param.low else 1)
    return int(n_values) if n_values <= _MOST_VALUES else _N_BINS


def _is_binned(param: Parameter) -> bool:
    return isinstance(param, Float) or (isinstance(param, Int) and param.high - param.low + 1 > _MOST_VALUES)


def _action(param: Parameter, value: Any) -> int:
    """Returns which option a value is."""
    if isinstance(param, Choice):
        return list(param.options).index(value)
    if _is_binned(param):
        n = _n_options(param)
        return min(int(param.encode(value) * n), n - 1)
    return int(value - param.low)


def _value(param: Parameter, action: int, rng: np.random.Generator) -> Value:
    """Returns the value of an option, drawn within its bin where it is one."""
    if isinstance(param, Choice):
        return param.options[action]
    if _is_binned(param):
        return param.decode((action + rng.random()) / _n_options(param))
    return int(param.low + action)


def reward_of_accuracy(loss: float) -> float:
    """Returns the paper's reward for accuracies to be maximised: the accuracy, which is the loss without its sign, cubed."""
    return max(0.0, -loss) ** 3
