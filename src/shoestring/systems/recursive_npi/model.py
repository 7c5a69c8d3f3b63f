"""The neural programmer-interpreter: a stacked LSTM that says, step by step, what a frame calls and whether it ends.

Several models of one task are one module: every weight has a leading model axis. It has no environment and no budget.
Source: Reed and de Freitas 2016, arXiv:1511.06279, section 3; Cai, Shin and Song 2017, arXiv:1704.06611, section 2 and Algorithm 1.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi.task import Bools, Ints, Task
from shoestring.systems.recursive_npi.tree import Frames

STOP = 0.5  # alpha of Algorithm 1: a frame ends where the stop probability reaches it, so where its logit reaches 0
WIDER = 8  # times the width: the first layer of f_enc, in which digits meet


@dataclass
class Hidden:
    """What models remember of their frames: ``(layers, models, n, width)`` each, zero at the beginning of a frame."""

    h: Tensor
    c: Tensor


@dataclass
class Logits:
    """What models say: ``end`` ``(models, n)``, ``program`` ``(models, n, programs)``, ``args``, one ``(models, n, size)`` an argument."""

    end: Tensor
    program: Tensor
    args: tuple[Tensor, ...]


class NPI(nn.Module):
    """Models of one task: ``s = f_enc(e, a)``, ``h = f_lstm(s, p, h)``, and from ``h`` the end, the key of the next program, its arguments.

    The observation and the arguments enter as one-hot vectors; the next program is the one whose key matches best: a program,
    a primitive, or nothing, in the order of ``Frames.names``.

    Attributes:
        width, layers: of the LSTM.
        n_models: how many models there are.
    """

    def __init__(
        self,
        task: Task,
        *,
        width: int = 64,
        layers: int = 2,
        n_models: int = 1,
        generator: torch.Generator | None = None,
    ) -> None:
        """Draws weights, uniform with the deviation that keeps a unit's input at variance 1/3.

        Args:
            task: whose sizes the models have.
            width: units of each LSTM layer, of the state and of the programs' embeddings.
            layers: of the LSTM.
            n_models: models, each with weights of its own.
            generator: of the weights; None for one with seed 0.
        Raises:
            UsageError: no width, layer or model.
        """
        super().__init__()
        if min(width, layers, n_models) < 1:
            raise UsageError(f"width={width}, layers={layers}, n_models={n_models} make no model; each is at least 1.")
        frames = Frames(task)  # which checks the task
        n_programs = len(frames.names) + 1
        self.width, self.layers, self.n_models = width, layers, n_models
        self._sizes = (*task.obs_sizes, *task.arg_sizes)
        self._arg_sizes = task.arg_sizes
        self.register_buffer("offsets", torch.tensor([sum(self._sizes[:i]) for i in range(len(self._sizes))]), persistent=False)
        self.offsets: Tensor
        rng = generator or torch.Generator().manual_seed(0)

        def weights(*shape: int, fan_in: int) -> nn.Parameter:
            return nn.Parameter((torch.rand((n_models, *shape), generator=rng) * 2 - 1) / math.sqrt(fan_in))

        self.one_hot = weights(sum(self._sizes), WIDER * width, fan_in=1)
        self.one_hot_bias = weights(1, WIDER * width, fan_in=1)
        self.encode = weights(WIDER * width, width, fan_in=WIDER * width)
        self.encode_bias = nn.Parameter(torch.zeros(n_models, 1, width))
        self.programs = weights(n_programs, width, fan_in=1)
        inputs = [2 * width] + [width] * (layers - 1)
        self.w_in = nn.ParameterList([weights(n, 4 * width, fan_in=n) for n in inputs])
        self.w_h = nn.ParameterList([weights(width, 4 * width, fan_in=width) for _ in inputs])
        self.bias = nn.ParameterList([nn.Parameter(_forget_one(n_models, width)) for _ in inputs])
        self.to_key = weights(width, width, fan_in=width)
        self.keys = weights(n_programs, width, fan_in=width)
        n_rest = 1 + sum(task.arg_sizes)
        self.to_rest = weights(width, n_rest, fan_in=width)
        self.rest_bias = nn.Parameter(torch.zeros(n_models, 1, n_rest))

    def start(self, n: int) -> Hidden:
        """Returns what is remembered at the beginning of ``n`` frames of each model: nothing."""
        zeros = self.encode.new_zeros(self.layers, self.n_models, n, self.width)
        return Hidden(zeros, zeros)

    def inputs(self, observations: Tensor, programs: Tensor, args: Tensor) -> Tensor:
        """Returns what enters the first layer, ``(models, n, 4 width)``, before what is remembered.

        Args:
            observations: ``(models, n, n_obs)`` integers.
            programs: ``(models, n)``, the frames' own programs.
            args: ``(models, n, n_args)``, and their arguments.
        """
        models = torch.arange(self.n_models, device=observations.device)[:, None]
        ones = torch.cat([observations, args], dim=2) + self.offsets
        embedded = F.embedding_bag(
            (ones + models[:, :, None] * sum(self._sizes)).flatten(0, 1), self.one_hot.flatten(0, 1), mode="sum"
        ).view(self.n_models, -1, WIDER * self.width)
        state = torch.relu(torch.baddbmm(self.encode_bias, torch.relu(embedded + self.one_hot_bias), self.encode))
        known = F.embedding(programs + models * self.programs.shape[1], self.programs.flatten(0, 1))
        return torch.baddbmm(self.bias[0], torch.cat([state, known], dim=2), self.w_in[0])

    def step(self, inputs: Tensor, hidden: Hidden) -> Hidden:
        """Returns what is remembered after one step of each frame."""
        hs: list[Tensor] = []
        cs: list[Tensor] = []
        for layer in range(self.layers):
            gates = inputs if layer == 0 else torch.baddbmm(self.bias[layer], hs[-1], self.w_in[layer])
            h, c = _cell(torch.baddbmm(gates, hidden.h[layer], self.w_h[layer]), hidden.c[layer])
            hs.append(h)
            cs.append(c)
        return Hidden(torch.stack(hs), torch.stack(cs))

    def read(self, h: Tensor) -> Logits:
        """Returns what models say, from the last layer ``(models, n, width)``."""
        program = (h @ self.to_key) @ self.keys.transpose(1, 2)
        end, *args = torch.split(torch.baddbmm(self.rest_bias, h, self.to_rest), [1, *self._arg_sizes], dim=2)
        return Logits(end[..., 0], program, tuple(args))

    def frames(self, observations: Tensor, programs: Tensor, args: Tensor) -> Logits:
        """Returns what models say at every step of whole frames.

        Args:
            observations: ``(models, n, steps, n_obs)``; each model has frames of its own.
            programs: ``(models, n)``.
            args: ``(models, n, n_args)``.
        Returns:
            logits whose second axis is ``n * steps``, the steps of one frame after the other.
        """
        n, steps = observations.shape[1:3]
        own = programs[:, :, None].expand(-1, -1, steps).flatten(1, 2)
        own_args = args[:, :, None].expand(-1, -1, steps, -1).flatten(1, 2)
        flat = self.inputs(observations.flatten(1, 2), own, own_args)
        for layer in range(self.layers):
            if layer:
                flat = torch.baddbmm(self.bias[layer], flat, self.w_in[layer])
            gates = flat.view(self.n_models, n, steps, -1)
            h = c = flat.new_zeros(self.n_models, n, self.width)
            out = []
            for t in range(steps):
                h, c = _cell(torch.baddbmm(gates[:, :, t], h, self.w_h[layer]), c)
                out.append(h)
            flat = torch.stack(out, dim=2).flatten(1, 2)
        return self.read(flat)

    def members(self, models: Sequence[int] | Ints) -> Self:
        """Returns some of the models; they share no memory with these."""
        chosen = torch.as_tensor(np.asarray(models), dtype=torch.int64)
        return self.of_weights({name: value[chosen] for name, value in self.state_dict().items()})

    def member(self, model: int) -> Self:
        """Returns one of the models, by itself."""
        return self.members([model])

    def double(self) -> Self:
        """Returns the same models in double precision, in which they are verified; this one is left as it is."""
        return self.of_weights({name: value.double() for name, value in self.state_dict().items()})

    def of_weights(self, weights: Mapping[str, Tensor]) -> Self:
        """Returns models of the same task with other weights, whose memory they share."""
        other = object.__new__(type(self))
        nn.Module.__init__(other)
        other.width, other.layers, other._sizes, other._arg_sizes = self.width, self.layers, self._sizes, self._arg_sizes
        other.n_models = len(weights["encode"])
        other.register_buffer("offsets", self.offsets, persistent=False)
        for name in ("w_in", "w_h", "bias"):
            setattr(other, name, nn.ParameterList([nn.Parameter(weights[f"{name}.{i}"]) for i in range(self.layers)]))
        for name, value in weights.items():
            if "." not in name:
                setattr(other, name, nn.Parameter(value))
        return other

    def digest(self) -> str:
        """Returns the SHA-256 of all weights, with their names and shapes."""
        sha = hashlib.sha256()
        for name, value in sorted(self.state_dict().items()):
            sha.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
            sha.update(value.detach().cpu().contiguous().numpy().tobytes())
        return sha.hexdigest()


class NetworkPolicy:
    """Runs models of one task: the problems ``m * n_each`` to ``(m + 1) * n_each - 1`` are those of model ``m``.

    It says what ``Policy`` asks for; every step of every problem is a pass of the network.
    """

    def __init__(self, model: NPI, task: Task) -> None:
        self._model, self._task = model, task

    def begin(self, n: int) -> None:
        """Opens the frame of the task's first program in each of ``n`` problems."""
        model, device = self._model, self._model.encode.device
        if n % model.n_models:
            raise UsageError(f"{n} problems cannot be shared among {model.n_models} models; give each equally many.")
        self._each = n // model.n_models
        self._state = torch.zeros(2, model.layers, n, model.width, dtype=model.encode.dtype, device=device)
        self._program, self._args = np.zeros(n, np.int64), np.zeros((n, len(self._task.arg_sizes)), np.int64)
        self._saved: list[tuple[Tensor, Ints, Ints]] = []

    @torch.no_grad()
    def step(self, rows: Ints, observations: Ints) -> tuple[Ints, Ints, Bools]:
        """Returns what the models say; see ``Policy``."""
        model = self._model
        owner = rows // self._each
        counts = np.bincount(owner, minlength=model.n_models)
        slot = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)  # rows are sorted, so those of a model lie together
        where = torch.from_numpy(owner * counts.max() + slot)
        n = int(counts.max())

        def spread(values: Ints) -> Tensor:
            wide = torch.zeros(model.n_models * n, *values.shape[1:], dtype=torch.int64)
            wide[where] = torch.from_numpy(np.ascontiguousarray(values))
            return wide.view(model.n_models, n, *values.shape[1:]).to(model.encode.device)

        inputs = model.inputs(spread(observations), spread(self._program[rows]), spread(self._args[rows]))
        wide = self._state.new_zeros(2, model.layers, model.n_models * n, model.width)
        wide[:, :, where] = self._state[:, :, torch.from_numpy(rows)]
        h, c = wide.view(2, model.layers, model.n_models, n, model.width)
        after = model.step(inputs, Hidden(h, c))
        self._state[0][:, torch.from_numpy(rows)] = after.h.flatten(1, 2)[:, where]
        self._state[1][:, torch.from_numpy(rows)] = after.c.flatten(1, 2)[:, where]
        called, args, ends = decided(model.read(after.h[-1]))
        return called.flatten()[where].numpy(), args.flatten(0, 1)[where].numpy(), ends.flatten()[where].numpy()

    def save(self, rows: Ints, depth: Ints) -> None:
        """Keeps the current frames at a depth of the stack."""
        while depth.max(initial=-1) >= len(self._saved):
            self._saved.append((torch.zeros_like(self._state), np.zeros_like(self._program), np.zeros_like(self._args)))
        for level in np.unique(depth):
            here, (state, program, args) = rows[depth == level], self._saved[level]
            state[:, :, torch.from_numpy(here)] = self._state[:, :, torch.from_numpy(here)]
            program[here], args[here] = self._program[here], self._args[here]

    def restore(self, rows: Ints, depth: Ints) -> None:
        """Takes them back."""
        for level in np.unique(depth):
            here, (state, program, args) = rows[depth == level], self._saved[level]
            self._state[:, :, torch.from_numpy(here)] = state[:, :, torch.from_numpy(here)]
            self._program[here], self._args[here] = program[here], args[here]

    def enter(self, rows: Ints, programs: Ints, args: Ints) -> None:
        """Opens new frames."""
        self._state[:, :, torch.from_numpy(rows)] = 0
        self._program[rows], self._args[rows] = programs, args


