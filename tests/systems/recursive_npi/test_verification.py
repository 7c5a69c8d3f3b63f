"""Verification: a right model is proved right and runs as its table does; a wrong one is refuted by an input that shows it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi import (
    NPI,
    BubbleSort,
    Certificate,
    Counterexample,
    Quicksort,
    TopologicalSort,
    fit,
    fit_until_verified,
    recheck,
    run,
    table,
    trace,
    verify,
    write,
)
from shoestring.systems.recursive_npi.certificate import read_weights
from shoestring.systems.recursive_npi.planted import BUGS, forgetful
from shoestring.systems.recursive_npi.quicksort import PAPERS_ARRAY

TASK = Quicksort()


@pytest.fixture(scope="module")
def fitted():
    return fit_until_verified(TASK, [TASK.of(np.array([PAPERS_ARRAY]))], seed=3, width=16, lr=0.02)


@pytest.fixture(scope="module")
def stored(fitted, tmp_path_factory):
    return write(fitted.found, fitted.model, tmp_path_factory.mktemp("kept") / "quicksort.json")


@pytest.fixture
def copy(stored, tmp_path):
    """A certificate and its weights in a folder of their own."""
    for path in (stored, stored.with_suffix(".safetensors")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / stored.name


def changed(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_the_papers_array_gives_a_model_that_is_proved_right(fitted):
    assert fitted.is_certified and fitted.found.kind == "proof" and fitted.found.frames == 25
    assert fitted.rounds == 0, "the array shows every frame there is"
    assert fitted.found.min_margin > 1e-3 and "proved" in str(fitted)
    assert (fitted.found.problems, fitted.found.met, fitted.found.solved) == (2000, 25, 1.0)


def test_a_certified_model_solves_what_it_was_never_shown(fitted):
    found = run(fitted.model, TASK, TASK.problems(100, 12, np.random.default_rng(0)))

    assert found.solved.all()


def test_the_table_does_what_the_network_does(fitted):
    problems = TASK.problems(50, 15, np.random.default_rng(1)).cells[:, 1:-1]

    looked_up = run(table(fitted.model, TASK), TASK, TASK.of(problems))
    computed = run(fitted.model, TASK, TASK.of(problems))

    assert np.array_equal(looked_up.steps, computed.steps) and looked_up.solved.all()
    assert all(np.array_equal(getattr(looked_up.env, name), getattr(computed.env, name)) for name in ("cells", "at", "stack"))


def test_a_deep_recursion_needs_no_stack_of_pythons(fitted):
    found = run(table(fitted.model, TASK), TASK, TASK.of(np.arange(60)[None]))

    assert found.solved.all() and found.deepest >= 59


def test_a_planted_bug_is_refuted_by_an_input_that_shows_it(fitted):
    bad = forgetful(TASK, *BUGS["quicksort"])

    found = verify(fitted.model, bad)

    assert isinstance(found, Counterexample) and found.frame.program == "PARTITION"
    assert found.expected.program == "SET_J_NULL" and found.got.program == "SWAP"
    shown = trace(bad, TASK.of(np.array([found.input])))
    assert found.frame in [shown.frame(node) for node in range(shown.size) if shown.depth[node] == found.step + 1]
    assert "refuted" in str(found) and str(found.input) in str(found)


def test_a_model_that_was_shown_too_little_is_refuted(fitted):
    model = NPI(TASK, width=16)
    assert fit(model, trace(TASK, TASK.of(np.array([[1, 2]]))), steps=3000, lr=0.02)  # it ends where all is learnt

    found = verify(model, TASK)

    assert isinstance(found, Counterexample) and found.n_wrong > 0 and found.tried > 0


def test_refutations_are_learnt_from():
    task = TopologicalSort()

    found = fit_until_verified(task, [task.of_edges(2, [(1, 2)])], width=16, lr=0.02, seed=1)

    assert found.is_certified and found.rounds >= 1


def test_what_was_not_learnt_is_an_honest_refusal():
    found = fit_until_verified(TASK, [TASK.problems(4, 5, np.random.default_rng(0))], steps=3, width=4)

    assert not found.is_certified and found.found is None and "not certified" in str(found)


def test_no_rounds_left_is_a_refusal_with_a_counterexample():
    found = fit_until_verified(TASK, [TASK.of(np.array([[1, 2]]))], rounds=0, width=16, lr=0.02)

    assert isinstance(found.found, Counterexample) and "not certified" in str(found)


def test_a_sample_is_evidence_and_says_so(fitted, tmp_path):
    found = verify(fitted.model, TASK, "saturate", n=20, lengths=(3, 6))

    assert isinstance(found, Certificate) and found.kind == "evidence" and "not a proof" in str(found)
    with pytest.raises(UsageError, match="evidence"):
        recheck(write(found, fitted.model, tmp_path / "sample.json"))


def test_loops_and_crowds_cannot_be_proved(fitted):
    with pytest.raises(UsageError, match=r"no end|cannot follow"):
        verify(fitted.model, Quicksort("none"))
    with pytest.raises(UsageError, match="one by one"):
        verify(NPI(TASK, n_models=2), TASK)
    with pytest.raises(UsageError, match="abstract"):
        verify(fitted.model, TASK, "exact")


def test_a_thin_margin_is_no_proof(fitted):
    model = fitted.model.member(0)
    with torch.no_grad():
        model.to_key.mul_(1e-6)

    assert isinstance(verify(model, TASK), Counterexample)


def test_a_stored_certificate_is_proved_anew(fitted, stored):
    assert recheck(stored) == recheck(stored, TASK) == fitted.found


def test_weights_come_back_as_they_were(fitted, stored):
    model = NPI(TASK, width=16)

    read_weights(model, stored.with_suffix(".safetensors"))

    assert model.digest() == fitted.found.model_hash


def test_a_certificate_of_ones_own_task_needs_the_task(copy):
    changed(copy, built_in=None)

    assert isinstance(recheck(copy, TASK), Certificate)
    with pytest.raises(UsageError, match="task=..."):
        recheck(copy)
    with pytest.raises(UsageError, match="not of 'bubble-sort'"):
        recheck(copy, BubbleSort())


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"version": 1}, "version 1"),
        ({"system": "other"}, "not a certificate of recursive_npi"),
        ({"model_hash": "0"}, "other weights"),
        ({"task_hash": "0"}, "another version of task"),
        ({"width": 32}, "another model"),
        ({"width": 10**9}, "not a certificate of this system"),
        ({"frames": "many"}, "its frames is 'many'"),
        ({"problems": 10**9}, "at most 100000"),
        ({"lengths": [1, "x"]}, "whole numbers"),
        ({"seed": -1}, "its seed is -1"),
        ({"weights": "../quicksort.safetensors"}, "beside it"),
        ({"weights": "none.safetensors"}, "missing"),
        ({"built_in": {"task": "quicksrot"}}, "quicksort"),
    ],
)
def test_a_changed_certificate_is_refused_in_one_sentence(copy, changes, match):
    with pytest.raises(UsageError, match=match):
        recheck(changed(copy, **changes))


def test_changed_weights_are_refused(copy):
    weights = copy.with_suffix(".safetensors")
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.write_bytes(data)

    with pytest.raises(UsageError, match="other weights"):
        recheck(copy)
    weights.write_bytes(b"nothing")
    with pytest.raises(UsageError, match="holds no weights"):
        recheck(copy)


def test_what_is_no_certificate_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no file"):
        recheck(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("hello")
    with pytest.raises(UsageError, match="not a certificate"):
        recheck(tmp_path / "text.json")


def test_a_certificate_is_written_with_its_own_model_only(fitted, tmp_path):
    with pytest.raises(UsageError, match="other weights"):
        write(fitted.found, NPI(TASK, width=16), tmp_path / "a.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write(fitted.found, fitted.model, tmp_path / "file" / "a.json")
