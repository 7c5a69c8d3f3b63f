"""``shoestring run randomization_test``: the test of one's own model and data from the command line."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.kit.options import describe_options, read_options
from shoestring.systems.randomization_test.model import ModelFn
from shoestring.systems.randomization_test.randomization import DEFAULT_VARIANTS, Optimizer, randomization_test
from shoestring.systems.randomization_test.task import DATA, Data, load
from shoestring.systems.randomization_test.training import MODELS, Config

OPTIONS: dict[str, tuple[Callable[[str], Any], Any, str]] = {
    "model": (str, "mlp", f"{', '.join(MODELS)}; or package.module:function or file.py:function, which makes an nn.Module"),
    "data": (str, "digits", f"{', '.join(DATA)}; or such a function, which returns Data, four arrays, or two loaders"),
    "variants": (lambda text: tuple(text.split(",")), DEFAULT_VARIANTS, "names with commas between"),
    "n-train": (int, 1000, "rows of a named data set"),
    "n-test": (int, 500, "rows of a named data set"),
    "width": (int, 512, "hidden units of the mlp"),
    "depth": (int, 1, "hidden layers of the mlp"),
    "scale": (float, 1.0, "of the channels of alexnet and inception"),
    "seeds": (int, 3, "networks of each variant"),
    "epochs": (int, 200, "the most epochs"),
    "optimizer": (str, "sgd", "sgd or adam"),
    "lr": (float, 0.01, "learning rate, never changed"),
    "momentum": (float, 0.9, "of sgd"),
    "batch-size": (int, 32, "examples of a batch"),
    "fitted": (float, 1.0, "training accuracy that counts as fitted"),
    "pairs": (int, 3, "pairs of training sets that differ in one example; 0 for none"),
    "budget": (str, None, "a time such as 5m; None for no limit"),
    "device": (str, "cpu", "cpu or cuda"),
    "json": (str, None, "file for the report as JSON; - prints it instead of the table"),
}


def main(arguments: Sequence[str]) -> int:
    """Runs the test as options ``--name value`` ask, prints the report, and returns the exit code: 0, or 3 if the budget was too small.

    Raises:
        UsageError: an option, a model or data that cannot be used.
    """
    if "--help" in arguments:
        print(describe_options("randomization_test", OPTIONS))
        return 0
    given = read_options(arguments, OPTIONS)
    data = _data(given)
    report = randomization_test(
        _model(given, data),
        data,
        variants=given["variants"],
        seeds=given["seeds"],
        epochs=given["epochs"],
        optimizer=_optimizer(given),
        batch_size=given["batch-size"],
        fitted=given["fitted"],
        pairs=given["pairs"],
        budget=given["budget"],
        device=given["device"],
        say=lambda line: print(line, file=sys.stderr),
    )
    text = json.dumps(report.to_json(), indent=2)
    if given["json"] not in (None, "-"):
        Path(given["json"]).write_text(text + "\n", encoding="utf-8")
    print(text if given["json"] == "-" else report)
    return 3 if report.skipped else 0


def as_data(given: object) -> Data:
    """Returns ``Data`` of what a function of one's own gave.

    Args:
        given: ``Data``; or ``(x_train, y_train, x_test, y_test)`` as arrays or tensors; or two data loaders or data sets of pairs
            ``(input, label)``, training and test. A loader's augmentation should be off: each input is read once.
    Raises:
        UsageError: something else.
    """
    if isinstance(given, Data):
        return given
    parts = list(given) if isinstance(given, tuple | list) else []
    if len(parts) == 2:
        parts = [column for part in parts for column in _columns(part)]
    if len(parts) != 4:
        raise UsageError(
            f"the data function gave a {type(given).__name__}; return Data, (x_train, y_train, x_test, y_test), or two loaders."
        )
    x, y, x_test, y_test = (np.asarray(part) for part in parts)
    return Data(x.astype(np.float32), _integers(y), x_test.astype(np.float32), _integers(y_test))


def _columns(pairs: Any) -> tuple[Any, Any]:
    """Returns the inputs and labels of a loader (batches) or data set (single pairs)."""
    if isinstance(pairs, np.ndarray | torch.Tensor):
        raise UsageError("the data function gave two arrays; return four, (x_train, y_train, x_test, y_test), or two loaders of pairs.")
    try:
        if isinstance(pairs, torch.utils.data.DataLoader):
            batches = [(np.asarray(x), np.asarray(y)) for x, y in pairs]
            return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])
        found = [(np.asarray(x), int(y)) for x, y in (pairs[i] for i in range(len(pairs)))]
        return np.stack([x for x, _ in found]), np.array([y for _, y in found])
    except (TypeError, ValueError) as error:
        raise UsageError(f"a {type(pairs).__name__} gives no pairs (input, label) that fit together ({error}).") from error


def _integers(labels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return labels.astype(np.int64) if np.issubdtype(labels.dtype, np.integer) else labels  # Data refuses what is left


def _data(given: Mapping[str, Any]) -> Data:
    name = given["data"]
    if ":" not in name:
        return load(name, given["n-train"], given["n-test"])
    return as_data(target(name)())


def _model(given: Mapping[str, Any], data: Data) -> ModelFn:
    name = given["model"]
    if ":" in name:
        return target(name)
    sizes = {"width": given["width"], "depth": given["depth"], "scale": given["scale"]}
    return Config.of({"model": name, **sizes}).model_fn(data)


def _optimizer(given: Mapping[str, Any]) -> Optimizer:
    if given["optimizer"] not in ("sgd", "adam"):
        raise UnknownName("optimizer", given["optimizer"], ("sgd", "adam"))
    if given["optimizer"] == "adam":
        return lambda parameters: torch.optim.Adam(parameters, lr=given["lr"])
    return lambda parameters: torch.optim.SGD(parameters, lr=given["lr"], momentum=given["momentum"])


def target(name: str) -> Callable[[], Any]:
    """Returns the function that ``package.module:function`` or ``file.py:function`` names.

    Raises:
        UsageError: there is none.
    """
    where, _, function = name.rpartition(":")
    try:
        found = getattr(_module(where), function)
    except (ImportError, OSError, AttributeError) as error:
        raise UsageError(f"{name} cannot be loaded ({error}); write package.module:function or file.py:function.") from error
    if not callable(found):
        raise UsageError(f"{name} is a {type(found).__name__}; name a function without arguments.")
    return found  # type: ignore[no-any-return]  # what it gives is found out when it is called


def _module(where: str) -> ModuleType:
    path = Path(where)
    sys.path.insert(0, str(path.resolve().parent) if where.endswith(".py") else "")
    if not where.endswith(".py"):
        return importlib.import_module(where)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
