"""Lifted functions and switches against the paper's sums, written out in NumPy, on both back ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.errors import BudgetTooSmall, UnknownName, UsageError
from shoestring.systems.perceptual_pbe.enumerate import Exact, World, run_all
from shoestring.systems.perceptual_pbe.gradient import Soft, execute, run
from shoestring.systems.perceptual_pbe.template import Template
from shoestring.systems.perceptual_pbe.variables import Param, constant, lift, pick, switch

EXAMPLES = 3


def marginals(n, seed, examples=EXAMPLES):
    p = np.random.default_rng(seed).random((examples, n))
    return p / p.sum(axis=1, keepdims=True)


def on_soft(p):
    return Soft(dtype=torch.float64).given(torch.from_numpy(p)[None])


def read(var):
    if isinstance(var.machine, Soft):
        return var.data[0].numpy()
    numbers, held = var.machine.numbers(var)
    return held[numbers[0]]


def machines():
    exact = Exact(EXAMPLES, World(1, {}), 10_000)
    return [on_soft, exact.given]


@pytest.mark.parametrize("given", machines(), ids=["soft", "exact"])
def test_a_lifted_function_is_the_published_sum(given):
    x, y, z = marginals(4, 0), marginals(3, 1), marginals(2, 2)
    f = lambda a, b, c: (a * b + c) % 5  # noqa: E731
    expected = np.zeros((EXAMPLES, 5))
    for a in range(4):
        for b in range(3):
            for c in range(2):
                expected[:, f(a, b, c)] += x[:, a] * y[:, b] * z[:, c]

    found = read(lift(f, (4, 3, 2), 5)(given(x), given(y), given(z)))

    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("given", machines(), ids=["soft", "exact"])
def test_a_switch_is_the_published_mixture(given):
    s, x, y = marginals(2, 3), marginals(4, 4), marginals(4, 5)

    found = read(pick(given(s), [given(x), given(y)]))

    np.testing.assert_allclose(found, s[:, :1] * x + s[:, 1:] * y, atol=1e-12)


@pytest.mark.parametrize("given", machines(), ids=["soft", "exact"])
def test_a_constant_is_certain(given):
    found = read(constant(2, 4, given(marginals(3, 0))))

    assert (found == np.eye(4)[2]).all()


def chooser():
    """Returns a template that picks one of two inputs, or the sum, or the sum of sums, and may read a hole as a number."""
    plus = lift(lambda a, b: (a + b) % 4, (4, 4), 4)

    def execute_(holes, inputs):
        x, y = inputs["x"], inputs["y"]
        (first,) = switch(holes["what"], [lambda: (x,), lambda: (plus(x, y),), lambda: (plus(plus(x, y), holes["number"]),)])
        (second,) = switch(x, [lambda: (first,), lambda: (y,), lambda: (plus(first, holes["number"]),), lambda: (first,)])
        return second

    def write(values):
        return " ".join(f"{name}={value}" for name, value in values.items())

    return Template((Param("what", ("x", "x+y", "x+y+n")), Param("number", ("0", "1", "2", "3"))), execute_, write)


def test_every_enumerated_program_has_the_answers_that_the_gradient_back_end_gives_it():
    template, inputs = chooser(), {"x": marginals(4, 6), "y": marginals(4, 7)}

    world, numbers, answers = run_all(template, World(1, {}), inputs, 100)

    assert world.size == template.n_programs == 12  # the soft switch reads the number in every program
    programs = [{name: int(values[i]) for name, values in world.filled.items()} for i in range(world.size)]
    assert len({tuple(sorted(program.items())) for program in programs}) == 12
    expected = execute(template, programs, {name: torch.from_numpy(p)[None] for name, p in inputs.items()})
    np.testing.assert_allclose(answers[numbers], expected.numpy(), atol=1e-12)


def test_holes_that_are_never_read_are_never_told_apart():
    template = chooser()
    certain = {"x": np.tile(np.eye(4)[1], (EXAMPLES, 1)), "y": marginals(4, 8)}  # takes the second branch, which reads no number

    world, _, _ = run_all(template, World(1, {}), certain, 100)

    assert world.size == 2 + 4


def test_soft_holes_give_the_mean_of_all_programs_where_each_is_read_once():
    plus = lift(lambda a, b: (a + b) % 4, (4, 4), 4)
    template = Template(
        (Param("n", ("0", "1", "2", "3")),), lambda holes, inputs: plus(inputs["x"], holes["n"]), lambda values: values["n"]
    )
    weights, x = marginals(4, 9, 1)[0], marginals(4, 10)
    inputs = {"x": torch.from_numpy(x)[None]}

    mixed = run(template, {"n": torch.from_numpy(weights)[None]}, inputs)[0]

    each = execute(template, [{"n": i} for i in range(4)], inputs)
    np.testing.assert_allclose(mixed, np.einsum("p,pen->en", weights, each.numpy()), atol=1e-12)


def test_gradients_are_those_of_finite_differences():
    template, torch_rng = chooser(), torch.Generator().manual_seed(0)
    logits = [torch.randn(2, n, generator=torch_rng, dtype=torch.float64, requires_grad=True) for n in (3, 4)]
    inputs = {"x": torch.from_numpy(marginals(4, 11))[None], "y": torch.from_numpy(marginals(4, 12))[None]}

    def answer(what, number):
        return run(template, {"what": what.softmax(-1), "number": number.softmax(-1)}, inputs)

    assert torch.autograd.gradcheck(answer, logits)


@pytest.mark.parametrize(("sizes", "n", "match"), [((), 2, "one to a few"), ((2000, 2000), 2, "combinations"), ((3, 3), 4, "from 0 to 4")])
def test_what_cannot_be_lifted_is_refused(sizes, n, match):
    with pytest.raises(UsageError, match=match):
        lift(lambda *arguments: sum(arguments), sizes, n)


def test_wrong_sizes_are_refused():
    x = on_soft(marginals(3, 0))

    with pytest.raises(UsageError, match=r"sizes \(3,\)"):
        lift(lambda a: a, (4,), 4)(x)
    with pytest.raises(UsageError, match="2 branches"):
        switch(x, [lambda: (x,), lambda: (x,)])
    with pytest.raises(UsageError, match="outside"):
        constant(3, 3, x)


def test_holes_are_named_apart_and_written_by_name():
    with pytest.raises(UsageError, match="told apart"):
        Template((Param("a", ("0",)), Param("a", ("1",))), lambda h, i: i["x"], lambda v: "")
    with pytest.raises(UnknownName, match="number"):
        chooser().source({"numbr": 1})
    assert chooser().source({"what": 1}) == "what=x+y number=?"


def test_too_many_programs_are_refused_with_what_is_needed():
    inputs = {"x": marginals(4, 0), "y": marginals(4, 1)}

    with pytest.raises(BudgetTooSmall, match="most=5") as caught:
        run_all(chooser(), World(1, {}), inputs, 5)

    assert caught.value.needed > 5
    with pytest.raises(UsageError, match="one number of examples"):
        run_all(chooser(), World(1, {}), {**inputs, "y": marginals(4, 1, 5)}, 100)
