"""The state of a trial as plain data: it comes back as it was, in place, and nothing is ever unpickled."""

from __future__ import annotations

import dataclasses
import datetime
import io
import math
import pickle
import random
import time
import types
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shoestring.errors import InvalidState
from shoestring.state.capture import capture, check_restorable, from_bytes, restore, to_bytes

keys = st.one_of(st.integers(), st.text(max_size=6), st.booleans(), st.just("$tuple"), st.tuples(st.integers(), st.text(max_size=3)))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.builds(np.float32, st.floats(width=32, allow_nan=False)),
    st.builds(np.int64, st.integers(-(2**63), 2**63 - 1)),
)
trees = st.recursive(
    leaves,
    lambda children: st.one_of(
        st.lists(children, max_size=4),
        st.lists(children, max_size=4).map(tuple),
        st.dictionaries(keys, children, max_size=4),
        st.dictionaries(keys, children, max_size=4).map(OrderedDict),
        st.dictionaries(keys, st.integers(), max_size=4).map(Counter),
    ),
    max_leaves=12,
)


def kinds(tree):
    """Returns the shape of a tree: the type at every place."""
    if isinstance(tree, dict):
        return type(tree), [(kinds(key), kinds(item)) for key, item in tree.items()]
    return (type(tree), [kinds(item) for item in tree]) if isinstance(tree, list | tuple) else type(tree)


def through_bytes(value):
    return from_bytes(to_bytes(capture(value)))


@given(trees)
def test_a_tree_comes_back_equal_and_of_the_same_types(tree):
    found = through_bytes(tree)

    assert found == tree
    assert kinds(found) == kinds(tree)


@given(hnp.arrays(st.sampled_from(["f4", "f8", "i2", "u8", "?", "c16", "U3", "M8[s]"]), hnp.array_shapes(min_dims=0, min_side=0)))
def test_an_array_comes_back_bit_for_bit(array):
    found = through_bytes({"array": array})["array"]

    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_numbers_that_are_not_finite_come_back():
    found = through_bytes([math.nan, math.inf, -math.inf])

    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int64", "bool", "complex64"])
def test_a_tensor_comes_back_bit_for_bit(torch, dtype):
    tensor = torch.randn(3, 2).to(getattr(torch, dtype))

    found = through_bytes({"tensor": tensor, "dtype": tensor.dtype})

    assert found["tensor"].dtype == found["dtype"] == tensor.dtype
    assert torch.equal(found["tensor"], tensor)


def optimizers(torch):
    return {
        "sgd": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
        "adamw": lambda params: torch.optim.AdamW(params, amsgrad=True),
        "lbfgs": lambda params: torch.optim.LBFGS(params, max_iter=3),
    }


def schedules(torch):
    lrs = torch.optim.lr_scheduler
    return {
        "multi-step": lambda opt: lrs.MultiStepLR(opt, [2, 4]),
        "one-cycle": lambda opt: lrs.OneCycleLR(opt, 0.1, total_steps=20),
        "plateau": lambda opt: lrs.ReduceLROnPlateau(opt, patience=1),
        "sequential": lambda opt: lrs.SequentialLR(opt, [lrs.LinearLR(opt), lrs.CosineAnnealingLR(opt, 9)], [2]),
    }


def trained(torch, optimizer, schedule, n, seed=0):
    """Returns a small net with its optimizer and schedule after n steps."""
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    opt = optimizers(torch)[optimizer](net.parameters())
    plan = schedules(torch)[schedule](opt)
    train_on(torch, (net, opt, plan), n)
    return net, opt, plan


def train_on(torch, parts, n):
    net, opt, plan = parts
    x = torch.linspace(-1, 1, 15).reshape(5, 3)

    def closure():
        opt.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        return loss

    for _ in range(n):
        loss = opt.step(closure)
        plan.step(*([loss.item()] if "Plateau" in type(plan).__name__ else []))


@pytest.mark.filterwarnings("ignore:The epoch parameter")  # torch's own, from SequentialLR
@pytest.mark.parametrize(
    ("optimizer", "schedule"), [("sgd", "multi-step"), ("adamw", "one-cycle"), ("lbfgs", "plateau"), ("adamw", "sequential")]
)
def test_training_goes_on_from_a_restored_state_bit_for_bit(torch, optimizer, schedule):
    straight = trained(torch, optimizer, schedule, 6)
    saved = through_bytes(dict(enumerate(trained(torch, optimizer, schedule, 3))))
    resumed = trained(torch, optimizer, schedule, 1, seed=9)

    for i, part in enumerate(resumed):
        assert restore(part, saved[i], "part") is part
    train_on(torch, resumed, 3)

    assert all(torch.equal(a, b) for a, b in zip(straight[0].state_dict().values(), resumed[0].state_dict().values(), strict=True))
    assert [group["lr"] for group in straight[1].param_groups] == [group["lr"] for group in resumed[1].param_groups]


