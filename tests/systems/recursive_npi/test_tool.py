"""The command: it trains, proves and stores; what it cannot do it says in a sentence."""

from __future__ import annotations

import pytest

from shoestring.errors import UnknownName, UsageError
from shoestring.systems.recursive_npi import Certificate, recheck
from shoestring.systems.recursive_npi.tool import main


def test_it_stores_what_it_proved(tmp_path, capsys):
    assert main(["--task", "bubble-sort", "--width=24", "--out", str(tmp_path)]) == 0

    assert "proved" in capsys.readouterr().out
    assert isinstance(recheck(tmp_path / "bubble-sort.json"), Certificate)


def test_without_a_certificate_it_stores_nothing(tmp_path, capsys):
    assert main(["--steps", "2", "--width", "4", "--out", str(tmp_path / "none")]) == 3

    assert "not certified" in capsys.readouterr().out and not (tmp_path / "none").exists()


def test_help_names_every_option(capsys):
    assert main(["--help"]) == 0

    assert "--rounds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (["--tsak", "x"], UnknownName, "--task"),
        (["--task"], UsageError, "no value"),
        (["--task", "sort"], UnknownName, "quicksort"),
        (["--seed", "one"], UsageError, "whole number"),
        (["--width", "0"], UsageError, "must be at least"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments, error, match):
    with pytest.raises(error, match=match):
        main(arguments)