def decided(logits: Logits) -> tuple[Tensor, Tensor, Tensor]:
    """Returns what logits come to: the program called, its arguments, and whether the frame ends, as Algorithm 1 reads them.

    A frame that calls nothing ends, since nothing would change any more.
    """
    called = logits.program.argmax(dim=-1)
    ends = (logits.end >= 0) | (called == logits.program.shape[-1] - 1)
    args = torch.stack([head.argmax(dim=-1) for head in logits.args], dim=-1) if logits.args else called.new_zeros(*called.shape, 0)
    return called.cpu(), args.cpu(), ends.cpu()


def outputs(model: NPI, frames: Frames, *, chunk: int = 8192) -> tuple[Any, Any, Any, Any]:
    """Returns what models say at every node of a tree, each common beginning of frames being passed once.

    Args:
        chunk: nodes that are passed at once.
    Returns:
        by model and node ``(models, size)``: what is called, ``(models, size, n_args)`` its arguments, whether the frame ends, and the
        margin: how far the nearest logit is from saying something else, infinite for a call's own node.
    """
    size, n_models = frames.size, model.n_models
    called, ends = np.zeros((n_models, size), np.int64), np.zeros((n_models, size), bool)
    args, margin = np.zeros((n_models, size, frames.n_args), np.int64), np.full((n_models, size), np.inf)
    depth = frames.depth[:size]
    above = Hidden(*(model.start(1).h[:, :, :0] for _ in range(2)))
    place = np.zeros(size, np.int64)  # of a node among those of its depth
    for level in range(1, int(depth.max(initial=0)) + 1):
        nodes = np.flatnonzero(depth == level)
        parts = []
        for first in range(0, len(nodes), chunk):
            some = nodes[first : first + chunk]
            parents = torch.from_numpy(place[frames.parent[some]])
            hidden = model.start(len(some)) if level == 1 else Hidden(above.h[:, :, parents], above.c[:, :, parents])
            root = frames.root[some]
            tensors = (
                torch.from_numpy(values).to(model.encode.device).expand(n_models, *values.shape)
                for values in (frames.observations(some), frames.callee[root], frames.args[root])
            )
            with torch.no_grad():
                after = model.step(model.inputs(*tensors), hidden)
                logits = model.read(after.h[-1])
            called[:, some], args[:, some], ends[:, some] = (part.numpy() for part in decided(logits))
            margin[:, some] = _margin(logits).cpu().numpy()
            parts.append(after)
        above = Hidden(torch.cat([part.h for part in parts], dim=2), torch.cat([part.c for part in parts], dim=2))
        place[nodes] = np.arange(len(nodes))
    return called, args, ends, margin


def wrong(frames: Frames, called: Ints, args: Ints, ends: Bools) -> Bools:
    """Returns by model and node ``(models, size)`` where outputs are not the reference's, arguments that do not matter included."""
    size = frames.size
    same_args = (args == frames.args[:size]).all(axis=-1)
    bad: Bools = (frames.depth[:size] > 0) & ~((called == frames.callee[:size]) & (ends == frames.ends[:size]) & same_args)
    return bad


def _margin(logits: Logits) -> Tensor:
    heads = [logits.end.abs()]
    for head in (logits.program, *logits.args):
        if head.shape[-1] > 1:
            top = head.topk(2, dim=-1).values
            heads.append(top[..., 0] - top[..., 1])
    return torch.stack(heads).amin(dim=0)


def _cell(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    i, f, o, g = gates.chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _forget_one(n_models: int, width: int) -> Tensor:
    bias = torch.zeros(n_models, 1, 4 * width)
    bias[:, :, width : 2 * width] = 1.0  # forget gates begin open
    return bias
