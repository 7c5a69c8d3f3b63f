"""A film strip of a game with what was seen in it, the rules as a table of maps, and the learning curve: as SVG or PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from shoestring.systems.symbolic_rl.model import RelationalQ
from shoestring.systems.symbolic_rl.rules import rules
from shoestring.systems.symbolic_rl.scene import Scene

Format: TypeAlias = Literal["svg", "png"]
COLOURS = ("#56b4e9", "#e69f00", "#2ec4a0", "#cc79a7", "#f0e442", "#d55e00", "#7b9cf0", "#999999")  # told apart by most eyes
ARROWS = {"up": "↑", "down": "↓", "left": "←", "right": "→"}


def film_strip(
    frames: Sequence[NDArray[Any]],
    scenes: Sequence[Scene],
    captions: Sequence[str] = (),
    *,
    types: Sequence[str] = (),
    columns: int = 4,
    format: Format = "svg",
) -> bytes:
    """Draws frames in a row, with a ring of its type's colour and its number at each object that was seen.

    Args:
        frames: pictures, ``(h, w)`` or ``(h, w, 3)``.
        scenes: what was seen in each; positions in pixels.
        captions: a line under each.
        types: names of types, for the legend.
        columns: frames in a row.
        format: ``"svg"`` or ``"png"``.
    """
    n_rows = -(-len(frames) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.9 * n_rows + 0.4), layout="constrained")
    axes = figure.subplots(n_rows, columns, squeeze=False)
    seen = sorted({int(kind) for scene in scenes for kind in scene.types if kind >= 0})
    for axis in axes.flat:
        axis.set_axis_off()
    for i, (frame, scene) in enumerate(zip(frames, scenes, strict=True)):
        axis = axes.flat[i]
        axis.imshow(frame, cmap="gray", interpolation="nearest")
        for slot in np.flatnonzero(scene.types >= 0):
            row, column = scene.positions[slot]
            colour = COLOURS[int(scene.types[slot]) % len(COLOURS)]
            axis.plot(column, row, "o", markersize=12, markerfacecolor="none", markeredgecolor=colour)
            axis.text(column + 3.5, row - 3.5, str(scene.ids[slot]), color=colour, fontsize=6, ha="center", va="center")
        if i < len(captions):
            axis.set_title(captions[i], fontsize=9)
    marks = [Line2D([], [], marker="o", linestyle="", markerfacecolor="none", color=COLOURS[k % len(COLOURS)]) for k in seen]
    names = [types[kind] if kind < len(types) else f"type {kind}" for kind in seen]
    figure.legend(marks, names, loc="outside lower center", ncols=max(len(seen), 1), frameon=False, fontsize=9)
    return _written(figure, format)


def rule_table(
    learner: RelationalQ, types: Sequence[str] = (), actions: Sequence[str] = (), *, agent: int = 0, format: Format = "svg"
) -> bytes:
    """Draws, for each type, the action that an object at each place speaks for, or with a ¬, against; the colour is that action's value."""
    found = rules(learner, types, actions, agent=agent)
    kinds = list(dict.fromkeys(rule.type for rule in sorted(found, key=lambda rule: rule.type)))
    figure = Figure(figsize=(2.8 * max(len(kinds), 1) + 0.6, 3.1), layout="constrained")
    axes = figure.subplots(1, max(len(kinds), 1), squeeze=False)[0]
    most = max((abs(rule.values[rule.telling]) for rule in found), default=1.0) or 1.0
    for axis, kind in zip(axes, kinds, strict=False):
        grid = np.full((learner.side, learner.side), np.nan)
        for rule in found:
            if rule.type == kind:
                grid[rule.row + learner.reach, rule.column + learner.reach] = rule.values[rule.telling]
                mark = ARROWS.get(rule.telling, rule.telling)
                axis.text(rule.column, rule.row, f"¬{mark}" if rule.is_warning else mark, ha="center", va="center", fontsize=12)
        half = learner.reach + 0.5
        image = axis.imshow(grid, cmap="RdYlGn", vmin=-most, vmax=most, extent=(-half, half, half, -half))
        axis.text(0, 0, "+", ha="center", va="center", fontsize=16, weight="bold")
        axis.set_title(f"object of {kind}", fontsize=10)
        axis.set_xlabel("steps to the right of the agent", fontsize=8)
        axis.set_ylabel("steps down", fontsize=8)
        axis.tick_params(labelsize=7)
    if kinds:
        figure.colorbar(image, ax=list(axes), shrink=0.8).set_label("value of the move", fontsize=8)
    return _written(figure, format)


def learning_curve(positives: NDArray[np.float64], negatives: NDArray[np.float64], *, window: int = 20, format: Format = "svg") -> bytes:
    """Draws the share of positive objects over the last ``window`` training games, and the score a game.

    Args:
        positives, negatives: ``(n_epochs,)``, touched in each game.
        window: games over which both are taken.
    """
    epochs = np.arange(1, len(positives) + 1)
    good, bad = (np.convolve(values, np.ones(window))[: len(values)] for values in (positives, negatives))
    wide = np.minimum(epochs, window)
    figure = Figure(figsize=(7.6, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, good / np.maximum(good + bad, 1), color=COLOURS[0])
    left.axhline(0.5, color="#999999", linewidth=0.8, linestyle=":")
    left.set(ylim=(0, 1), xlabel="games", ylabel=f"positive share, last {window} games")
    right.plot(epochs, (good - bad) / wide, color=COLOURS[1])
    right.axhline(0, color="#999999", linewidth=0.8, linestyle=":")
    right.set(xlabel="games", ylabel=f"score a game, last {window}")
    return _written(figure, format)


def _written(figure: Figure, format: Format) -> bytes:
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "shoestring", "svg.fonttype": "path"}):
        figure.savefig(buffer, format=format, dpi=110, metadata={"Date": None} if format == "svg" else None)
    return buffer.getvalue()
