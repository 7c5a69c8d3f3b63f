"""What a report shows of a comparison."""

from __future__ import annotations

from typing import cast

import numpy as np

from shoestring.engine.run import Run, StoredTrial
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.compare.question import Compare
from shoestring.reports.comparison import comparison_plots, comparison_rows, comparison_tables, statistics_sentence
from shoestring.reports.figures.curves import Groups, by_name
from shoestring.reports.view import Sections, Verdict, View, sentence


def _comparison(run: Run) -> Comparison:
    return cast(Comparison, run.finding)


def _compare(run: Run) -> Compare:
    return cast(Compare, run.question)


def _verdict(run: Run) -> Verdict:
    found, rests_on, *cautions = map(sentence, run.finding.lines())
    return Verdict(found, rests_on, sentence(_not_claimed(_comparison(run))), tuple(cautions))


def _not_claimed(finding: Comparison) -> str:
    first, second = finding.headline.first, finding.headline.second
    if finding.deterministic:
        return "no statement about chance may be made: the runs do not vary, so their number adds nothing"
    if finding.mode == "pick":
        return "it may not be claimed that the arm to bet on is the best, nor that it is better than any other: no test was made"
    if finding.better:
        others = " of these arms" if len(finding.arms) > 2 else ""
        return (
            f"it may not be claimed that {finding.better} is best{others} on other data, at other sizes or with other settings, "
            "nor that the difference is known more closely than its interval"
        )
    if finding.equivalent:
        return f"it may not be claimed that {first} and {second} are the same: differences up to {finding.margin:g} are still possible"
    if finding.mode == "ablation" and any(pair.better for pair in finding.pairs):
        return "it may not be claimed that the parts not shown to matter do not matter, nor that what holds here holds on other data"
    return "it may not be claimed that any arm is better, nor that the arms are equal: the evidence is too little for either"


def _sections(run: Run, _: np.random.Generator) -> Sections:
    return Sections(comparison_plots(run, _comparison(run), _compare(run)))


def _curves(run: Run, trials: list[StoredTrial]) -> Groups:
    groups = [(arm.name, [trial for trial in trials if trial.arm == arm.name]) for arm in _compare(run).arms]
    return by_name(run, [(name, members) for name, members in groups if members])


COMPARE = View(
    verdict=_verdict,
    tables=lambda run: comparison_tables(_comparison(run)),
    rows=lambda run: comparison_rows(_comparison(run)),
    sections=_sections,
    curves=_curves,
    error_bars=lambda run: statistics_sentence(_comparison(run)),
    group="arm",
)
