"""What a proof rests on is tested first: an abstraction that forgets, or a reference that is wrong, gives no certificate.

Derived abstractions too: the frames of small problems are found to be all of them, or larger problems refute it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi import (
    NPI,
    BubbleSort,
    Certificate,
    Checked,
    TopologicalSort,
    call,
    check_abstraction,
    derive,
    fit_until_verified,
    frames,
    last,
    verify,
)

ONE, END = 1, 2


@dataclass
class Tapes:
    cells: np.ndarray
    at: np.ndarray
    count: np.ndarray

    def __len__(self):
        return len(self.at)


class CountOnes:
    """Without an abstraction."""

    name, programs, primitives, arg_sizes, obs_sizes = "count-ones", ("COUNT", "LOOK"), ("TICK", "RIGHT"), (), (3,)

    def reference(self, program, args, obs):
        if program == "COUNT" and obs != (END,):
            yield call("LOOK")
            yield call("RIGHT")
            yield last("COUNT")
        elif program == "LOOK" and obs == (ONE,):
            yield last("TICK")

    def problems(self, n, length, rng):
        cells = np.full((n, length + 1), END)
        cells[:, :length] = rng.integers(2, size=(n, length))
        return Tapes(cells, np.zeros(n, int), np.zeros(n, int))

    def observe(self, env, rows):
        return env.cells[rows, env.at[rows]][:, None]

    def act(self, env, rows, primitive, args):
        if primitive == "TICK":
            env.count[rows] += 1
        else:
            env.at[rows] = np.minimum(env.at[rows] + 1, env.cells.shape[1] - 1)

    def solved(self, env):
        return env.count == (env.cells == ONE).sum(axis=1)

    def describe(self, env, row):
        return env.cells[row, :-1].tolist()


class Proved(CountOnes):
    """With a sound one."""

    def abstract_start(self):
        return [0, ONE, END]

    def abstract_observe(self, state):
        return (state,)

    def abstract_step(self, state, primitive, args):
        return [state] if primitive == "TICK" or state == END else [0, ONE, END]

    def abstract_call(self, state, program):
        return state, None

    def abstract_return(self, state, aside):
        return state


class ForgetsAStep(Proved):
    def abstract_step(self, state, primitive, args):
        return [after for after in super().abstract_step(state, primitive, args) if (state, after) != (0, ONE)]


class ForgetsAStart(Proved):
    def abstract_start(self):
        return [END]


class MistakesAReturn(Proved):
    def abstract_return(self, state, aside):
        return END


class SolvesNothing(Proved):
    def reference(self, program, args, obs):
        if program == "COUNT" and obs != (END,):
            yield last("TICK")


class SolvesSome(Proved):
    def reference(self, program, args, obs):
        if program == "COUNT" and obs == (ONE,):
            yield last("TICK")


class NeverEnds(Proved):
    def reference(self, program, args, obs):
        yield last("COUNT")


class Changes(Proved):
    asked = 0

    def reference(self, program, args, obs):
        self.asked += 1
        yield last("TICK" if self.asked < 4 else "RIGHT")  # the three frames that there are, and then again

    def solved(self, env):
        return np.ones(len(env), bool)


def fitted(task, **settings):
    return fit_until_verified(task, [task.problems(1, 3, np.random.default_rng(0))], width=8, lr=0.02, n=20, lengths=(1, 2, 5), **settings)


@pytest.mark.parametrize("kind", [ForgetsAStep, ForgetsAStart, MistakesAReturn])
def test_a_frame_that_the_abstraction_does_not_lead_to_forbids_a_proof(kind):
    found = fitted(kind())

    assert not found.is_certified and isinstance(found.found, Checked) and not found.found.is_sound
    assert str(found.found.frame) in str(found) and str(found.found.problem) in str(found)
    assert found.found == verify(NPI(kind()), kind(), n=20, lengths=(1, 2, 5))


@pytest.mark.parametrize(
    ("kind", "match"),
    [(SolvesNothing, "does not solve"), (SolvesSome, "does not solve"), (NeverEnds, "does not end"), (Changes, "when asked again")],
)
def test_a_wrong_reference_forbids_a_proof(kind, match):
    found = fitted(kind())

    assert not found.is_certified and match in str(found)
    assert found.found.solved < 1 or found.found.frame is not None


def test_the_frame_that_refutes_is_in_no_closed_set():
    found = check_abstraction(ForgetsAStep(), n=20)

    assert found.frame.observations[-1] == (ONE,) and found.problem[found.problem.index(ONE) - 1] == 0


def test_what_was_run_is_in_the_certificate():
    found = fitted(Proved()).found

    assert isinstance(found, Certificate) and found.kind == "proof"
    assert (found.problems, found.lengths, found.met, found.frames, found.solved) == (60, (1, 2, 5), 9, 9, 1.0)
    assert "solved 60 of 60 random problems" in str(found)


def test_evidence_records_the_share_that_the_reference_solves():
    found = fitted(SolvesSome(), mode="saturate").found

    assert isinstance(found, Certificate) and found.kind == "evidence" and 0 < found.solved < 1


def test_a_training_problem_can_refute_what_no_random_one_does():
    task = ForgetsAStep()
    problem = task.problems(1, 2, np.random.default_rng(0))
    problem.cells[:] = 0, ONE, END

    found = fit_until_verified(task, [problem], width=8, n=1, lengths=(1,))

    assert not found.is_certified and "[0, 1]" in str(found)


def test_an_abstraction_that_is_not_there_cannot_be_checked():
    with pytest.raises(UsageError, match="abstract_step"):
        check_abstraction(CountOnes())


@pytest.mark.parametrize("sizes", [(2,), (3, 3)])
def test_an_observation_outside_of_its_sizes_is_refused(sizes):
    task = Proved()
    task.obs_sizes = sizes

    with pytest.raises(UsageError, match="obs_sizes"):
        check_abstraction(task)


def small(task, *lengths):
    return [task.problems(200, length, np.random.default_rng(length)) for length in lengths]


@pytest.mark.parametrize("task", [Proved(), TopologicalSort()], ids=lambda task: task.name)
def test_it_finds_the_frames_that_a_written_one_finds(task):
    assert frames(derive(task, small(task, 1, 2, 3, 4))) == frames(task)


def test_a_coarse_one_has_more_frames_and_is_sound_all_the_same():
    task = BubbleSort()
    derived = derive(task, small(task, 1, 2, 3, 4, 5))

    assert frames(derived) > frames(task) and check_abstraction(derived, n=50).is_sound


def test_problems_that_are_too_small_are_refuted_by_larger_ones():
    task = BubbleSort()

    found = check_abstraction(derive(task, small(task, 1, 2)), n=50)

    assert not found.is_sound and len(found.problem) > 2


def test_a_predicate_tells_states_apart():
    def is_first(env, rows):
        return env.at[rows] == 0

    task = CountOnes()
    plain, finer = (derive(task, small(task, 1, 2, 3), predicates) for predicates in ([], [is_first]))

    assert len({state for state, *_ in finer.followed}) > len({state for state, *_ in plain.followed})
    assert frames(finer) == frames(plain)


def test_a_certificate_says_what_it_assumes():
    task = CountOnes()
    task = derive(task, small(task, 1, 2, 3))

    found = fit_until_verified(task, small(task, 3), width=8, lr=0.02).found

    assert found.kind == "proof" and found.derived_from == 600 and "assuming" in str(found)


@pytest.mark.parametrize("predicate", [lambda env, rows: 1, lambda env, rows: np.full(len(rows), 0.5)])
def test_a_predicate_that_says_nothing_is_refused(predicate):
    task = CountOnes()

    with pytest.raises(UsageError, match="whole numbers or truth values"):
        derive(task, small(task, 2), [predicate])


def test_nothing_can_be_derived_from_no_problem():
    with pytest.raises(UsageError, match="at least one problem"):
        derive(CountOnes(), [])
