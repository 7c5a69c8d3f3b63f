"""The controller of Zoph and Le: a recurrent network that writes a configuration token by token, and the gradient of its likelihood.

Mathematics only, in NumPy: no space, no reward, no trial. At this size (2 x 35 units, batches of 8) NumPy is several times faster than
PyTorch, and needs nothing installed.

Source: Zoph and Le 2017, arXiv:1611.01578, sections 3.1 to 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Actions: TypeAlias = NDArray[np.intp]  # (n, n_columns): which option each column has, -1 where it is absent

_START, _ANCHOR = 0, 1  # rows of the embedding: what is fed in first, and after an anchor point
_N_LAYERS = 2


@dataclass(frozen=True)
class Token:
    """A step that picks one of several options.

    Attributes:
        column: which column of the actions it fills.
        kind: tokens of one kind share a softmax and an embedding.
        n: options.
    """

    column: int
    kind: int
    n: int


@dataclass(frozen=True)
class Anchor:
    """A step that says, of every anchor before it, whether to link to it (section 3.3).

    Attributes:
        columns: which columns it fills with 0 or 1, one for each earlier anchor, the first first.
    """

    columns: tuple[int, ...]


@dataclass(frozen=True)
class Settings:
    """How the controller is built and learns.

    Attributes:
        n_hidden: units of each of its two layers, and numbers of an embedding.
        lr: of Adam.
        batch: configurations to an update.
        decay: of the moving average of rewards that is the baseline.
        scale: weights begin uniformly between minus and plus this.
    """

    n_hidden: int = 35  # section 4.1
    lr: float = 6e-4  # section 4.1
    batch: int = 8  # section 4.1: m
    decay: float = 0.95  # not stated in the paper
    scale: float = 0.08  # section 4.1


class Controller:
    """A two-layer LSTM that samples actions step by step, each sampled token being embedded and fed back.

    Args:
        steps: in order.
        n_columns: columns of the actions.
        settings: sizes.
        rng: draws the initial weights.
    """

    def __init__(self, steps: Sequence[Token | Anchor], n_columns: int, settings: Settings, rng: np.random.Generator) -> None:
        self._steps = tuple(steps)
        self._n_columns = n_columns
        self._settings = settings
        h = settings.n_hidden
        options = {step.kind: step.n for step in steps if isinstance(step, Token)}
        self._rows = dict(zip(options, (2 + np.cumsum([0, *options.values()])).tolist(), strict=False))  # of the embedding, by kind
        shapes: dict[str, tuple[int, ...]] = {"embedding": (2 + sum(options.values()), h)}
        shapes |= {f"lstm{i}": (2 * h + 1, 4 * h) for i in range(_N_LAYERS)}  # the last row is the bias; gates are i, f, g, o
        shapes |= {f"softmax{kind}": (h + 1, n) for kind, n in options.items()}
        if any(isinstance(step, Anchor) for step in steps):
            shapes |= {"anchor_prev": (h, h), "anchor_curr": (h, h), "anchor_v": (h,)}
        edges = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes.values())]).tolist()
        self._parts = {name: (slice(*edge), shape) for (name, shape), edge in zip(shapes.items(), pairwise(edges), strict=True)}
        self.theta: Floats = rng.uniform(-settings.scale, settings.scale, edges[-1])
        self._moments: Floats = np.zeros((2, edges[-1]))
        self._n_updates = 0
        self._baseline: float | None = None

    def weights(self, flat: Floats | None = None) -> dict[str, Floats]:
        """Returns the weights by name, as views of the flat vector or of another of its size."""
        flat = self.theta if flat is None else flat
        return {name: flat[part].reshape(shape) for name, (part, shape) in self._parts.items()}

    def sample(self, u: Floats, present: Sequence[Presence] = ()) -> Actions:
        """Draws the actions of several configurations, ``(n, n_columns)``.

        Args:
            u: what decides them, ``(n, n_columns)`` numbers drawn evenly from 0 to 1.
            present: by column, the columns and options on which it depends; all are present if empty.
        """
        n = len(u)
        actions = np.full(u.shape, -1)
        w = self.weights()
        states, fed, anchors = _start(n, self._settings.n_hidden), np.full(n, _START), list[Floats]()
        for step in self._steps:
            active = np.array([not present or not isinstance(step, Token) or _holds(present[step.column], row) for row in actions])
            states = _kept(active, _advance(w, w["embedding"][fed], states)[0], states)
            top = states[-1][0]
            if isinstance(step, Token):
                shares = np.cumsum(_softmax(_affine(top, w[f"softmax{step.kind}"])), axis=1)
                chosen = np.minimum((shares <= u[:, [step.column]] * shares[:, -1:]).sum(axis=1), step.n - 1)
                actions[active, step.column] = chosen[active]
                fed = np.where(active, self._rows[step.kind] + chosen, fed)
            else:
                for column, before in zip(step.columns, anchors, strict=True):
                    actions[:, column] = u[:, column] < _sigmoid(_link(w, before, top)[0])
                anchors.append(top)
                fed = np.full(n, _ANCHOR)
        return actions

    def log_probability(self, actions: Actions) -> Floats:
        """Returns the log-probability of each of several configurations' actions ``(n, n_columns)``, ``(n,)``."""
        return self._forward(actions)[0]

    def gradient(self, actions: Actions, weights: Floats) -> Floats:
        """Returns the gradient of ``sum_k weights_k log P(actions_k)`` by the flat weights, ``(n_weights,)``."""
        _, tape = self._forward(actions)
        w, flat = self.weights(), np.zeros_like(self.theta)
        grad = self.weights(flat)
        h = self._settings.n_hidden
        down = [[np.zeros((len(actions), h)), np.zeros((len(actions), h))] for _ in range(_N_LAYERS)]  # by h and c of each layer
        at_anchor = [np.zeros((len(actions), h)) for step in self._steps if isinstance(step, Anchor)]
        n_left = len(at_anchor)
        for step, fed, active, cells, top, anchors in reversed(tape):
            into = down[-1][0]
            if isinstance(step, Token):
                name = f"softmax{step.kind}"
                error = -_softmax(_affine(top, w[name])) * (weights * active)[:, None]
                error[np.flatnonzero(active), actions[active, step.column]] += weights[active]
                grad[name][:-1] += top.T @ error
                grad[name][-1] += error.sum(axis=0)
                into = into + error @ w[name][:-1].T
            else:
                n_left -= 1
                into = into + at_anchor[n_left]
                for j, (column, before) in enumerate(zip(step.columns, anchors, strict=True)):
                    score, inner = _link(w, before, top)
                    error = weights * (actions[:, column] - _sigmoid(score))
                    grad["anchor_v"] += error @ inner
                    slope = error[:, None] * w["anchor_v"] * (1 - inner**2)
                    grad["anchor_prev"] += before.T @ slope
                    grad["anchor_curr"] += top.T @ slope
                    at_anchor[j] += slope @ w["anchor_prev"].T
                    into = into + slope @ w["anchor_curr"].T
            down[-1][0] = into
            into_fed = self._cells_back(w, grad, down, cells, active)
            np.add.at(grad["embedding"], fed[active], into_fed[active])
        return flat

    def update(self, actions: Actions, rewards: Floats) -> None:
        """Takes one step of REINFORCE, ``(1/m) sum_k grad log P(actions_k) (rewards_k - baseline)``, by Adam.

        The baseline is the moving average of the rewards of earlier batches; the first batch is compared with its own mean.

        Args:
            actions: ``(m, n_columns)``.
            rewards: ``(m,)``, higher is better.
        """
        baseline = float(rewards.mean()) if self._baseline is None else self._baseline
        ascent = self.gradient(actions, (rewards - baseline) / len(rewards))
        self._n_updates += 1
        self._moments[0] = 0.9 * self._moments[0] + 0.1 * ascent
        self._moments[1] = 0.999 * self._moments[1] + 0.001 * ascent**2
        first, second = self._moments[0] / (1 - 0.9**self._n_updates), self._moments[1] / (1 - 0.999**self._n_updates)
        self.theta = self.theta + self._settings.lr * first / (np.sqrt(second) + 1e-8)
        self._baseline = self._settings.decay * baseline + (1 - self._settings.decay) * float(rewards.mean())

    def snapshot(self) -> tuple[Floats, Floats, int, float | None]:
        """Returns all that learning changes."""
        return self.theta, self._moments.copy(), self._n_updates, self._baseline

    def restore(self, snapshot: tuple[Floats, Floats, int, float | None]) -> None:
        """Goes back to a snapshot."""
        theta, moments, self._n_updates, self._baseline = snapshot
        self.theta, self._moments = theta.copy(), moments.copy()

    def _forward(self, actions: Actions) -> tuple[Floats, list[_Record]]:
        """Returns the log-probabilities, and what the way back needs, step by step."""
        n = len(actions)
        w = self.weights()
        states, fed = _start(n, self._settings.n_hidden), np.full(n, _START)
        anchors: list[Floats] = []
        total, tape = np.zeros(n), list[_Record]()
        for step in self._steps:
            active = actions[:, step.column] >= 0 if isinstance(step, Token) else np.ones(n, bool)
            moved, cells = _advance(w, w["embedding"][fed], states)
            states = [
                (np.where(active[:, None], a, b), np.where(active[:, None], c, d)) for (a, c), (b, d) in zip(moved, states, strict=True)
            ]
            top = moved[-1][0]
            tape.append((step, fed, active, cells, top, tuple(anchors)))
            if isinstance(step, Token):
                chosen = actions[:, step.column]
                logs = np.log(_softmax(_affine(top, w[f"softmax{step.kind}"])))
                total += np.where(active, logs[np.arange(n), chosen], 0.0)
                fed = np.where(active, self._rows[step.kind] + chosen, fed)
            else:
                for column, before in zip(step.columns, anchors, strict=True):
                    score = _link(w, before, top)[0]
                    total -= np.logaddexp(0.0, np.where(actions[:, column] == 1, -score, score))
                anchors.append(top)
                fed = np.full(n, _ANCHOR)
        return total, tape

    def _cells_back(
        self, w: dict[str, Floats], grad: dict[str, Floats], down: list[list[Floats]], cells: list[_Cell], active: NDArray[np.bool_]
    ) -> Floats:
        """Goes back through one step of both layers; ``down`` becomes the gradient by the states before it. Returns that by the input."""
        h, on = self._settings.n_hidden, active[:, None]
        from_above: Floats | float = 0.0
        for layer in reversed(range(_N_LAYERS)):
            joined, i, f, g, o, c_before, tanh_c = cells[layer]
            dh, dc = (np.where(on, value, 0.0) for value in down[layer])
            dh = dh + from_above
            dc = dc + dh * o * (1 - tanh_c**2)
            gates = np.concatenate(
                [dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)], axis=1
            )
            name = f"lstm{layer}"
            grad[name][:-1] += joined.T @ gates
            grad[name][-1] += gates.sum(axis=0)
            back = gates @ w[name][:-1].T
            from_above = back[:, :h]
            down[layer][0] = np.where(on, back[:, h:], down[layer][0])
            down[layer][1] = np.where(on, dc * f, down[layer][1])
        return np.asarray(from_above)


