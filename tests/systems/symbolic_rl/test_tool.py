"""The tool writes one page that needs nothing else; its pictures are pictures."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from shoestring.errors import UsageError
from shoestring.systems.kit.options import read_options
from shoestring.systems.symbolic_rl import ACTIONS, GridGame, Objects, RelationalQ, Tracker, learn
from shoestring.systems.symbolic_rl.picture import film_strip, learning_curve, rule_table
from shoestring.systems.symbolic_rl.tool import OPTIONS, main
from shoestring.systems.symbolic_rl.training import Config


def learnt(episodes=3):
    learner, frames, scenes = RelationalQ(3, 4, step=8.0, credit="interaction"), [], []
    env = GridGame(n_steps=40)
    done = learn(
        env,
        learner,
        lambda _frame: env.objects(),
        episodes=episodes,
        generator=torch.Generator().manual_seed(0),
        tracker=Tracker(3),
        watch=lambda frame, scene: (frames.append(frame), scenes.append(scene)),
    )
    return learner, frames, scenes, done


@pytest.mark.parametrize(("format", "head"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_pictures_are_written_in_both_formats(format, head):
    learner, frames, scenes, _ = learnt()

    for picture in (
        film_strip(frames[:5], scenes[:5], ["a"] * 5, format=format),
        rule_table(learner, ("+", "o", "x"), ACTIONS, format=format),
        rule_table(RelationalQ(3, 4), format=format),
        learning_curve(np.arange(30.0), np.ones(30), format=format),
    ):
        assert picture.startswith(head)


def test_an_environment_of_gymnasium_is_learnt_from():
    learner, frames, _, done = learnt(episodes=4)

    assert len(done) == 4 and all(one.steps <= 40 and one.score == one.positives - one.negatives for one in done)
    assert len(frames) == sum(one.steps for one in done) + 4 and learner.visits.sum() > 0


def test_an_environment_with_other_actions_is_refused():
    env = gymnasium.make("CartPole-v1")

    with pytest.raises(UsageError, match="Discrete"):
        learn(env, RelationalQ(1, 4), lambda _seen: Objects([0], [[0, 0]]), episodes=1, generator=torch.Generator())


def test_it_writes_a_page(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "shoestring.systems.symbolic_rl.tool.Config.of", lambda settings: Config(**settings, n_steps=20, fit_steps=40, test_games=2)
    )

    assert main(["--variant", "mixed-grid", "--epochs=3", "--frames", "4", "--out", str(tmp_path / "made")]) == 0

    page = (tmp_path / "made" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/svg+xml;base64,") == 3 and "http" not in page.replace("http-equiv", "")
    assert "written to" in capsys.readouterr().out


def test_help_names_every_option(capsys):
    assert main(["--help"]) == 0

    out = capsys.readouterr().out
    assert all(f"--{name}" in out for name in ("variant", "seed", "out"))


def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path):
    for arguments, said in (
        ("--varient mixed-grid", "Did you mean '--variant'"),
        ("--seed", "--seed has no value"),
        ("--seed one", "'one' cannot be read"),
        ("--variant grid", "unknown variant 'grid'"),
        ("--credit all", "unknown credit"),
        ("--frames 0", "must be 1 or more"),
    ):
        with pytest.raises(UsageError, match=said):
            main(arguments.split())
    assert read_options(["--seed=7"], OPTIONS)["seed"] == 7
