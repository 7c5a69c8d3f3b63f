"""What the paper claims of symbols under reinforcement learning, and what qualifies it, each with a control that must not hold.

Nothing is decided here by a single run: all rules rest on tests over seeds, each of which trains its own autoencoder. Budgets are for two
cores. Source: Garnelo, Arulkumaran and Shanahan 2016, arXiv:1609.05518.
"""

from __future__ import annotations

from functools import partial

import shoestring as ss
from shoestring.verdicts.rules import better

HOME = "shoestring.systems.symbolic_rl.training"
PAPER = "Garnelo, Arulkumaran and Shanahan 2016, arXiv:1609.05518"
PAID = "not stated; 1,000 epochs of 100 steps for a deep Q-network"

compare = partial(ss.compare, train=f"{HOME}:train", unit="unit", seeds=8, workers=2)
share = partial(compare, metric="positive", goal="max")
surplus = partial(ss.compare, train=f"{HOME}:train_transfer", unit="unit", seeds=8, workers=2, metric="surplus", goal="max")
RUN = {"epochs": 80, "test_games": 20}
SHORT = {"epochs": 40, "test_games": 20}  # of the controls: less training makes no wrong look right
SIGHT = {"arm": "dsrl", "epochs": 1, "test_games": 10}
TABLES = {"epochs": 80, "agents": 4}

CLAIMS = [
    ss.Claim(
        name="beats-whole-field-dqn",
        statement="After 80 mixed random games, a larger share of what DSRL touches is positive than for a DQN on the whole field.",
        source=f"{PAPER}, section 4 and figure: about 70% after 200 epochs, a DQN at chance after 1,000",
        question=partial(share, {"dsrl": {**RUN, "arm": "dsrl"}, "dqn": {**RUN, "arm": "dqn"}}),
        budget="210s",
        rule=better("dsrl"),
        # The types of objects permuted between training and test: what was learnt of each is of the other.
        control=partial(share, {"dsrl": {**SHORT, "arm": "dsrl", "swapped": True}, "dqn": {**SHORT, "arm": "dqn"}}),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="egocentric-dqn-beats-dsrl",
        statement="The same DQN on a crop around the agent, which the paper did not try, touches a larger share of positives than DSRL.",
        source="not of the paper: a check of what explains its gap",
        question=partial(share, {"egocentric": {**RUN, "arm": "egocentric"}, "dsrl": {**RUN, "arm": "dsrl"}}),
        budget="210s",
        rule=better("egocentric"),
        control=partial(share, {"egocentric": {**SHORT, "arm": "egocentric", "swapped": True}, "dsrl": {**SHORT, "arm": "dsrl"}}),
        paper_cost="not in the paper",
    ),
    ss.Claim(
        name="grid-transfers-to-random",
        statement="DSRL trained for 50 games on the grid scores on random places at least 80% of what DSRL trained there scores.",
        source=f"{PAPER}, section 4: trained on the grid, tested on random places",
        question=partial(surplus, {"grid": {"arm": "dsrl", "variant": "mixed-grid", "epochs": 50, "test_games": 20}, "80%": 0.0}),
        budget="150s",
        rule=better("grid"),
        control=partial(
            surplus, {"grid": {"arm": "dsrl", "variant": "mixed-grid", "epochs": 20, "test_games": 20, "swapped": True}, "80%": 0.0}
        ),
        paper_cost=PAID,
    ),
    ss.Claim(
        name="objects-are-found",
        statement="Objects learnt without labels from 640 frames are found with an F1 above 0.95.",
        source=f"{PAPER}, section 3.1, which gives no number; the threshold is ours",
        question=partial(compare, {"learnt": SIGHT, "0.95": 0.95}, metric="f1", goal="max"),
        budget="40s",
        rule=better("learnt"),
        control=partial(compare, {"learnt": {**SIGHT, "shuffled": True}, "0.95": 0.95}, metric="f1", goal="max"),
        paper_cost="5,000 frames",
    ),
    ss.Claim(
        name="objects-keep-their-number",
        statement="Fewer than 1% of the objects that are followed change their number in a step.",
        source=f"{PAPER}, section 3.2, which gives no number; the threshold is ours",
        question=partial(compare, {"tracked": SIGHT, "1%": 0.01}, metric="switches", goal="min"),
        budget="40s",
        rule=better("tracked"),
        control=partial(compare, {"tracked": {**SIGHT, "shuffled": True}, "1%": 0.01}, metric="switches", goal="min"),
        paper_cost="not stated",
    ),
    ss.Claim(
        name="interaction-credit-helps",
        statement="Crediting only the object that was touched gives a higher score a game than crediting all, with true objects.",
        source="d'Avila Garcez, Dutra and Alonso 2018, arXiv:1804.08597: close to 100% without training anew, against 70% and a DQN's 50%",
        question=partial(
            compare, {"credit": {**TABLES, "arm": "credit"}, "shared": {**TABLES, "arm": "oracle"}}, metric="score", goal="max"
        ),
        budget="60s",
        rule=better("credit"),
        control=partial(
            compare,
            {"credit": {**TABLES, "arm": "credit", "swapped": True}, "shared": {**TABLES, "arm": "oracle"}},
            metric="score",
            goal="max",
        ),
        paper_cost="not stated",
    ),
]
