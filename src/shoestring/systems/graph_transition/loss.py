"""How far predicted graphs are from the true ones: nodes in the best of all orders, then edges. Nothing is decided or snapped here.

Source: Johnson 2017, section 4.1 and appendix B; edges masked by strengths as in the author's code.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from typing import Literal

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.graph_transition.state import GraphState, pairs_of

Matching = Literal["hungarian", "given"]
ENUMERATED = 3  # so many new nodes or fewer have so few orders that trying all is faster, and as exact
_LEAST = 1e-7  # the smallest probability whose logarithm is taken


def graph_loss(predicted: GraphState, true: GraphState, n_old: int = 0, matching: Matching = "hungarian") -> Tensor:
    """Returns the loss of each graph, ``(...)``: cross-entropies of new nodes' strengths and types and of all edges, summed.

    Args:
        predicted: graphs with probabilities for strengths, types and edges; hidden states do not count.
        true: graphs of the same shape with numbers of 0 and 1.
        n_old: places, the first ones, whose nodes were there before and are as given; the rest is new.
        matching: which new node stands for which true one: in the order of least node loss (``"hungarian"``), or as they lie (``"given"``).
    Raises:
        UnknownName: there is no such matching.
        UsageError: the graphs differ in shape.
    """
    if predicted.edges.shape != true.edges.shape or predicted.x.shape != true.x.shape:
        raise UsageError(
            f"predicted graphs have edges {tuple(predicted.edges.shape)}, true ones {tuple(true.edges.shape)}; give the same places."
        )

    def log(p: Tensor) -> Tensor:
        return p.clamp(min=_LEAST).log()

    s, x = predicted.s[..., n_old:], predicted.x[..., n_old:, :]
    costs = node_costs(log(s), log(1 - s), log(x), true.s[..., n_old:], true.x[..., n_old:, :])
    order = best_order(costs, matching)
    loss = costs.gather(-2, order[..., None, :]).sum((-1, -2))
    old = torch.arange(n_old, device=order.device).expand(*order.shape[:-1], n_old)
    place = torch.cat([old, order + n_old], -1)
    edges = predicted.edges.take_along_dim(place[..., :, None, None], -3).take_along_dim(place[..., None, :, None], -2)
    entropy = -(true.edges * log(edges) + (1 - true.edges) * log(1 - edges))
    total: Tensor = loss + (entropy * pairs_of(true.s)[..., None]).sum((-1, -2, -3))
    return total


def node_costs(log_s: Tensor, log_not_s: Tensor, log_x: Tensor, s: Tensor, x: Tensor) -> Tensor:
    """Returns what it costs that a new node stands for a true one, ``(..., K, K)``, predicted nodes first.

    Args:
        log_s, log_not_s: logarithms of predicted strengths and of 1 less those, ``(..., K)``.
        log_x: logarithms of predicted annotations, ``(..., K, N)``.
        s, x: true strengths ``(..., K)`` and annotations ``(..., K, N)``; strength 0 for no node.
    """
    there = s[..., None, :]
    return -(there * log_s[..., :, None] + (1 - there) * log_not_s[..., :, None] + log_x @ (s[..., None] * x).mT)


def best_order(costs: Tensor, matching: Matching = "hungarian") -> Tensor:
    """Returns for each true node the predicted one that stands for it, ``(..., K)``, in the order of least total cost.

    Args:
        costs: ``(..., K, K)``, predicted nodes first.
        matching: as for ``graph_loss``.
    Raises:
        UnknownName: there is no such matching.
    """
    if matching not in ("hungarian", "given"):
        raise UnknownName("matching", matching, ("hungarian", "given"))
    n = costs.shape[-1]
    if matching == "given" or n < 2:
        return torch.arange(n, device=costs.device).expand(costs.shape[:-1])
    found = costs.detach()
    if n <= ENUMERATED:
        orders = torch.tensor(_orders(n), device=costs.device)  # (n!, n)
        totals = found[..., orders, torch.arange(n, device=costs.device)].sum(-1)
        return orders[totals.argmin(-1)]
    flat = found.reshape(-1, n, n).cpu().numpy()
    columns = np.stack([linear_sum_assignment(one.T)[1] for one in flat])
    return torch.from_numpy(columns).to(costs.device).view(costs.shape[:-1])


@lru_cache
def _orders(n: int) -> tuple[tuple[int, ...], ...]:
    return tuple(permutations(range(n)))
