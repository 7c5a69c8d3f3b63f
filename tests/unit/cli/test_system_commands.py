"""The command ``run``: its own help, and that of a system's tool."""

from __future__ import annotations

import pytest

from shoestring.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--help"], "Runs a system as a tool"), (["recursive_npi", "--help"], "--task"), (["symbolic_rl", "--help"], "--variant")],
)
def test_help_is_of_the_command_or_of_the_tool(words, said, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["run", *words])

    assert not exit_.value.code and said in capsys.readouterr().out


def test_a_system_that_is_not_there_is_named(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["run", "hyperbnd"])

    assert exit_.value.code == 2 and "Did you mean 'hyperband'" in capsys.readouterr().err
