"""Turns plots into SVG and PDF: one drawing serves the page in light and dark, and the paper. It draws no data itself.

A plot that cannot be drawn (values whose range is beyond a number, say) becomes a sentence: no drawing ends a report.

Colours are stand-ins while matplotlib draws. In the page they become ``currentColor`` and custom properties of CSS, so that one SVG serves
light and dark; in files they become the colours for white paper. The palette is that of Okabe and Ito, which people with any colour vision
can tell apart; no plot relies on colour alone.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shoestring.cleaning import for_line, for_terminal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#010203", "#c0c1c2"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
STYLES = ("solid", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)), (0, (8, 2)))
WIDTH_IN = 5.8

_PAPER = {INK: "#1a1a1a", FAINT: "#c9c9c9"}
_PAGE = {INK: "currentColor", FAINT: "var(--faint)"} | {colour: f"var(--series-{i})" for i, colour in enumerate(SERIES)}
_COORDINATES = re.compile(r'\b(?:d|x|y|transform|width|height)="[^"]*"')
_DIGITS = re.compile(r"(\.\d\d)\d+")  # a hundredth of a point is enough
_SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "text.parse_math": False,
    "path.simplify": False,
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "round",
    "axes.formatter.useoffset": False,
}


@dataclass(frozen=True)
class Plot:
    """One plot.

    Attributes:
        name: of its files, without an ending.
        title: what it shows, in a few words.
        alt: what can be seen in it, for who cannot see it.
        caption: how to read it, and what it does not show.
        draw: draws it into an empty figure.
        height: in inches.
    """

    name: str
    title: str
    alt: str
    caption: str
    draw: Callable[[Figure], None]
    height: float = 2.8

    @property
    def svg(self) -> str:
        """The plot as SVG, in the stand-in colours; empty where it cannot be drawn."""
        return self._tried[0]

    @property
    def missing(self) -> str:
        """A sentence that stands for a plot that cannot be drawn; empty where it can."""
        return self._tried[1]

    @cached_property
    def _tried(self) -> tuple[str, str]:
        try:
            return _svg(self), ""
        except Exception as error:  # the edge: whatever stops matplotlib stops this plot alone
            reason = clipped(f"{type(error).__name__}: {error}", 120)
            return "", f"This figure could not be drawn ({reason}). Its values are in the tables and in trials.csv."


def undrawable(name: str, title: str, error: Exception) -> Plot:
    """Returns the plot whose making has failed: it stands in its place as a sentence."""

    def draw(_figure: Figure) -> None:
        raise error

    return Plot(name, title, title, "", draw)


def inline(plot: Plot) -> str:
    """Returns a plot as an ``<svg>`` element for the page, named and described for screen readers."""
    svg = plot.svg
    for colour, name in _PAGE.items():
        svg = svg.replace(colour, name)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    return svg[svg.index("<svg") :]


def save(plot: Plot, folder: Path) -> list[Path]:
    """Writes a plot as SVG and PDF into a folder, and returns the files: none of a plot that cannot be drawn."""
    if plot.missing:
        return []
    files = {folder / f"{plot.name}.svg": _on_paper(plot.svg).encode()}
    with suppress(Exception):  # the edge: what SVG leaves to the reader's fonts may not go into a PDF
        files[folder / f"{plot.name}.pdf"] = _pdf(plot)
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def dots(axes: Axes, x: object, y: object, colour: str, size: float = 4.0) -> None:
    """Draws points as one path: a thousand of them weigh little, and so does their drawing."""
    import numpy as np

    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    gap = np.full_like(xs, np.nan)
    axes.plot(np.stack([xs, xs, gap], 1).ravel(), np.stack([ys, ys, gap], 1).ravel(), color=colour, linewidth=size, solid_capstyle="round")


def plain_numbers(axes: Axes, which: str) -> None:
    """Labels a logarithmic axis with plain numbers."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = sorted(axis.get_view_interval())
    axis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter() if high / low >= 10 else FuncFormatter(lambda value, _position: f"{value:g}"))


def clipped(text: str, longest: int = 34) -> str:
    """Returns a label that does not push its plot away."""
    text = " ".join(for_line(text).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


@contextmanager
def _figure(plot: Plot) -> Iterator[Figure]:
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {**_SETTINGS, "svg.hashsalt": plot.name}
    with warnings.catch_warnings(), matplotlib.rc_context(settings):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the reader's own fonts show the name
        warnings.simplefilter("ignore", RuntimeWarning)  # what overflows leaves a gap, or the plot becomes a sentence
        figure = Figure(figsize=(WIDTH_IN, plot.height))
        figure.set_layout_engine("tight", pad=0.3)
        plot.draw(figure)
        for axes in figure.axes:
            _few_ticks(axes)
        yield figure


def _few_ticks(axes: Axes) -> None:
    """Leaves an axis few ticks, and a logarithmic one no minor ticks if it spans more than a decade: each takes its time to draw."""
    from matplotlib.ticker import AutoLocator, LogLocator, MaxNLocator, NullLocator

    for axis in (axes.xaxis, axes.yaxis):
        located = axis.get_major_locator()
        low, high = sorted(axis.get_view_interval())
        if type(located) is AutoLocator:
            axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        elif isinstance(located, LogLocator) and low > 0 and high / low >= 10:
            axis.set_major_locator(LogLocator(subs=(1.0,) if high / low >= 100 else (1.0, 2.0, 5.0), numticks=8))
            axis.set_minor_locator(NullLocator())


def _svg(plot: Plot) -> str:
    buffer = io.StringIO()
    with _figure(plot) as figure:
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", for_terminal(buffer.getvalue()), flags=re.DOTALL)
    svg = _COORDINATES.sub(lambda match: _DIGITS.sub(r"\1", match[0]), svg)
    svg = re.sub(r'\bid="', f'id="{plot.name}-', svg).replace("url(#", f"url(#{plot.name}-").replace('href="#', f'href="#{plot.name}-')
    title, alt = escape(for_line(plot.title)), escape(for_line(plot.alt))
    named = f'<title id="{plot.name}-title">{title}</title><desc id="{plot.name}-desc">{alt}</desc>'
    return re.sub(
        r'<svg ([^>]*?)width="[^"]*" height="[^"]*" ([^>]*)>',
        lambda match: f'<svg {match[1]}{match[2]} role="img" aria-labelledby="{plot.name}-title {plot.name}-desc">{named}',
        svg,
        count=1,
    )


def _pdf(plot: Plot) -> bytes:
    buffer = io.BytesIO()
    with _figure(plot) as figure:
        for artist in figure.findobj(lambda artist: hasattr(artist, "get_color") or hasattr(artist, "get_edgecolor")):
            _repaint(artist)
        figure.savefig(buffer, format="pdf", transparent=True, metadata={"CreationDate": None, "Title": plot.title})
    return buffer.getvalue()


def _on_paper(svg: str) -> str:
    for colour, on_paper in _PAPER.items():
        svg = svg.replace(colour, on_paper)
    return svg


def _repaint(artist: object) -> None:
    from matplotlib.colors import to_hex

    for get, put in (("get_color", "set_color"), ("get_edgecolor", "set_edgecolor")):
        if hasattr(artist, get) and hasattr(artist, put):
            colour = getattr(artist, get)()
            if isinstance(colour, str) and to_hex(colour) in _PAPER:
                getattr(artist, put)(_PAPER[to_hex(colour)])
