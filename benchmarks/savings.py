"""What pausing saves: one full Hyperband with trials that go on, and with trials that begin again from zero; units from the ledger.

python benchmarks/savings.py [--horizon 81] [--eta 3]
"""

import argparse

import numpy as np

from shoestring.budget import Budget
from shoestring.engine.ledger import Ledger
from shoestring.engine.study import Study
from shoestring.questions.search.question import Search
from shoestring.questions.search.strategy import Searching
from shoestring.runners.replay import ReplayRunner
from shoestring.samplers import make_sampler
from shoestring.schedulers import Hyperband
from shoestring.space import Float, Space
from shoestring.store.store import Store


def units(horizon: int, eta: int, *, pausable: bool) -> int:
    """Returns the units in the ledger after one full Hyperband on noise."""
    rng = np.random.default_rng(0)
    space = Space({"x": Float(0, 1)})
    runner = ReplayRunner(lambda _config, _seed: [{"loss": loss} for loss in rng.random(horizon)], pausable=pausable)
    store = Store.in_memory()
    ledger = Ledger(store, Budget("1000000 epochs"), clock=runner.now)
    question = Search("noise", space, "loss", "min", horizon, confirm=False)
    strategy = Searching(question, Hyperband(make_sampler("random", space, 0), horizon, eta, rounds=1))
    answer = Study(question, strategy, runner, store, ledger).run()
    store.close()
    return answer.spent.units


def main() -> None:
    """Prints both and the share saved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--horizon", type=int, default=81)
    parser.add_argument("--eta", type=int, default=3)
    options = parser.parse_args()
    paused, restarted = (units(options.horizon, options.eta, pausable=pausable) for pausable in (True, False))
    print(
        f"R={options.horizon} eta={options.eta}: {paused} units with pauses, {restarted} with restarts: {1 - paused / restarted:.1%} saved"
    )


if __name__ == "__main__":
    main()
