"""The networks of the paper, and many networks of one kind as one tensor program.

It knows no data, no budget and no training. Source: Zhang et al. 2017, arXiv:1611.03530, appendix A.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from shoestring.errors import UsageError

ModelFn: TypeAlias = Callable[[], nn.Module]


def mlp(shape: Sequence[int], n_classes: int, width: int = 512, depth: int = 1) -> nn.Module:
    """Returns a ReLU network with ``depth`` hidden layers: ``(b, *shape)`` to ``(b, n_classes)``.

    On ``(3, 28, 28)`` with 512 units it has the paper's 1,209,866 parameters at depth 1 and 1,735,178 at depth 3.
    """
    sizes = [prod(shape), *[width] * depth]
    hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], n_classes))


def small_alexnet(shape: Sequence[int], n_classes: int, scale: float = 1.0) -> nn.Module:
    """Returns the paper's small AlexNet: ``(b, channels, height, width)`` to ``(b, n_classes)``; 1,387,786 parameters on CIFAR-10."""
    channels, height, width = image_shape(shape)
    c, wide, narrow = (max(1, round(scale * size)) for size in (64, 384, 192))
    block: list[nn.Module] = []
    for before in (channels, c):
        block += [nn.Conv2d(before, c, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.LocalResponseNorm(5)]
        height, width = (height + 1) // 2, (width + 1) // 2
    head = [nn.Linear(c * height * width, wide), nn.ReLU(), nn.Linear(wide, narrow), nn.ReLU(), nn.Linear(narrow, n_classes)]
    return nn.Sequential(_Channels(channels), *block, nn.Flatten(), *head)


def small_inception(shape: Sequence[int], n_classes: int, scale: float = 1.0, batch_norm: bool = True) -> nn.Module:
    """Returns the paper's small Inception: ``(b, channels, height, width)`` to ``(b, n_classes)``; 1,649,402 parameters on CIFAR-10.

    Batch normalisation has no affine part: only so, with biases in the convolutions, do the parameters come to the paper's number.
    """
    channels = image_shape(shape)[0]

    def c(size: int) -> int:
        return max(1, round(scale * size))

    layers: list[nn.Module] = [_Channels(channels), _convolution(channels, c(96), 3, 1, batch_norm)]
    at = c(96)
    for step in ((32, 32), (32, 48), 80, (112, 48), (96, 64), (80, 80), (48, 96), 96, (176, 160), (176, 160)):
        if isinstance(step, tuple):
            one, three = c(step[0]), c(step[1])
            layers.append(_Beside(_convolution(at, one, 1, 1, batch_norm), _convolution(at, three, 3, 1, batch_norm)))
            at = one + three
        else:
            layers.append(_Beside(_convolution(at, c(step), 3, 2, batch_norm), nn.MaxPool2d(3, 2, 1)))
            at += c(step)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(at, n_classes))


def image_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """Returns ``(channels, height, width)`` of inputs of a shape with two or three numbers.

    Raises:
        UsageError: it is no shape of images.
    """
    if len(shape) not in (2, 3):
        raise UsageError(f"inputs of shape {tuple(shape)} must be images: (height, width), (channels, height, width), or take the mlp.")
    channels, height, width = (1, *shape) if len(shape) == 2 else shape
    return channels, height, width


class _Channels(nn.Module):
    """Gives images without channels one."""

    def __init__(self, channels: int) -> None:
        nn.Module.__init__(self)
        self._channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], self._channels, *x.shape[-2:])