def generators(torch):
    return {
        "python": (random.Random(1), random.Random(2), lambda rng: rng.random()),
        "numpy": (np.random.default_rng(1), np.random.default_rng(2), lambda rng: rng.random()),
        "numpy, mt19937": (np.random.Generator(np.random.MT19937(1)), np.random.Generator(np.random.MT19937(2)), lambda rng: rng.normal()),
        "numpy, old": (np.random.RandomState(1), np.random.RandomState(2), lambda rng: rng.randn()),
        "torch": (torch.Generator().manual_seed(1), torch.Generator(), lambda rng: torch.rand(1, generator=rng).item()),
    }


@pytest.mark.parametrize("name", ["python", "numpy", "numpy, mt19937", "numpy, old", "torch"])
def test_a_generator_goes_on_where_it_was(torch, name):
    one, other, draw = generators(torch)[name]
    draw(one)
    saved = through_bytes({"rng": one})
    expected = [draw(one) for _ in range(3)]

    restore({"rng": other}, saved, "state")

    assert [draw(other) for _ in range(3)] == expected


def test_containers_and_arrays_are_restored_in_place_however_deep():
    array, inner = np.zeros(3), {"array": None, "n": 0}
    inner["array"] = array
    value = {"list": [inner, 1]}
    saved = through_bytes({"list": [{"array": np.arange(3.0), "n": 7}, 2, "more"]})

    restore(value, saved, "value")

    assert value["list"][0] is inner
    assert inner["array"] is array
    assert (array.tolist(), inner["n"], value["list"][1:]) == ([0.0, 1.0, 2.0], 7, [2, "more"])


def test_entries_made_while_training_come_back_in_a_fresh_dict():
    fresh: dict[str, object] = {}

    restore(fresh, through_bytes({"seen": Counter(a=2), "best": 0.5}), "state")

    assert fresh == {"seen": Counter(a=2), "best": 0.5}
    assert fresh["seen"]["absent"] == 0


def test_another_shape_is_refused_with_both(torch):
    for zeros in (np.zeros, torch.zeros):
        with pytest.raises(InvalidState, match=r"weights has shape \(2, 3\), but its checkpoint has \(3, 2\)"):
            restore(zeros((2, 3)), through_bytes([zeros((3, 2))])[0], "weights")


def test_another_kind_of_generator_is_refused():
    with pytest.raises(InvalidState, match="rng was a random generator at the checkpoint and is now a 'list'"):
        restore([], through_bytes(random.Random(1)), "rng")


@pytest.mark.parametrize("value", [3, "text", None, (1, 2), {1, 2}, object(), lambda: 0], ids=lambda value: type(value).__name__)
def test_what_cannot_be_restored_in_place_is_refused_in_one_sentence(value):
    with pytest.raises(InvalidState, match=r"steps\(best=...\) was handed .* cannot be restored in place"):
        check_restorable({"best": value})


class OfDict(dict):
    pass


class OfStr(str):
    pass


class OfInt(int):
    pass


class OfArray(np.ndarray):
    pass


@dataclasses.dataclass
class Holder:
    n: int = 0


REFUSED = {
    "object": object(),
    "function": len,
    "class": int,
    "dataclass": Holder(),
    "namespace": types.SimpleNamespace(n=1),
    "str": OfStr("a"),
    "int": OfInt(1),
    "array": np.zeros(2).view(OfArray),
    "masked array": np.ma.array([1.0], mask=True),
    "objects": np.array([object()]),
    "deque of objects": deque([object()]),
    "zone": datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    "factory": defaultdict(lambda: 1),
    "iterator": iter([1]),
    "time": time.gmtime(0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_come_back_is_refused_with_its_place(name):
    value = REFUSED[name]
    with pytest.raises(InvalidState, match=r"state\['a'\]\[1\](\[0\])? is a .* cannot be saved"):
        to_bytes(capture({"a": [0, value]}))


class Bomb:
    """Would be heard if anything were unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def test_nothing_is_unpickled(torch):
    tensors = io.BytesIO()
    torch.save([Bomb()], tensors)

    for data in (
        b'{"tree": {}, "array_bytes": 0}\n' + tensors.getvalue(),
        b'{"tree": {"$array": ["|O", [1], "C"]}, "array_bytes": 8}\n' + bytes(8),
        pickle.dumps(Bomb()),
    ):
        with pytest.raises(ValueError, match="not a checkpoint"):
            from_bytes(data)


@given(st.data())
def test_damaged_bytes_are_refused_or_read_but_never_run(data):
    whole = to_bytes({"n": 1, "array": np.arange(3)})
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(st.sampled_from([whole[:place], whole[:place] + b"\xff" + whole[place + 1 :], whole[place:]]))

    try:
        from_bytes(damaged)
    except ValueError as refusal:
        assert "not a checkpoint" in str(refusal)
