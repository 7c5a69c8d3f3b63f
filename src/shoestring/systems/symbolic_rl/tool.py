"""``shoestring run symbolic_rl``: trains DSRL on the game, and shows in one page what it saw, what rules it has, and how it learnt them."""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import NDArray

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.kit.options import describe_options, read_options
from shoestring.systems.symbolic_rl.picture import film_strip, learning_curve, rule_table
from shoestring.systems.symbolic_rl.players import Seeing
from shoestring.systems.symbolic_rl.rules import explain, rules
from shoestring.systems.symbolic_rl.scene import Scene
from shoestring.systems.symbolic_rl.task import ACTIONS, NAMES, VARIANTS, Games
from shoestring.systems.symbolic_rl.tracking import Tracker
from shoestring.systems.symbolic_rl.training import Config, Work

OPTIONS: dict[str, tuple[Callable[[str], Any], Any, str]] = {
    "variant": (str, "mixed-random", ", ".join(VARIANTS)),
    "seed": (int, 0, "of the agent, its autoencoder and its games"),
    "epochs": (int, 100, "games to learn from"),
    "credit": (str, "shared", "shared, or interaction"),
    "frames": (int, 8, "of the film strip"),
    "out": (str, "symbolic_rl", "folder for the page; it is made"),
}
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}img{max-width:100%}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ddd}"
    "pre{background:#f6f6f6;padding:.8rem;white-space:pre-wrap}"
)


def main(arguments: Sequence[str]) -> int:
    """Trains as options ``--name value`` ask, writes ``index.html``, prints the rules, and returns the exit code 0.

    Raises:
        UsageError: an option that cannot be used.
    """
    if "--help" in arguments:
        print(describe_options("symbolic_rl", OPTIONS))
        return 0
    given = read_options(arguments, OPTIONS)
    if given["credit"] not in ("shared", "interaction"):
        raise UnknownName("credit", given["credit"], ("shared", "interaction"))
    if given["frames"] < 1:
        raise UsageError(f"--frames {given['frames']} must be 1 or more.")
    arm = "dsrl" if given["credit"] == "shared" else "seen-credit"
    config = Config.of({"arm": arm, "variant": given["variant"], "test": given["variant"], "epochs": given["epochs"]})
    print(f"learning to see, then {config.epochs} games of {config.n_steps} steps", file=sys.stderr)
    work = Work(config, given["seed"], "cpu")
    work.train(config.epochs)
    page = _page(work, work.metrics(), given)
    folder = Path(given["out"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {folder} cannot be written ({error}); name a folder that can.") from error
    assert isinstance(work.player, Seeing)
    for rule in rules(work.player.learner, _names(work.player, work.games), ACTIONS, least_visits=20)[:12]:
        print(rule)
    print(f"written to {folder / 'index.html'}")
    return 0


def _names(player: Seeing, games: Games) -> list[str]:
    """Returns a name for each type, after the shape that most of its objects have; found by the truth, for the reader only."""
    eyes = player.for_test(40)
    state = games.reset(len(eyes.trackers), torch.Generator().manual_seed(0))
    eyes.see(games, state, True)
    assert eyes.sight is not None
    counts = eyes.sight.types
    return [f"type {i} ({NAMES[int(counts[:, i].argmax())]})" if counts[:, i].any() else f"type {i}" for i in range(player.learner.n_types)]


def _film(work: Work, n: int) -> tuple[list[NDArray[Any]], list[Scene], list[str], str]:
    """Returns the frames of a test game around its first touch, what was seen, captions, and why the move before it was made."""
    player = cast(Seeing, work.player)
    first = player.trackers[0]
    tracker = Tracker(first.n_types, radius=first.radius)
    tracker.load_state_dict(first.state_dict())
    eyes, names = Seeing(player.learner, player.extractor, [tracker]), _names(player, work.games)
    generator = torch.Generator().manual_seed(work.seed + 1)
    state = work.games.reset(1, generator)
    seen, score, at = eyes.see(work.games, state, True), 0.0, 0
    frames, scenes, captions = [], [], []
    for step in range(work.config.n_steps):
        frames.append(work.games.frames(state)[0].numpy())
        scenes.append(eyes.scenes[0])
        action = eyes.act(seen, work.config.test_epsilon, generator)
        captions.append(f"step {step}, score {score:+.0f}, goes {ACTIONS[int(action)]}")
        state, reward, _ = work.games.step(state, action)
        seen = eyes.see(work.games, state, False)
        score += float(reward)
        if reward != 0 and not at:
            at = step
    begin = max(min(at - n // 2, len(frames) - n), 0)
    said = f"At step {at}: {explain(player.learner, scenes[at], names, ACTIONS)}"
    return frames[begin : begin + n], scenes[begin : begin + n], captions[begin : begin + n], said


def _page(work: Work, metrics: dict[str, float], given: dict[str, Any]) -> str:
    assert isinstance(work.player, Seeing)
    learner, names = work.player.learner, _names(work.player, work.games)
    frames, scenes, captions, said = _film(work, given["frames"])
    curve = work.curve[:, :, 0].double().numpy()
    found = rules(learner, names, ACTIONS, least_visits=20)
    rows = "".join(
        f"<tr><td>{html.escape(str(rule))}</td><td>{rule.visits}</td></tr>" for rule in sorted(found, key=lambda rule: -rule.weight)[:20]
    )
    sight = "".join(f"<tr><td>{html.escape(text)}</td><td>{metrics[name]:.3g}</td></tr>" for name, text in _SAID.items())
    agent = ", ".join(names[kind] for kind in learner.agents.tolist())
    options = html.escape(" ".join(f"--{name} {given[name]}" for name in ("variant", "seed", "epochs", "credit")))
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Rules learnt from objects</title><style>{STYLE}</style>
<h1>Rules learnt from objects</h1>
<p><code>shoestring run symbolic_rl {options}</code></p>
<p>An autoencoder that was told nothing found the objects in the frames. The one that moves, {html.escape(agent)}, is taken for the agent.
The shapes in brackets are the truth, added for the reader; the agent knows types by number only.</p>
<h2>A game, as it was seen</h2>
<p>Each ring is an object, its colour the type, its number what it is followed under.</p>
{_image(film_strip(frames, scenes, captions, types=names), "frames of a game with the objects seen in them")}
<pre>{html.escape(said)}</pre>
<h2>The rules</h2>
<p>What an object at each place, seen from the agent in the middle, speaks for: an arrow is the move to make, ¬ and an arrow the move
<em>not</em> to make. The colour is the value of that move.</p>
{_image(rule_table(learner, names, ACTIONS), "maps of the rules, one for each type")}
<table><tr><th>rule (value of the move)</th><th>updates</th></tr>{rows}</table>
<h2>How it was learnt</h2>
{_image(learning_curve(curve[:, 0], curve[:, 1]), "share of positive objects and score over training games")}
<h2>In {work.config.test_games} test games</h2>
<table>{sight}</table>
</html>
"""


_SAID = {
    "positive": "share of objects touched that were positive",
    "score": "score a game",
    "collected": "objects touched a game",
    "f1": "F1 of the objects found",
    "purity": "share of objects of their type's kind",
    "switches": "share of objects that changed their number, a step",
    "n_types": "types found",
}


def _image(svg: bytes, says: str) -> str:
    return f'<img alt="{html.escape(says)}" src="data:image/svg+xml;base64,{base64.b64encode(svg).decode()}">'