Presence: TypeAlias = tuple[tuple[int, frozenset[int]], ...]
_Cell: TypeAlias = tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]
_Record: TypeAlias = tuple[Token | Anchor, Actions, NDArray[np.bool_], list[_Cell], Floats, tuple[Floats, ...]]
_States: TypeAlias = list[tuple[Floats, Floats]]


def steps_in_order(kinds: Sequence[tuple[str, int]], anchors: Mapping[int, Sequence[Anchor]]) -> Iterator[Token | Anchor]:
    """Yields a token for each column, with anchors put in.

    Args:
        kinds: the kind, in words, and the number of options of each column that is a token; 0 options for one that an anchor fills.
        anchors: those that come after a column.
    """
    numbers: dict[tuple[str, int], int] = {}
    for column, kind in enumerate(kinds):
        if kind[1]:
            yield Token(column, numbers.setdefault(kind, len(numbers)), kind[1])
        yield from anchors.get(column, ())


def _start(n: int, h: int) -> _States:
    return [(np.zeros((n, h)), np.zeros((n, h))) for _ in range(_N_LAYERS)]


def _advance(w: dict[str, Floats], fed: Floats, states: _States) -> tuple[_States, list[_Cell]]:
    """Takes one step of both layers; returns their states and what the way back needs."""
    moved, cells = list[tuple[Floats, Floats]](), list[_Cell]()
    for layer, (h, c) in enumerate(states):
        joined = np.concatenate([fed, h], axis=1)
        z = _affine(joined, w[f"lstm{layer}"])
        n = h.shape[1]
        gates = _sigmoid(z)
        i, f, o = gates[:, :n], gates[:, n : 2 * n], gates[:, 3 * n :]
        g = np.tanh(z[:, 2 * n : 3 * n])
        c_new = f * c + i * g
        tanh_c = np.tanh(c_new)
        fed = o * tanh_c
        moved.append((fed, c_new))
        cells.append((joined, i, f, g, o, c, tanh_c))
    return moved, cells


def _kept(active: NDArray[np.bool_], moved: _States, states: _States) -> _States:
    """Returns the states after a step; a token that a configuration has not is no step of it, and everything stays."""
    if active.all():
        return moved
    on = active[:, None]
    return [(np.where(on, a, b), np.where(on, c, d)) for (a, c), (b, d) in zip(moved, states, strict=True)]


def _link(w: dict[str, Floats], before: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Returns ``v . tanh(W_prev h_j + W_curr h_i)`` and the tanh (section 3.3)."""
    inner = np.tanh(before @ w["anchor_prev"] + now @ w["anchor_curr"])
    return inner @ w["anchor_v"], inner


def _holds(presence: Presence, actions: Actions) -> bool:
    return all(int(actions[column]) in allowed for column, allowed in presence)


def _affine(x: Floats, weight: Floats) -> Floats:
    return np.asarray(x @ weight[:-1] + weight[-1])


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _softmax(x: Floats) -> Floats:
    shifted = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
