"""What the ledger answers of a checklist, and what it leaves open."""

from __future__ import annotations

from shoestring.reports.checklist import checklist
from shoestring.reports.checklist_markdown import checklist_markdown


def parts(run):
    return {(item.name, part.asked): part.answer for item in checklist([run]) for part in item.parts}


def test_what_was_not_seen_is_left_open(run):
    answers = parts(run)

    assert answers["NeurIPS 4", "data, their versions and licences"] is None
    assert answers["NeurIPS 6", "splits of the data"] is None
    assert answers["NeurIPS 7", "what varies with the seed (initialisation, order, split)"] is None
    assert answers["NeurIPS 8", "experiments outside of these runs"] is None
    assert answers["ARR C1", "number of parameters of the models"] is None


def test_nothing_is_answered_with_yes(run):
    assert not any(answer and answer.strip().lower().startswith(("yes", "no.")) for answer in parts(run).values())


def test_an_open_part_opens_its_item(run):
    for item in checklist([run]):
        assert item.is_open == any(part.answer is None for part in item.parts)
    assert all(f"{name}:" in checklist_markdown([run]) for name, _ in parts(run))


def test_boxes_are_ticked_only_where_there_is_an_answer(searched):
    lines = [line for line in checklist_markdown([searched]).splitlines() if line.startswith("- [")]

    assert {line[3] for line in lines} == {"x", " "}
    assert all((line[3] == " ") == line.endswith("_open_") for line in lines)


def test_a_search_that_was_not_confirmed_has_no_error_bars(single):
    assert parts(single)["NeurIPS 7", "error bars or tests, and how they were made"] is None


def test_a_comparison_names_its_test(compared):
    assert "SEQ-FLIP" in parts(compared)["NeurIPS 7", "error bars or tests, and how they were made"]


def test_without_a_record_of_the_machine_its_parts_are_open(single):
    (single.folder / "env.json").rename(single.folder / "env.away")
    try:
        answers = parts(single)
    finally:
        (single.folder / "env.away").rename(single.folder / "env.json")

    assert answers["NeurIPS 8", "kind of worker"] is None
    assert answers["NeurIPS 5", "exact commands"] is None
    assert answers["ARR C4", "packages and versions"] is None


def test_failed_work_is_stated(searched):
    assert "failed:" in parts(searched)["NeurIPS 8", "pilot, failed and lost work in these runs"]


def test_a_replayed_run_says_nothing_about_compute(large):
    answers = parts(large)

    compute = ("kind of worker", "memory", "time of each run", "compute in total", "pilot, failed and lost work in these runs")
    assert all(answers["NeurIPS 8", asked] is None for asked in compute)
