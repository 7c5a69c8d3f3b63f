"""The network is the published one, all models at once are each by itself, and the tree passes what whole frames pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.recursive_npi import NPI, Addition, Quicksort, closure, run
from shoestring.systems.recursive_npi.model import decided, outputs

TASK = Quicksort()


def models(n=3, seed=1, width=8):
    return NPI(TASK, width=width, n_models=n, generator=torch.Generator().manual_seed(seed))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_hand(model, observations, program, args):
    """One frame of one model, in NumPy, as the paper writes it: returns the end's probability and the next program at each step."""
    w = {name: value[0].double().numpy() for name, value in model.state_dict().items()}
    sizes = (*TASK.obs_sizes, *TASK.arg_sizes)
    h, c, said = np.zeros((2, model.width)), np.zeros((2, model.width)), []
    for obs in observations:
        ones = np.concatenate([np.eye(size)[value] for size, value in zip(sizes, (*obs, *args), strict=True)])
        s = np.maximum(np.maximum(ones @ w["one_hot"] + w["one_hot_bias"][0], 0) @ w["encode"] + w["encode_bias"][0], 0)
        x = np.concatenate([s, w["programs"][program]])
        for layer in range(2):
            i, f, o, g = np.split(x @ w[f"w_in.{layer}"] + h[layer] @ w[f"w_h.{layer}"] + w[f"bias.{layer}"][0], 4)
            c[layer] = sigmoid(f) * c[layer] + sigmoid(i) * np.tanh(g)
            x = h[layer] = sigmoid(o) * np.tanh(c[layer])
        keys = w["keys"] @ (x @ w["to_key"])
        said.append((sigmoid((x @ w["to_rest"] + w["rest_bias"][0])[0]), keys))
    return said


def test_it_is_the_published_network():
    model, observations, program, args = models(1), [(1, 0, 1, 0), (0, 0, 0, 1), (1, 1, 1, 1)], 2, (3, 5)

    said = model.double().frames(torch.tensor([[observations]]), torch.tensor([[program]]), torch.tensor([[args]]))

    for t, (end, keys) in enumerate(by_hand(model, observations, program, args)):
        assert torch.sigmoid(said.end[0, t]).item() == pytest.approx(end, abs=1e-12)
        np.testing.assert_allclose(said.program[0, t].detach().numpy(), keys, atol=1e-12)


def test_together_is_one_by_one():
    together, frames = models(3), closure(TASK)

    found = outputs(together.double(), frames)

    for model in range(3):
        alone = outputs(together.member(model).double(), frames)
        for one, all_ in zip(alone, found, strict=True):
            np.testing.assert_allclose(one[0], all_[model], rtol=1e-9)


def test_the_tree_passes_what_whole_frames_pass():
    model, frames = models(2).double(), closure(TASK)
    called, _, ends, _ = outputs(model, frames, chunk=7)
    leaves = frames.leaves
    paths = frames.paths(leaves)
    nodes = np.maximum(paths, 0)
    seen = torch.from_numpy(frames.observations(nodes.ravel()).reshape(1, *nodes.shape, -1)).expand(2, -1, -1, -1)
    root = frames.root[leaves]

    said = model.frames(seen, *(torch.from_numpy(x[root]).expand(2, *x[root].shape) for x in (frames.callee, frames.args)))

    program, _, end = (part.numpy().reshape(2, *paths.shape, *part.shape[2:]) for part in decided(said))
    for model_ in range(2):
        assert (program[model_] == called[model_][nodes])[paths >= 0].all()
        assert (end[model_] == ends[model_][nodes])[paths >= 0].all()


def test_running_together_is_running_one_by_one():
    together = models(2, seed=5)
    problems = TASK.problems(12, 5, np.random.default_rng(0)).cells[:, 1:-1]

    found = run(together, TASK, TASK.of(problems), max_steps=60)

    alone = [run(together.member(i), TASK, TASK.of(problems[6 * i : 6 * i + 6]), max_steps=60) for i in range(2)]
    assert found.steps.tolist() == [step for one in alone for step in one.steps]
    assert np.array_equal(found.env.cells, np.concatenate([one.env.cells for one in alone]))


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="at least 1"):
        NPI(TASK, width=0)
    with pytest.raises(UsageError, match="needs"):
        run(models(1), Addition(), Addition().problems(1, 2, np.random.default_rng(0)))
    with pytest.raises(UsageError, match="equally many"):
        run(models(2), TASK, TASK.problems(3, 2, np.random.default_rng(0)))


def test_hashes_tell_weights_apart():
    assert models(1).digest() == models(1).digest() != models(1, seed=2).digest()


def test_bfloat16_runs_too():
    model = models(1).to(torch.bfloat16)

    assert run(model, TASK, TASK.problems(2, 3, np.random.default_rng(0)), max_steps=20).steps.max() <= 20
