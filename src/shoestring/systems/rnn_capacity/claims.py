"""What the paper claims of capacity and trainability, each with the question that decides it and a control.

Nothing is decided here by a single run: all rules rest on tests over seeds. Budgets are for two quiet cores.
Source: Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913.
"""

from __future__ import annotations

from functools import partial

import shoestring as ss
from shoestring.verdicts.rules import better, equivalent, ordered

TRAIN = "shoestring.systems.rnn_capacity.training:train"
PAPER = "Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913"
PAID = "a tuner's hundreds to thousands of trainings for each task, cell, depth and size: CPU-millennia"

compare = partial(ss.compare, train=TRAIN, horizon=2, unit="step", seeds=8, workers=2)
least = partial(compare, goal="min")


def linear(cell: str, budget: str) -> ss.Claim:
    """Returns the claim that a cell's capacity is linear in its parameters."""
    config = {"task": "capacity", "cells": cell, "sizes": "160,320,640", "inits": 2, "n_steps": 400}
    slope = partial(least, metric="slope", difference=0.15)
    return ss.Claim(
        name=f"linear-{cell}",
        statement=f"The bits that the {cell.upper()} stores grow in proportion to its parameters: the slope of log bits on log parameters"
        " is within 0.15 of 1.",
        source=f"{PAPER}, section 2.1, figure 1",
        question=partial(slope, {"cell": config, "proportional": 1.0}),
        budget=budget,
        rule=equivalent(),
        # Read out against targets in a random order, which cannot be stored, however long one trains: fewer steps will do.
        control=partial(slope, {"cell": {**config, "shuffled": True, "n_steps": 40}, "proportional": 1.0}),
        paper_cost=PAID,
    )


EQUAL = {"task": "capacity", "cells": "rnn,ugrnn,gru,lstm", "sizes": "320", "inits": 2, "n_steps": 600}
ONE = {"task": "capacity", "cells": "rnn", "sizes": "320", "inits": 2, "n_steps": 600}
MEMORY = {"task": "memory", "widths": "8,12,16", "n_steps": 500}
COUNT = {"task": "parentheses", "n_steps": 150}
DEEP = {"task": "parentheses", "n_steps": 150, "depth": 8, "n_params": 2000, "time": 12}

CLAIMS = [
    linear("rnn", "50s"),
    linear("gru", "45s"),
    linear("lstm", "60s"),
    ss.Claim(
        name="equal-across-cells",
        statement="At equal parameters the best of RNN, UGRNN, GRU and LSTM stores at most 1.5 times the bits a parameter of the worst.",
        source=f"{PAPER}, section 2.1, figure 1",
        question=partial(least, {"cells": EQUAL, "bound": 1.5}, metric="ratio"),
        budget="60s",
        rule=better("cells"),
        control=partial(least, {"cells": {**EQUAL, "shuffled": True, "n_steps": 60}, "bound": 1.5}, metric="ratio"),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="relu-below-tanh",
        statement="An RNN with tanh stores more bits than the same RNN with ReLU.",
        source=f"{PAPER}, section 2.1: about 3.5 bits a parameter with ReLU, about 5 with tanh",
        question=partial(compare, {"tanh": ONE, "relu": {**ONE, "nonlinearity": "relu"}}, metric="bits_per_param", goal="max"),
        budget="20s",
        rule=better("tanh"),
        control=partial(
            compare,
            {"tanh": {**ONE, "shuffled": True, "n_steps": 60}, "relu": {**ONE, "nonlinearity": "relu", "shuffled": True, "n_steps": 60}},
            metric="bits_per_param",
            goal="max",
        ),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="input-memory",
        statement="Every cell remembers a vector of 16 numbers once it has 16 units (error below 5% of that with 8), and cells of one width"
        " differ in error by at most a tenth of the vector's variance.",
        source=f"{PAPER}, section 2.3",
        question=partial(least, {"cells": MEMORY, "bound": 1.0}, metric="violation"),
        budget="50s",
        rule=better("cells"),
        control=partial(least, {"cells": {**MEMORY, "shuffled": True, "n_steps": 60}, "bound": 1.0}, metric="violation"),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="gated-trains-easier",
        statement="At depth 1, counting parentheses, a smaller share of random hyperparameters is infeasible for the GRU than for the RNN,"
        " and a larger share for the IRNN.",
        source=f"{PAPER}, section 3, table 1: GRU 15.5%, RNN 21.5%, IRNN 56.7%",
        question=partial(
            least,
            {"rnn": COUNT, "gru": {**COUNT, "cell": "gru"}, "irnn": {**COUNT, "cell": "irnn"}},
            metric="infeasible",
            mode="ablation",
            full="rnn",
            resolution=1 / 16,
        ),
        budget="40s",
        rule=ordered(("gru", "rnn"), ("rnn", "irnn")),
        # Three draws of hyperparameters for one cell, under the names of three.
        control=partial(
            least,
            {"rnn": COUNT, "gru": {**COUNT, "draw": 1}, "irnn": {**COUNT, "draw": 2}},
            metric="infeasible",
            mode="ablation",
            full="rnn",
            resolution=1 / 16,
        ),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="plus-rnn-best-deep",
        statement="At depth 8, counting parentheses, the +RNN reaches a lower loss over random hyperparameters than RNN and LSTM do.",
        source=f"{PAPER}, section 3, figure 5",
        question=partial(
            least,
            {"+rnn": {**DEEP, "cell": "+rnn"}, "rnn": DEEP, "lstm": {**DEEP, "cell": "lstm"}},
            metric="loss",
            mode="ablation",
            full="+rnn",
        ),
        budget="60s",
        rule=ordered(("+rnn", "rnn"), ("+rnn", "lstm")),
        control=partial(
            least,
            {"+rnn": DEEP, "rnn": {**DEEP, "draw": 1}, "lstm": {**DEEP, "draw": 2}},
            metric="loss",
            mode="ablation",
            full="+rnn",
        ),
        paper_cost=PAID,
    ),
]