class _Beside(nn.Module):
    """Puts the channels of two branches beside one another."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        nn.Module.__init__(self)
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.first(x), self.second(x)], dim=1)


def _convolution(before: int, after: int, size: int, stride: int, batch_norm: bool) -> nn.Module:
    norm: list[nn.Module] = [nn.BatchNorm2d(after, affine=False)] if batch_norm else []
    return nn.Sequential(nn.Conv2d(before, after, size, stride, size // 2), *norm, nn.ReLU())


class Ensemble:
    """Networks of one kind, each with its own parameters, buffers and inputs, evaluated as one tensor program.

    Optimisers that work number by number (SGD, Adam and the like) train all of them at once exactly as one by one.

    Attributes:
        parameters: by name, ``(n_models, ...)``, each a leaf.
        buffers: by name, ``(n_models, ...)``.
        together: evaluate all in one call of ``torch.func.vmap``; otherwise one after the other.
    """

    def __init__(self, model_fn: ModelFn, seeds: Sequence[int], device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        """Makes one network a seed; the process's own random numbers are left as they were.

        Args:
            model_fn: makes a network, drawing its first weights from torch's generator.
            seeds: the same seed gives the same first weights.
        Raises:
            UsageError: ``model_fn`` gives no ``torch.nn.Module``, or networks of different kinds.
        """
        with torch.random.fork_rng(devices=[]):
            models = [_seeded(model_fn, seed) for seed in seeds]
        self._skeleton = models[0].to(device, dtype)
        named = [dict(model.named_parameters()) for model in models]
        if any({key: p.shape for key, p in one.items()} != {key: p.shape for key, p in named[0].items()} for one in named):
            raise UsageError("the model function made networks of different shapes; let it make the same one each time.")
        self.parameters = {key: torch.stack([one[key].detach() for one in named]).to(device, dtype).requires_grad_() for key in named[0]}
        held = [dict(model.named_buffers()) for model in models]
        self.buffers = {key: torch.stack([one[key].detach() for one in held]).to(device) for key in held[0]}
        for key, buffer in self.buffers.items():
            self.buffers[key] = buffer.to(dtype) if buffer.is_floating_point() else buffer
        # Differs: convolutions go one after the other on a CPU, where grouped convolutions were measured to be slower.
        self.together = len(models) > 1 and (device != "cpu" or not any(isinstance(layer, nn.Conv2d) for layer in models[0].modules()))
        self.n_models, self.dtype = len(models), dtype

    @property
    def n_weights(self) -> int:
        """Parameters of one network."""
        return sum(p[0].numel() for p in self.parameters.values())

    def layers(self) -> Iterator[nn.Module]:
        """Yields the layers of the network that all share: what is set on them (a dropout rate, say) holds for all."""
        yield from self._skeleton.modules()

    def __call__(self, x: Tensor, *, training: bool = False) -> Tensor:
        """Returns the logits ``(n_models, b, n_classes)``, float32, of inputs ``(n_models, b, ...)``."""
        self._skeleton.train(training)
        x = x.to(self.dtype)
        if self.together:
            try:
                return vmap(self._one, randomness="different")(self.parameters, self.buffers, x).float()
            except RuntimeError:
                self.together = False  # a layer that cannot be batched so; an error of the network's own comes again below
        each = [self._one(_nth(self.parameters, i), _nth(self.buffers, i), x[i]) for i in range(self.n_models)]
        return torch.stack(each).float()

    def _one(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(self._skeleton, (dict(parameters), dict(buffers)), (x,))  # type: ignore[no-any-return]

    def state_dict(self) -> dict[str, Any]:
        """Returns copies of all parameters and buffers."""
        return {"parameters": _copied(self.parameters), "buffers": _copied(self.buffers)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes them back."""
        with torch.no_grad():
            for own, kept in ((self.parameters, state["parameters"]), (self.buffers, state["buffers"])):
                for key, tensor in own.items():
                    tensor.copy_(kept[key])


def _seeded(model_fn: ModelFn, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    model = model_fn()
    if not isinstance(model, nn.Module):
        raise UsageError(f"the model function gave a {type(model).__name__}; let it return a torch.nn.Module.")
    return model


def _nth(tensors: Mapping[str, Tensor], i: int) -> dict[str, Tensor]:
    return {key: tensor[i] for key, tensor in tensors.items()}


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: tensor.detach().clone() for key, tensor in tensors.items()}
