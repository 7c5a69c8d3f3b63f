"""A page with the graph drawn at each sentence, predicted beside true. Complete in itself: no script, no file but its own.

matplotlib and networkx are imported when something is drawn.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

from shoestring.errors import UsageError
from shoestring.systems.graph_transition.reading import Graph, Reading, true_graphs
from shoestring.systems.graph_transition.stories import Edge, Story, Vocabulary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
RIGHT, MISSING, WRONG = "#333333", "#b0b0b0", "#d62728"
SIZE = (5.0, 3.6)  # inches of a drawing
CHAIN = 3  # nodes in a row that are no tape yet
CROWD = 12  # nodes above which letters are smaller
POINTS = 72  # an inch
FEW = 7  # nodes of one column that are still apart

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; } td, th { border-top: 1px solid #ddd; padding: .4rem; text-align: left; }
td { vertical-align: top; }
img { width: 100%; height: auto; } .n { color: #777; width: 2rem; } .text { width: 11rem; }
.right { color: #1a7f37; } .wrong { color: #c62828; font-weight: 600; } .question td { background: #f6f8fa; }
"""


def places_of(graphs: Sequence[Graph]) -> dict[int, Point]:
    """Returns one place for each node that serves all graphs of a story, by its number.

    Where every edge goes from one kind of node to another, as from people to places, these stand in two columns. A tape lies in a row below
    the rest. Otherwise nodes that are joined in any of the graphs lie near each other (Kamada and Kawai 1989).
    """
    n = max((len(graph.nodes) for graph in graphs), default=0)
    edges = {edge[:2] for graph in graphs for edge in graph.edges}
    sources, sinks = {a for a, _ in edges}, {b for _, b in edges}
    if not sources & sinks:
        columns = [[i for i in range(n) if i not in sinks], [i for i in range(n) if i in sinks]]
        if max(len(column) for column in columns) <= FEW:
            return {node: (float(x), -(k + 0.5) / len(column)) for x, column in enumerate(columns) for k, node in enumerate(column)}
    if row := tape_in(graphs[-1]):
        above = [i for i in range(n) if i not in row]
        low = {node: (k / (len(row) - 1), -1.0 - 0.3 * (k % 2)) for k, node in enumerate(row)}
        return low | {node: ((k + 0.5) / len(above), 0.3 * (k % 2)) for k, node in enumerate(above)}
    networkx = _networkx()
    together = networkx.Graph()
    together.add_nodes_from(range(n))
    together.add_edges_from(edges)
    parts = [sorted(part) for part in networkx.connected_components(together)]
    together.add_edges_from((one[0], other[0]) for one, other in pairwise(parts))  # one drawing, not several
    found = networkx.kamada_kawai_layout(together)
    return {node: (float(point[0]), float(point[1])) for node, point in found.items()}


def tape_in(graph: Graph) -> list[int]:
    """Returns the nodes of the longest chain that edges of one type make, if it has more than a few; else none."""
    chains = [list[int]()]
    for kind in sorted({edge[2] for edge in graph.edges}):
        after = {a: b for a, b, other in graph.edges if other == kind}
        if len(set(after.values())) < sum(edge[2] == kind for edge in graph.edges):
            continue  # two lead to one, or one to two
        for node in set(after) - set(after.values()):
            chain = [node]
            while chain[-1] in after:
                chain.append(after[chain[-1]])
            chains.append(chain[::-1] if kind.endswith("left") else chain)
    longest = max(chains, key=len)
    return longest if len(longest) > CHAIN else []


def aligned(graph: Graph, true: Graph) -> tuple[dict[int, str], frozenset[Edge]]:
    """Returns a graph's nodes by number, and its edges, with nodes numbered like those of the same type in the true graph.

    Nodes of one type keep their order; those that the true graph does not have come after all of its own.
    """
    free: dict[str, list[int]] = {}
    for i, name in enumerate(true.nodes):
        free.setdefault(name, []).append(i)
    more = count(len(true.nodes))
    number = [free[name].pop(0) if free.get(name) else next(more) for name in graph.nodes]
    edges = frozenset((number[one], number[other], kind) for one, other, kind in graph.edges)
    return dict(zip(number, graph.nodes, strict=True)), edges


def same(graph: Graph, true: Graph) -> bool:
    """Returns whether two graphs have the same nodes and edges, whatever the order in which nodes of different types were added."""
    names, edges = aligned(graph, true)
    return names == dict(enumerate(true.nodes)) and edges == true.edges


