"""What a report says: verdict, spending, evidence, progress, failures."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from shoestring.engine.run import Run
from shoestring.reports import markdown
from shoestring.reports.checklist_markdown import checklist_markdown
from shoestring.reports.evidence import evidence
from shoestring.reports.failures import failure_table
from shoestring.reports.figures.arms import arms
from shoestring.reports.latex import compute_tex
from shoestring.reports.machine import facts
from shoestring.reports.reproduce import reproduction
from shoestring.reports.search_path import comparable, search_path
from shoestring.reports.spending import outcome_table, shares
from shoestring.reports.verdict import verdict


def test_a_search_is_not_reported_as_performance(searched):
    said = verdict(searched)

    assert f"{searched.finding.best.value:.6g}" in said.found
    assert "it may not be reported as the performance" in said.not_claimed


def test_a_search_without_a_result_claims_nothing(failed):
    assert verdict(failed).not_claimed == "Nothing may be claimed."
    assert "No trial showed a finite loss." in markdown(failed)


def test_a_comparison_that_is_decided_is_not_generalised(compared):
    said = verdict(compared)

    assert said.found == "plain is better than steep."
    assert "on other data" in said.not_claimed


def test_a_law_is_not_claimed_beyond_its_sizes(scaled):
    said = verdict(scaled)

    assert said.found.startswith("Law: loss = ")
    assert "beyond the sizes that were run" in said.not_claimed


def test_every_sentence_ends(run):
    said = verdict(run)

    assert all(sentence.endswith((".", "?", "!")) for sentence in (said.found, said.rests_on, said.not_claimed, *said.more))


def test_the_shares_add_up_to_what_was_spent(run):
    whole = run.spent().as_dict()

    assert {name: sum(getattr(share.cost, name) for share in shares(run)) for name in whole} == pytest.approx(whole)
    assert [cell.text for cell in outcome_table(run).total][:1] == ["all"]


def test_the_path_of_the_evidence_ends_where_the_finding_does(compared):
    path, pair = evidence(compared, compared.finding, compared.question), compared.finding.headline

    assert [point.n for point in path] == list(range(1, pair.n + 1))
    assert (path[-1].p, path[-1].difference) == (pair.p, pair.difference)
    assert (path[-1].low, path[-1].high) == pair.interval
    assert all(after.p <= before.p for before, after in pairwise(path))


def test_the_best_so_far_only_improves_and_ends_at_the_best(searched):
    path = search_path(searched, searched.question, np.random.default_rng(0))
    known = path.best[np.isfinite(path.best)]

    assert np.all(np.diff(known) >= 0) and np.all(np.diff(path.spent) >= 0)
    assert known[-1] == searched.finding.best.value
    assert path.expected is not None and path.expected.middle[-1] == pytest.approx(known[-1])
    assert not path.independent  # a scheduler that stops trials by their results was at work


def test_a_fixed_random_search_counts_as_independent(single):
    assert search_path(single, single.question, np.random.default_rng(0)).independent


def test_trials_are_compared_at_one_unit(searched):
    unit, trials = comparable(searched)

    assert len(trials) >= 10
    assert all(trial.curve[unit]["accuracy"] == value for trial, value in trials)


def test_failures_are_sorted_into_classes(searched):
    rows = failure_table(searched).rows
    classes = {row[0].text: row[1].key for row in rows}

    assert classes["RuntimeError"] == sum(trial.state == "failed" for trial in searched.trials)
    assert next(row[5].text for row in rows if row[0].text == "RuntimeError") == "out of <memory>: 7.1 GiB & more"


def test_an_unfinished_run_says_so(searched):
    unfinished = Run(**{name: getattr(searched, name) for name in Run.__dataclass_fields__} | {"ended": None})

    assert "The run is not finished" in markdown(unfinished)


def test_of_very_many_arms_some_are_drawn_and_the_rest_counted(compared):
    finding = compared.finding
    many = replace(finding, arms=tuple(replace(finding.arms[0], name=f"arm {i}") for i in range(3000)))

    drawn = arms(many)

    assert drawn.height < 30 and "2960 more arms are in the table" in drawn.caption


@pytest.mark.parametrize("value", [None, 5, "x", [], [1], {}, {"a": 1}, math.inf])
@pytest.mark.parametrize("name", ["python", "cores", "memory_bytes", "packages", "command", "git", "gpus"])
def test_a_record_of_the_machine_that_is_no_record_is_left_out(failed, tmp_path, name, value):
    (tmp_path / "env.json").write_text(json.dumps({name: value}))
    run = replace(failed, folder=tmp_path)

    assert list(facts(run)) and reproduction(run).facts and compute_tex(run) and checklist_markdown([run])
