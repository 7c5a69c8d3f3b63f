"""Graphical state transitions: layers that read text and build, change and query a graph, and the network made of them.

The paper's gated graph transformer network keeps a graph and changes it at each sentence: it adds nodes, moves their states,
exchanges messages along edges, and sets and resets edges. Trained with the true graph after every sentence it solves most bAbI
tasks from at most 1,000 questions, and simulates automata and Turing machines beyond the lengths that it was trained on.

Claimed here, at a laptop's scale: all of these, that direct reference helps at every size, and that supervision by graphs does.
Not claimed: that any of it is learnt without graphs, or is comparable with results from 10,000 questions and no graph.
Source: Johnson 2017, *Learning graphical state transitions*, ICLR.
"""

from __future__ import annotations

from shoestring.systems.graph_transition.affine import Affine, stack, unstack
from shoestring.systems.graph_transition.babi import annotate, babi, generated
from shoestring.systems.graph_transition.interchange import from_pyg, to_pyg
from shoestring.systems.graph_transition.layers import Aggregate, DirectReference, EdgeUpdate, NodeAdd, NodeUpdate, Propagate
from shoestring.systems.graph_transition.links import Links
from shoestring.systems.graph_transition.loss import graph_loss
from shoestring.systems.graph_transition.model import GGTNN, Losses, Run, Sizes, exact
from shoestring.systems.graph_transition.picture import page
from shoestring.systems.graph_transition.reading import Graph, Reading, fit, read, true_graphs
from shoestring.systems.graph_transition.rules import Machine, automaton, turing
from shoestring.systems.graph_transition.state import GraphState
from shoestring.systems.graph_transition.stories import Batch, Question, Sentence, Story, Vocabulary, encode

__all__ = [
    "GGTNN",
    "Affine",
    "Aggregate",
    "Batch",
    "DirectReference",
    "EdgeUpdate",
    "Graph",
    "GraphState",
    "Links",
    "Losses",
    "Machine",
    "NodeAdd",
    "NodeUpdate",
    "Propagate",
    "Question",
    "Reading",
    "Run",
    "Sentence",
    "Sizes",
    "Story",
    "Vocabulary",
    "annotate",
    "automaton",
    "babi",
    "encode",
    "exact",
    "fit",
    "from_pyg",
    "generated",
    "graph_loss",
    "page",
    "read",
    "stack",
    "to_pyg",
    "true_graphs",
    "turing",
    "unstack",
]
