"""The controller's gradient against PyTorch's, its likelihood against its draws, and what the sampler learns."""

from __future__ import annotations

import numpy as np
import pytest

from shoestring.samplers.controller import Anchor, Controller, Settings, Token
from shoestring.samplers.policy_gradient import PolicyGradient, reward_of_accuracy
from shoestring.samplers.policy_gradient import Settings as SamplerSettings
from shoestring.space import Choice, Float, Int, Space
from shoestring.values.orders import Observation

STEPS = (Token(0, 0, 3), Token(1, 1, 2), Anchor(()), Token(2, 0, 3), Anchor((3,)), Token(4, 0, 3), Anchor((5, 6)))
ACTIONS = np.array([[0, 1, 2, 1, 0, 0, 1], [2, 0, 1, 0, 1, 1, 1], [1, -1, 0, 1, -1, 1, 0]])  # two tokens of the last are absent
WEIGHTS = np.array([0.7, -1.3, 0.4])


def controller(steps=STEPS, n_columns=7):
    return Controller(steps, n_columns, Settings(n_hidden=5, scale=0.8), np.random.default_rng(1))


def torch_log_probability(torch, one, theta, actions):
    """The same likelihood, written again for one configuration, step by step, with PyTorch's own LSTM cell."""
    w = {name: theta[part].reshape(shape) for name, (part, shape) in one._parts.items()}
    h = [torch.zeros(5, dtype=torch.float64)] * 2
    c = [torch.zeros(5, dtype=torch.float64)] * 2
    fed, anchors, total = w["embedding"][0], [], torch.zeros((), dtype=torch.float64)
    for step in STEPS:
        if isinstance(step, Token) and actions[step.column] < 0:
            continue
        for layer in (0, 1):
            i, f, g, o = (torch.cat([fed, h[layer]]) @ w[f"lstm{layer}"][:-1] + w[f"lstm{layer}"][-1]).chunk(4)
            c[layer] = torch.sigmoid(f) * c[layer] + torch.sigmoid(i) * torch.tanh(g)
            h[layer] = torch.sigmoid(o) * torch.tanh(c[layer])
            fed = h[layer]
        if isinstance(step, Token):
            logits = h[1] @ w[f"softmax{step.kind}"][:-1] + w[f"softmax{step.kind}"][-1]
            total = total + torch.log_softmax(logits, 0)[actions[step.column]]
            fed = w["embedding"][2 + (0, 3)[step.kind] + actions[step.column]]
        else:
            for column, before in zip(step.columns, anchors, strict=True):
                score = w["anchor_v"] @ torch.tanh(before @ w["anchor_prev"] + h[1] @ w["anchor_curr"])
                total = total + torch.nn.functional.logsigmoid(score if actions[column] else -score)
            anchors.append(h[1])
            fed = w["embedding"][1]
    return total


def test_likelihood_and_gradient_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    one = controller()
    theta = torch.tensor(one.theta, requires_grad=True)

    logs = torch.stack([torch_log_probability(torch, one, theta, actions) for actions in ACTIONS])
    (logs * torch.tensor(WEIGHTS)).sum().backward()

    np.testing.assert_allclose(one.log_probability(ACTIONS), logs.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(one.gradient(ACTIONS, WEIGHTS), theta.grad.numpy(), atol=1e-12)


def test_probabilities_of_all_configurations_add_up_to_1():
    everything = np.array(list(np.ndindex(3, 2, 3, 2, 3, 2, 2)))

    assert np.exp(controller().log_probability(everything)).sum() == pytest.approx(1.0, abs=1e-12)


def test_draws_have_the_frequencies_of_the_likelihood():
    one, rng = controller(), np.random.default_rng(0)
    drawn = one.sample(rng.random((4000, 7)))
    kinds, counts = np.unique(drawn, axis=0, return_counts=True)
    expected = 4000 * np.exp(one.log_probability(kinds))

    large = expected > 20

    assert large.sum() > 20
    assert np.mean((counts[large] - expected[large]) ** 2 / expected[large]) == pytest.approx(1.0, abs=0.5)


def test_the_first_update_is_a_step_of_adam_up_the_centred_rewards():
    one = controller()
    before, rewards = one.theta.copy(), np.array([0.2, 0.9, 0.1])
    slope = one.gradient(ACTIONS, (rewards - rewards.mean()) / 3)

    one.update(ACTIONS, rewards)

    np.testing.assert_allclose(one.theta - before, 6e-4 * slope / (np.abs(slope) + 1e-8), atol=1e-12)


def test_the_baseline_is_the_moving_average_of_earlier_batches():
    one = controller()
    one.update(ACTIONS, np.array([1.0, 2.0, 3.0]))
    one.update(ACTIONS, np.array([4.0, 4.0, 4.0]))

    assert one.snapshot()[3] == pytest.approx(0.95 * 2.0 + 0.05 * 4.0)


SPACE = Space(
    {
        **{f"op/{i}": Choice(("a", "b", "c", "d")) for i in (1, 2)},
        "skip/1/2": Choice((False, True)),
        "n": Int(1, 4),
        "lr": Float(1e-4, 1, log=True),
    }
)


def accuracy(config):
    return 0.3 + 0.2 * (config["op/1"] == "c") + 0.2 * (config["op/2"] == "b") + 0.1 * config["skip/1/2"] + 0.05 * (config["n"] == 3)


def mean_accuracy(sampler, n):
    accuracies = []
    for trial_id in range(n):
        accuracies.append(accuracy(sampler.ask(trial_id)))
        sampler.tell(Observation(trial_id, 1, -accuracies[-1]))
    return np.mean(accuracies[-80:])


@pytest.mark.parametrize("reward", [None, reward_of_accuracy])
def test_it_learns_a_sum_of_choices(reward):
    sampler = PolicyGradient(SPACE, seed=0, settings=SamplerSettings(lr=6e-3), reward=reward)

    assert mean_accuracy(sampler, 640) > 0.7  # .4625 at random, .85 at best


def test_it_learns_nothing_from_equal_rewards():
    sampler = PolicyGradient(SPACE, seed=0, reward=lambda _loss: 0.5)
    before = sampler._controller.theta.copy()
    mean_accuracy(sampler, 33)

    assert (sampler._controller.theta == before).all()


def test_a_trial_that_comes_back_late_leaves_no_trace_of_its_lateness():
    losses = dict(enumerate(np.random.default_rng(0).random(32)))
    early, late = PolicyGradient(SPACE, seed=2), PolicyGradient(SPACE, seed=2)
    for sampler, order in ((early, range(32)), (late, [i for i in range(32) if i != 3] + [3])):
        for trial_id in range(32):
            sampler.adopt(trial_id, SPACE.sample(np.random.default_rng(trial_id)))
        for trial_id in order:
            sampler.tell(Observation(trial_id, 1, losses[trial_id]))
            sampler.ask(100 + trial_id)

    assert early.ask(40) == late.ask(40)


def test_links_that_are_not_all_there_are_plain_tokens():
    space = Space({"op/1": Choice(("a", "b")), "skip/1/3": Choice((False, True)), "op/3": Choice((1, 2))})
    sampler = PolicyGradient(space, seed=0)

    assert not any(isinstance(step, Anchor) for step in sampler._controller._steps)
