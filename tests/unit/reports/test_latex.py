"""Tables and text for a paper."""

from __future__ import annotations

import re

import pytest

from shoestring.cleaning import for_latex
from shoestring.reports.latex import compute_tex, table_tex

BARE = re.compile(r"(?<!\\)[%$#_{}~^&]")


@pytest.mark.parametrize("text", ["a_b & 50% of $x^2$ #1 {y} ~z", "back\\slash", "<script>", "line\nbreak\ttab\x00"])
def test_nothing_special_stays_bare(text):
    bare = for_latex(text)
    for command in (r"\textbackslash{}", r"\textasciitilde{}", r"\textasciicircum{}", r"\textless{}", r"\textgreater{}"):
        bare = bare.replace(command, "")

    assert not BARE.search(bare)
    assert "\n" not in bare and "\x00" not in bare and "<" not in bare


def test_every_row_has_all_columns(run):
    text = table_tex(run)
    for part in text.split(r"\begin{table}")[1:]:
        n = len(re.search(r"\\begin{tabular}{([lr]+)}", part)[1])
        rows = [line for line in part.splitlines() if line.endswith(r"\\")]
        assert rows and all(len(re.findall(r"(?<!\\)&", row)) == n - 1 for row in rows)


def test_environments_are_closed(run):
    text = table_tex(run)

    assert re.findall(r"\\begin{(\w+)}", text) == re.findall(r"\\end{(\w+)}", text)[::-1] or text.count(r"\begin") == text.count(r"\end")


def test_a_run_without_results_makes_a_comment(failed):
    assert table_tex(failed).startswith("%")


def test_compute_counts_what_failed(searched):
    text = compute_tex(searched)

    assert "Of this, failed:" in text
    started = {row["trial_id"] for row in searched.ledger} - {None}
    assert f"started {len(started)} trials" in text


def test_a_virtual_clock_is_nobodys_compute(large):
    assert "[The trials were replayed from a table on a virtual clock" in compute_tex(large)