def drawing(graph: Graph, true: Graph, places: Mapping[int, Point]) -> str:
    """Returns a graph as SVG: what is as in the true one dark, what is wrong red, and what it lacks dotted.

    Args:
        graph: what is drawn.
        true: what it is compared with; itself for no comparison.
        places: of the nodes, see ``places_of``.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    (left, right), (low, high) = ((min(part), max(part)) for part in zip(*places.values(), strict=True))
    wide, tall = right - left or 1.0, high - low or 1.0
    axes.set(xlim=(left - 0.2 * wide, right + 0.2 * wide), ylim=(low - 0.22 * tall, high + 0.12 * tall))
    axes.set_axis_off()
    names, edges = aligned(graph, true)
    extra = sorted(i for i in names if i >= len(true.nodes))
    spots = dict(places) | {i: (left + (k + 0.5) / len(extra) * wide, low - 0.15 * tall) for k, i in enumerate(extra)}
    labels = {i: name.replace("_", " ") for i, name in (dict(enumerate(true.nodes)) | names).items()}
    kinds = ((edges & true.edges, RIGHT, "solid"), (edges - true.edges, WRONG, "solid"), (true.edges - edges, MISSING, "dotted"))
    for found, color, style in kinds:
        for one, other, kind in sorted(found):
            bend = 0.15 if any(edge[:2] == (other, one) for edge in edges | true.edges) else 0.0
            _arrow(axes, (spots[one], spots[other]), (labels[one], labels[other]), kind.replace("_", " "), color, style, bend)
    for i, label in labels.items():
        fill = "white" if i not in names else "#f6c9c9" if i >= len(true.nodes) else "#dbe9f6"
        around = {"boxstyle": "round,pad=0.35", "facecolor": fill, "edgecolor": "#888888", "linestyle": "-" if i in names else ":"}
        size = 10 if len(places) <= CROWD else 7
        axes.text(spots[i][0], spots[i][1], label, fontsize=size, ha="center", va="center", bbox=around)
    stream = io.BytesIO()
    with rc_context({"svg.hashsalt": "graph"}):  # one drawing, one text
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue().decode()


def page(title: str, note: str, story: Story, reading: Reading, vocabulary: Vocabulary) -> str:
    """Returns the page of a story: each sentence with the predicted and the true graph, each question with both answers.

    Args:
        title: a heading.
        note: what the network was trained on, and how well it does, in a sentence or two.
        story: with its graphs and answers.
        reading: what the network made of it.
        vocabulary: the network's.
    """
    true = true_graphs(story, vocabulary)
    places = places_of(true)
    rows = []
    for t, (sentence, graph, wanted) in enumerate(zip(story.sentences, reading.graphs, true, strict=True)):
        word = '<span class="right">right</span>' if same(graph, wanted) else '<span class="wrong">wrong</span>'
        cells = (f'<td class="n">{t + 1}</td>', f'<td class="text">{html.escape(" ".join(sentence.words))}<br>{word}</td>')
        rows.append("<tr>" + "".join(cells) + "".join(f"<td>{_image(one, wanted, places)}</td>" for one in (graph, wanted)) + "</tr>")
        for question, answer in zip(story.questions, reading.answers, strict=True):
            if question.after == t + 1:
                rows.append(_asked(question.words, answer, question.answer, vocabulary.kind == "set"))
    right = sum(same(a, b) for a, b in zip(reading.graphs, true, strict=True))
    key = "Dark: as it should be. Red: wrong. Dotted: missing."
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>\n'
        f"<h1>{html.escape(title)}</h1>\n<p>{html.escape(note)}</p>\n<p>{right} of {len(true)} graphs are exactly right. {key}</p>\n"
        '<table><tr><th></th><th>sentence</th><th style="width:40%">predicted</th><th style="width:40%">true</th></tr>\n'
        + "\n".join(rows)
        + "\n</table></html>\n"
    )


def _arrow(axes: Axes, ends: tuple[Point, Point], labels: tuple[str, str], kind: str, color: str, style: str, bend: float) -> None:
    """Draws an edge between the boxes of two nodes, with its type on it, nearer to the first."""
    reach = [high - low for low, high in (axes.get_xlim(), axes.get_ylim())]
    points = [(q - p) * size * POINTS / far for p, q, size, far in zip(*ends, SIZE, reach, strict=True)]
    from_rim, to_rim = (_rim(label, points[0], points[1]) for label in labels)
    way = {"arrowstyle": "-|>", "color": color, "linestyle": style, "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", ends[1], ends[0], arrowprops={**way, "shrinkA": from_rim, "shrinkB": to_rim})
    x, y = (0.6 * p + 0.4 * q for p, q in zip(*ends, strict=True))
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.text(x, y, kind, fontsize=8, color=color, ha="center", va="center", bbox=paper)


def _rim(label: str, across: float, down: float) -> float:
    """Returns how far a label's box reaches from its middle in a direction, in points."""
    length = math.hypot(across, down) or 1.0
    half_wide, half_tall = 3.2 * len(label) + 5, 10.0
    return min(half_wide * length / max(abs(across), 1e-9), half_tall * length / max(abs(down), 1e-9))


def _networkx() -> Any:
    """Returns networkx, which has no types; imported when something is drawn.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return import_module("networkx")
    except ImportError as error:
        raise UsageError("networkx is not installed, and graphs are drawn with it; install it with: pip install networkx.") from error


def _image(graph: Graph, true: Graph, places: Mapping[int, Point]) -> str:
    text = ", ".join(" ".join(edge) for edge in sorted(graph.triples)) or "no edge"
    data = base64.b64encode(drawing(graph, true, places).encode()).decode()
    return f'<img alt="{html.escape(text)}" src="data:image/svg+xml;base64,{data}">'


def _asked(words: Sequence[str], given: Sequence[str], true: Sequence[str], unordered: bool) -> str:
    is_right = set(given) == set(true) if unordered else tuple(given) == tuple(true)
    said, wanted = (html.escape(", ".join(answer) or "nothing") for answer in (given, true))
    mark = f'<span class="right">{said}</span>' if is_right else f'<span class="wrong">{said}</span>, not {wanted}'
    return f'<tr class="question"><td></td><td colspan="3">{html.escape(" ".join(words))}? {mark}</td></tr>'
