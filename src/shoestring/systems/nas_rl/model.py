"""The child networks, many at once: one grouped convolution a layer, with masked kernels, widths and inputs.

It knows no controller, no data set and no budget. Source: Zoph and Le 2017, arXiv:1611.01578, sections 3.2, 3.3 and 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from shoestring.systems.nas_rl.task import Child

LANES = 8  # input channels are filled up with zeros to a multiple of this: grouped convolutions on a CPU are then twice as fast
POOLED = 1  # positions each way that are left for the classifier
MOMENTUM = 0.1  # of the running means of batch normalisation


def sizes(child: Child, side: int) -> tuple[tuple[int, int], ...]:
    """Returns the side of each layer's input and output, for square images; inputs of unequal sizes are padded to the largest."""
    outputs = [side]
    both = []
    for layer in child.layers:
        taken = max(outputs[source] for source in layer.inputs)
        outputs.append(-(-taken // layer.stride))
        both.append((taken, outputs[-1]))
    return tuple(both)


def batches(children: Sequence[Child], side: int, most: int = 64, least: int = 64) -> list[list[int]]:
    """Returns which children go into one tensor program: those whose layers see inputs of equal sizes, with like kernels side by side.

    Args:
        children: any, of any depth.
        side: of the images, pixels.
        most: children in a program at most.
        least: children from which on a program ends where the kernels change, so that few are padded; at most ``most``.
    """

    def shape(i: int) -> tuple[object, ...]:
        return sizes(children[i], side), tuple(layer.stride for layer in children[i].layers)

    def kernels(i: int) -> tuple[object, ...]:
        return tuple((layer.height, layer.width) for layer in children[i].layers)

    programs: list[list[int]] = []
    for _, members in groupby(sorted(range(len(children)), key=lambda i: (shape(i), kernels(i), i)), key=shape):
        programs.append([])
        for i in members:
            now = programs[-1]
            if len(now) == most or (len(now) >= least and kernels(now[-1]) != kernels(i)):
                programs.append([])
            programs[-1].append(i)
    return programs


@dataclass(frozen=True)
class _Layer:
    """What one layer of all children has in common, and where each child's weights may differ from 0."""

    sources: tuple[int, ...]
    side: int
    stride: int
    mask: Tensor  # (n_children, out, in, height, width)


class Children:
    """Several child networks as one tensor program, each with weights of its own.

    A layer is convolution, batch normalisation, ReLU. Its input is the concatenation of the layers that it reads, or the image if it
    reads none; what no layer reads is averaged over its positions, concatenated and classified.

    Args:
        children: of one depth, whose layers see inputs of equal sizes (see ``batches``).
        seeds: one a child; a child's weights depend on its own seed and form, and on no other child.
        shape: ``(channels, side, side)`` of an image.
        n_classes: labels.
        device: where the weights lie.
        widest: lay the weights out for a child of this form, which reads everything, so that they can be shared by all that are part of it.
    """

    def __init__(
        self,
        children: Sequence[Child],
        seeds: Sequence[int],
        shape: tuple[int, int, int],
        n_classes: int,
        device: str,
        widest: Child | None = None,
    ) -> None:
        depth = len(children[0].layers)
        self._forms = children if widest is None else (widest,)
        assert {(sizes(child, shape[1]), tuple(layer.stride for layer in child.layers)) for child in children} == {
            (sizes(children[0], shape[1]), tuple(layer.stride for layer in children[0].layers))
        }, "children of one program see inputs of equal sizes"
        self.n = len(children)
        self.channels = [shape[0], *(max(child.layers[i].filters for child in self._forms) for i in range(depth))]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.layers = [self._layer(children, i, sizes(children[0], shape[1])[i][0]) for i in range(depth)]
        self.parameters: dict[str, Tensor] = {}
        self.buffers: dict[str, Tensor] = {}
        for i, layer in enumerate(self.layers):
            self.parameters[f"weight{i}"] = _drawn(layer.mask, generators)
            self.parameters[f"scale{i}"] = torch.ones(self.n * self.channels[i + 1])
            self.parameters[f"shift{i}"] = torch.zeros(self.n * self.channels[i + 1])
            self.buffers[f"mean{i}"] = torch.zeros(self.n * self.channels[i + 1])
            self.buffers[f"variance{i}"] = torch.ones(self.n * self.channels[i + 1])
        self.read_out = self._read_out(children)
        self.parameters["classifier"] = _drawn(self.read_out[:, None, :].expand(-1, n_classes, -1), generators)
        self.parameters["bias"] = torch.zeros(self.n, n_classes)
        self.parameters = {name: value.to(device).requires_grad_() for name, value in self.parameters.items()}
        self.buffers = {name: value.to(device) for name, value in self.buffers.items()}
        self.read_out = self.read_out.to(device)
        self.layers = [_Layer(layer.sources, layer.side, layer.stride, layer.mask.to(device)) for layer in self.layers]

    def __call__(self, images: Tensor, training: bool = False) -> Tensor:
        """Returns the logits ``(batch, n_children, n_classes)`` of images ``(batch, n_children, channels, side, side)``."""
        batch = images.shape[0]
        outputs = [images]
        for i, layer in enumerate(self.layers):
            read = [F.pad(outputs[source], [0, layer.side - outputs[source].shape[-1]] * 2) for source in layer.sources]
            weight = self.parameters[f"weight{i}"] * layer.mask
            if idle := weight.shape[2] - sum(part.shape[2] for part in read):
                read.append(images.new_zeros(batch, self.n, idle, layer.side, layer.side))
            padding = _padding(layer.side, layer.stride, weight.shape[3]), _padding(layer.side, layer.stride, weight.shape[4])
            joined = F.pad(torch.cat(read, dim=2).flatten(1, 2), [*padding[1], *padding[0]])
            made = F.conv2d(joined, weight.flatten(0, 1), stride=layer.stride, groups=self.n)
            made = F.batch_norm(
                made,
                self.buffers[f"mean{i}"],
                self.buffers[f"variance{i}"],
                self.parameters[f"scale{i}"],
                self.parameters[f"shift{i}"],
                training=training,
                momentum=MOMENTUM,
            )
            outputs.append(F.relu(made).view(batch, self.n, -1, *made.shape[2:]))
        pooled = [F.adaptive_avg_pool2d(output.flatten(1, 2), POOLED).view(batch, self.n, -1) for output in outputs[1:]]
        features = torch.cat(pooled, dim=2) * self.read_out
        return torch.einsum("bgf,gcf->bgc", features, self.parameters["classifier"]) + self.parameters["bias"]

    def _layer(self, children: Sequence[Child], i: int, side: int) -> _Layer:
        sources = tuple(sorted({source for child in self._forms for source in child.layers[i].inputs}))
        height = max(child.layers[i].height for child in self._forms)
        width = max(child.layers[i].width for child in self._forms)
        starts = dict(zip(sources, np.cumsum([0, *(self.channels[source] for source in sources)]).tolist(), strict=False))
        n_read = sum(self.channels[source] for source in sources)
        n_read = n_read if n_read < LANES else -(-n_read // LANES) * LANES
        mask = torch.zeros(self.n, self.channels[i + 1], n_read, height, width)
        for g, child in enumerate(children):
            layer = child.layers[i]
            top, left = (height - layer.height) // 2, (width - layer.width) // 2
            for source in layer.inputs:
                n_own = self.channels[0] if source == 0 else child.layers[source - 1].filters
                mask[
                    g,
                    : layer.filters,
                    starts[source] : starts[source] + n_own,
                    top : top + layer.height,
                    left : left + layer.width,
                ] = 1.0
        return _Layer(sources, side, children[0].layers[i].stride, mask)

    def _read_out(self, children: Sequence[Child]) -> Tensor:
        """Returns which features each child's classifier sees, those of layers that no other reads, ``(n_children, n_features)``."""
        cells = POOLED**2
        mask = torch.zeros(self.n, cells * sum(self.channels[1:]))
        edges = list(pairwise(np.cumsum([0, *self.channels[1:]]).tolist()))
        for g, child in enumerate(children):
            for i in child.unread():
                mask[g, cells * edges[i - 1][0] : cells * (edges[i - 1][0] + child.layers[i - 1].filters)] = 1.0
        return mask


def _drawn(mask: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Returns He-normal weights by the number of inputs that each child's unit really has; 0 where the mask is.

    A child's numbers are drawn in the order of its own weights, so that padding changes none of them.
    """
    weights = torch.zeros(mask.shape)
    for g, generator in enumerate(generators):
        own = mask[g] > 0
        fan_in = own[0].sum()
        weights[g][own] = torch.randn(int(own.sum()), generator=generator) * (2.0 / fan_in) ** 0.5
    return weights


def _padding(side: int, stride: int, kernel: int) -> tuple[int, int]:
    """Returns the zeros before and after, so that odd kernels are centred on every ``stride``-th position, the first first."""
    before = kernel // 2
    after = (-(-side // stride) - 1) * stride + kernel - before - side
    return before, max(after, 0)
