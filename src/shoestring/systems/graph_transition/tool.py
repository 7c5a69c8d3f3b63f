"""``shoestring run graph_transition``: trains a network on a task and draws the graphs that it makes of a story it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from shoestring.errors import UsageError
from shoestring.systems.graph_transition.affine import unstack
from shoestring.systems.graph_transition.babi import TASKS, annotate
from shoestring.systems.graph_transition.networks import Networks
from shoestring.systems.graph_transition.picture import page
from shoestring.systems.graph_transition.reading import read
from shoestring.systems.graph_transition.stories import Story
from shoestring.systems.graph_transition.training import Config, preset
from shoestring.systems.kit.options import describe_options, read_options

OPTIONS: dict[str, tuple[Callable[[str], Any], Any, str]] = {
    "task": (str, "babi-1", "babi-1 and other bAbI tasks, rule-30, rule-110, turing-2"),
    "seed": (int, 0, "of weights, batches and machines"),
    "out": (str, "graphs", "folder for the page, graphs.html"),
    "size": (int, 1000, "questions, or stories of a machine, to learn from"),
    "updates": (int, 300, "steps of Adam"),
    "story": (int, 0, "which story of the test is drawn, from 0"),
    "text": (
        str,
        None,
        "a file with a story of your own in the words of a bAbI task, to be drawn instead: a sentence a line; None for none",
    ),
    "direct": (lambda text: {"yes": True, "no": False}[text], True, "yes or no: whether words reach the nodes that they name"),
}


def main(args: Sequence[str]) -> int:
    """Trains and draws as options ``--name value`` ask, prints what came of it, and returns the exit code 0.

    Raises:
        UsageError: an option or file that cannot be used.
    """
    if "--help" in args:
        print(describe_options("graph_transition", OPTIONS))
        return 0
    given = read_options(args, OPTIONS)
    config = Config.of(_settings(given))
    networks = Networks(config, given["task"], given["seed"])
    networks.train(config.n_updates)
    found = {name: value for name, value in networks.metrics().items() if "_of_" not in name}
    vocabulary, net = networks.lesson.vocabulary, unstack(networks.net, 0)
    story, place = _story(given, networks)
    folder = Path(given["out"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder} cannot be written ({error}); name a folder that can.") from error
    size = f"_{given['size']}"  # of the training set, in a metric's name
    scores = ", ".join(f"{name.removesuffix(size).replace('_', ' ')} {value:.3f}" for name, value in found.items())
    note = f"Seed {given['seed']}, {given['size']} to learn from, {given['updates']} updates. On the test: {scores}. Below: {place}."
    text = page(f"Graphs of {given['task']}", note, story, read(net, story), vocabulary)
    (folder / "graphs.html").write_text(text, encoding="utf-8")
    print(f"{given['task']}: {scores}\n{folder / 'graphs.html'}")
    return 0


def _settings(given: dict[str, Any]) -> dict[str, object]:
    """Returns the configuration of a trial that the options describe.

    Raises:
        UsageError: a number that is too small, or several tasks.
    """
    for name in ("size", "updates"):
        if given[name] < 1:
            raise UsageError(f"--{name} {given[name]} trains nothing; give a number from 1.")
    if "," in given["task"]:
        raise UsageError(f"--task {given['task']} names several tasks; give one.")
    settings = {"task": given["task"], "sizes": str(given["size"]), "n_updates": given["updates"], "direct": given["direct"]}
    return settings | (preset(given["task"]) if given["task"].startswith("babi") else {**preset(given["task"]), "n_test": 50})


def _story(given: dict[str, Any], networks: Networks) -> tuple[Story, str]:
    """Returns the story to draw, and where it is from.

    Raises:
        UsageError: there is no such story or file, or it has a sentence or word that is not known.
    """
    name, tests = next(iter(networks.lesson.stories.items()))
    if given["text"] is None:
        if not 0 <= given["story"] < len(tests):
            raise UsageError(f"--story {given['story']} is not among the {len(tests)} stories of the test; count from 0.")
        return tests[given["story"]], f"story {given['story']} of the test" + ("" if name == "test" else f" of {name} steps")
    if not given["task"].startswith("babi"):
        raise UsageError(
            f"--text tells a story in the words of a bAbI task, and --task is {given['task']}; give for example --task babi-1."
        )
    try:
        lines = Path(given["text"]).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"--text {given['text']} cannot be read ({error.strerror}); give a file with a sentence a line.") from error
    return annotate([line for line in lines if line.strip()], TASKS[int(given["task"].partition("-")[2])]), given["text"]
