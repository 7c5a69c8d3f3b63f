"""What the paper claims of learning programs from images, each with the question that decides it and a control.

In every control the answers are dealt out anew among the examples, so that there is nothing to learn. Budgets are for two quiet cores.
Source: Gaunt, Brockschmidt, Kushman and Tarlow 2016, arXiv:1611.02109.
"""

from __future__ import annotations

import math
from functools import partial

import shoestring as ss
from shoestring.verdicts.rules import always, better, both, equivalent, ordered

TRAIN = "shoestring.systems.perceptual_pbe.training:train"
PAPER = "Gaunt et al. 2016, arXiv:1611.02109"
PAID = "not stated; 10 restarts of each experiment, 100 of MATH"
ABOVE_0 = math.ulp(0.0)

compare = partial(ss.compare, train=TRAIN, unit="step", workers=2)
code = partial(compare, metric="selected", goal="max", horizon=2, seeds=6)
supervision = partial(compare, metric="accuracy", goal="max", horizon=2, seeds=8, difference=0.03)
gain = partial(compare, metric="gain", goal="max", horizon=4, seeds=6)
lead = partial(compare, metric="lead", goal="max", horizon=4, seeds=6)
reach = partial(compare, metric="shortfall", goal="min", horizon=1, seeds=6, mode="ablation", full="program")
search = partial(compare, metric="found", goal="max", horizon=1, seeds=6)

CODE = {"experiment": "code", "restarts": 16, "selected": 4}
WEAK = {"experiment": "code", "grids": 4000, "n_steps": 600}
STRONG = {**WEAK, "supervision": "strong", "restarts": 1}
LIFELONG = {"experiment": "lifelong"}
RIVAL = {**LIFELONG, "baseline": True}
PROGRAM = {"experiment": "math", "method": "enumerate"}
LSTM = {"experiment": "math", "method": "lstm", "expressions": 4000, "n_steps": 1500}
GRADIENT = {"experiment": "math", "method": "gradient"}
SHUFFLED = {"shuffled": True}

CLAIMS = [
    ss.Claim(
        name="code-is-right",
        statement="Of four restarts on ADD2x2 (top row), learnt from sums alone, the one of lowest training loss discretises to a right"
        " program with a chance above 80%.",
        source=f"{PAPER}, section 4.1: right in all 10 restarts",
        question=partial(code, {"restarts": CODE, "four in five": 0.8}),
        budget="40s",
        rule=better("restarts"),
        control=partial(code, {"restarts": {**CODE, **SHUFFLED, "n_steps": 100}, "four in five": 0.8}),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="weak-reaches-strong",
        statement="With 4,000 grids, sums alone end within 3 points of the accuracy that the labels of the same images give.",
        source=f"{PAPER}, section 4.1, figure 5",
        question=partial(supervision, {"weak": WEAK, "strong": STRONG}),
        budget="80s",
        rule=equivalent(),
        control=partial(supervision, {"weak": {**WEAK, **SHUFFLED, "n_steps": 100}, "strong": STRONG}),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="earlier-tasks-improve",
        statement="While only later tasks are trained, accuracy on the first task rises, on every seed: reverse transfer, no forgetting.",
        source=f"{PAPER}, section 4.2, figure 6",
        question=partial(gain, {"lifelong": LIFELONG, "no change": 0.0}),
        budget="70s",
        rule=both(better("lifelong"), always("lifelong", ABOVE_0)),
        control=partial(gain, {"lifelong": {**LIFELONG, **SHUFFLED, "n_steps": 50}, "no change": 0.0}),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="multitask-stays-behind",
        statement="After four tasks in turn a multitask network is at least 20 points behind, on average over the tasks.",
        source=f"{PAPER}, section 4.2, table 1: 86.5% and 46.8%",
        question=partial(lead, {"lead": RIVAL, "20 points": 0.2}),
        budget="140s",
        rule=better("lead"),
        control=partial(lead, {"lead": {**RIVAL, **SHUFFLED, "n_steps": 50}, "20 points": 0.2}),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="programs-reach-further",
        statement="On expressions longer than those learnt from, the program found is right at least as often, less 5 points, as all images"
        " are read rightly (accuracy to the power of the length); an LSTM over the same networks falls further below.",
        source=f"{PAPER}, section 4.3, figure 8: 0.95 to the power of the length",
        question=partial(reach, {"program": PROGRAM, "lstm": LSTM, "5 points": 0.05}),
        budget="75s",
        rule=ordered(("program", "5 points"), ("program", "lstm")),
        control=partial(reach, {"program": {**PROGRAM, **SHUFFLED}, "lstm": {**LSTM, **SHUFFLED, "n_steps": 50}, "5 points": 0.05}),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="search-finds-the-loop",
        statement="Exact search over the same template and the same examples finds a loop that is right for all lengths more often than a"
        " restart of gradient descent does.",
        source=f"{PAPER}, section 4.3: 2 of 100 restarts; TerpreT, arXiv:1608.04428: solvers dominate gradient descent",
        question=partial(search, {"enumerate": PROGRAM, "gradient": GRADIENT}),
        budget="140s",
        rule=better("enumerate"),
        control=partial(search, {"enumerate": {**PROGRAM, **SHUFFLED}, "gradient": {**GRADIENT, **SHUFFLED, "n_steps": 20}}),
        paper_cost=PAID,
    ),
]
