"""How a study runs, whatever it asks: what every verb takes besides its question, written once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Required, TypeAlias, TypedDict

from shoestring.arguments import LATER
from shoestring.budget import Budget
from shoestring.engine.spending import Spending
from shoestring.engine.study import Study
from shoestring.runners.protocol import Post, Runner

Limits: TypeAlias = Annotated[str | Sequence[str] | Budget, LATER]
Prices: TypeAlias = Annotated[str | Sequence[str], LATER]


def quietly(_study: Study) -> None:
    """Shows no progress."""


class Options(TypedDict, total=False):
    """How a study runs: keyword arguments of ``search``, ``compare``, ``scale``, ``largest`` and ``plan``. Only ``budget`` is required.

    The same call on the same ``store`` resumes where an earlier one stopped, however it was stopped.

    Attributes:
        budget: such as ``"10m"`` or ``["1h", "100 epochs"]``; see ``Budget``.
        unit: what a unit of training is called; by default the budget's word, or ``"epoch"``.
        runner: ``"process"`` (the default), ``"inline"``, or ``"replay"``, for which ``train(config, seed)`` gives a learning curve: the
            metrics after each unit, one second of a virtual clock apart. A runner of your own: as it is, or, so that the run can be resumed
            by its folder, what makes it of a ``Post``: a class or function, or its name, ``mine.py:Runner``.
        workers: how many trials run at once; by default one per GPU, or half the cores.
        price: such as ``"2.5/gpu-hour"``; needed for a budget in usd.
        watts: declared power of a busy core, where the processor's energy cannot be read.
        grace: seconds in which a trial may save itself before it is killed; 2 by default.
        store: the run's folder; ``":memory:"`` stores nothing; by default ``runs/<file>-<function>-<question>``.
        database: the URL of a database on a server that keeps a new run's rows, such as ``"postgresql://me@db.lab/studies"``; the folder
            then holds the rest, and where the rows are. A password in it is written nowhere: resuming by the folder takes it from
            ``PGPASSWORD`` or ``~/.pgpass``.
        accept_changes: continue although the code has changed since the run began; the answer and the report say so.
        on_progress: called now and then with the study.
        began: when the study began, on ``time.monotonic``; by default now. Start-up from then on is charged.
    """

    budget: Required[Limits]
    unit: str | None
    runner: str | Runner | Callable[[Post], Runner]
    workers: int | None
    price: Prices
    watts: float | None
    grace: float
    store: str | Path | None
    database: str | None
    accept_changes: bool
    on_progress: Callable[[Study], None]
    began: float | None


DEFAULTS = Options(
    budget=(),
    unit=None,
    runner="process",
    workers=None,
    price=(),
    watts=None,
    grace=2.0,
    store=None,
    database=None,
    accept_changes=False,
    on_progress=quietly,
    began=None,
)


def spending_of(options: Options) -> Spending:
    """Returns how a study with these options may spend.

    Raises:
        InvalidBudget, UsageError: they are not allowed.
    """
    given = DEFAULTS | options
    return Spending.of(given["budget"], given["price"], given["grace"], given["watts"], given["workers"], given["unit"])
