"""Measured ratios: many networks together against one by one, lists of edges against dense products, parts against pairs, buckets.

``python benchmarks/systems/graph_transition_speed.py`` prints the table of the README, of processor times side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from side_by_side import Ratio, print_table, ratio
from torch import Tensor

from shoestring.systems.graph_transition.affine import Affine
from shoestring.systems.graph_transition.layers import EdgeUpdate, Propagate
from shoestring.systems.graph_transition.links import Links
from shoestring.systems.graph_transition.networks import Networks
from shoestring.systems.graph_transition.state import GraphState
from shoestring.systems.graph_transition.training import Config, preset


def together(task: str, models: int, n: int = 3) -> Ratio:
    """Returns the ratio of training so many networks one by one to training them as one program."""
    settings = {"task": task, **preset(task), "n_updates": 10_000, "n_test": 1, "sizes": "100", "lengths": "4"}
    alone = [Networks(Config.of(settings), task, seed) for seed in range(models)]
    stacked = Networks(Config.of({**settings, "models": models}), task, 0)

    def one_by_one() -> None:
        for one in alone:
            one.train(one.updates + n)

    return ratio(one_by_one, lambda: stacked.train(stacked.updates + n))


def bucketed(task: str = "babi-7", n: int = 6) -> Ratio:
    """Returns the ratio of training on batches of any stories to training on batches of about one length."""
    settings = {"task": task, **preset(task), "n_updates": 10_000, "n_test": 1}
    mixed, sorted_ = (Networks(Config.of(settings), task, 0) for _ in range(2))
    mixed.lesson = replace(mixed.lesson, train=replace(mixed.lesson.train, lengths=torch.ones_like(mixed.lesson.train.lengths)))
    return ratio(lambda: mixed.train(mixed.updates + n), lambda: sorted_.train(sorted_.updates + n))


def propagated(n_places: int, n_edge_types: int, links_a_node: int = 2, batch: int = 32) -> Ratio:
    """Returns the ratio of dense to sparse propagation, five steps with gradient, on random graphs."""
    rng = np.random.default_rng(0)
    edges = torch.zeros(batch, n_places, n_places, n_edge_types)
    for one in edges:
        for node in range(n_places):
            for other in rng.integers(n_places, size=links_a_node):
                one[node, other, rng.integers(n_edge_types)] = 1
    layer = Propagate(n_places, 20, n_edge_types, 20, 5, torch.Generator().manual_seed(0))
    x = torch.eye(n_places).expand(batch, -1, -1)
    state = GraphState(x, torch.zeros(batch, n_places, 20), torch.ones(batch, n_places), edges)

    def step(sparse: bool) -> None:
        layer(state, Links.of(edges, state.s) if sparse else None).h.square().sum().backward()  # torch

    return ratio(lambda: step(sparse=False), lambda: step(sparse=True))


def paired(n_places: int, n_edge_types: int, batch: int = 32) -> Ratio:
    """Returns the ratio of an edge update on pairs of inputs, put side by side as published, to the layer's sum of parts, with gradient."""
    rng = torch.Generator().manual_seed(0)
    layer, whole = EdgeUpdate(20, n_places, 20, n_edge_types, 20, rng), Affine(20 + 2 * (n_places + 20), 20, rng)
    a, h, x = (
        torch.randn(batch, 20, generator=rng),
        torch.randn(batch, n_places, 20, generator=rng),
        torch.eye(n_places).expand(batch, -1, -1),
    )
    h.requires_grad_()

    def side_by_side() -> Tensor:
        node = torch.cat([x, h], -1)
        wide = (batch, n_places, n_places, -1)
        pairs = torch.cat([a[:, None, None].expand(wide), node[:, :, None].expand(wide), node[:, None].expand(wide)], -1)
        logits: Tensor = layer.out(torch.tanh(whole(pairs)))
        return logits

    def learnt_from(logits: Callable[[], Tensor]) -> None:
        logits().sum().backward()  # type: ignore[no-untyped-call]  # torch's own

    return ratio(lambda: learnt_from(side_by_side), lambda: learnt_from(lambda: layer.logits(a, x, h)))


def main() -> None:
    """Prints all ratios."""
    torch.set_num_threads(1)
    rows: dict[str, Callable[[], Ratio]] = {
        "4 networks of bAbI 1: one by one / together": lambda: together("babi-1", 4),
        "4 networks of rule 30": lambda: together("rule-30", 4),
        "4 networks of Turing machines": lambda: together("turing-2", 4),
        "edges of 24 places and 26 types: pairs side by side / sum of parts": lambda: paired(24, 26),
        "edges of 14 places and 2 types": lambda: paired(14, 2),
        "propagation in 14 places and 2 types: dense / lists of edges": lambda: propagated(14, 2),
        "propagation in 24 places and 26 types": lambda: propagated(24, 26),
        "propagation in 64 places and 26 types": lambda: propagated(64, 26, batch=8),
        "bAbI 7 in batches of any length / of about one length": bucketed,
    }
    print_table(rows)


if __name__ == "__main__":
    main()
