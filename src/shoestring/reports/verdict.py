"""The verdict of a run in three sentences: what was found, what it rests on, and what may not be claimed from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shoestring.engine.manifest import code_notes
from shoestring.engine.run import Run
from shoestring.questions.compare.finding import Comparison
from shoestring.questions.largest.finding import Capacity
from shoestring.questions.scale.finding import Law
from shoestring.questions.search.finding import Selection
from shoestring.reports.wording import in_words, n_started, plural


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says.

    Attributes:
        found: what was found.
        rests_on: the evidence behind it.
        not_claimed: what may not be claimed.
        more: what else has to be known, a sentence each.
    """

    found: str
    rests_on: str
    not_claimed: str
    more: tuple[str, ...] = ()


def verdict(run: Run) -> Verdict:
    """Returns the verdict on the stored results as they are now."""
    finding = run.finding
    if isinstance(finding, Selection):
        found = _of_search(run, finding)
    elif isinstance(finding, Comparison):
        found = _of_comparison(finding)
    elif isinstance(finding, Law):
        found = _of_law(finding)
    elif isinstance(finding, Capacity):
        found = _of_capacity(finding)
    else:
        lines = [*finding.lines(), "", ""]
        found = Verdict(
            _sentence(lines[0]), _sentence(lines[1]), "Nothing may be claimed beyond what is said here.", tuple(map(_sentence, lines[2:-2]))
        )
    return Verdict(found.found, found.rests_on, found.not_claimed, (*_about_the_run(run), *found.more))


def _of_search(run: Run, finding: Selection) -> Verdict:
    question, best = run.question, finding.best
    started, shown = n_started(run), plural(len(run.ranked()), "trial")
    if best is None:
        return Verdict(
            f"No trial showed a finite {question.metric}.",
            f"{plural(started, 'trial')} {'was' if started == 1 else 'were'} started.",
            "Nothing may be claimed.",
        )
    after = plural(best.unit, question.unit)
    found = f"The best {question.metric} seen is {best.value:.6g}, after {after} of trial {best.trial}: {in_words(best.config)}."
    selected = (
        f"{best.value:.6g} was selected for being best among the {shown} that showed a value, so it is optimistic: "
        "it may not be reported as the performance of this configuration."
    )
    confirmation = finding.confirmation
    if confirmation is None:
        why = finding.unconfirmed or "the run has not come to that"
        rests_on = f"It rests on one run with one seed and was not confirmed on fresh seeds: {why}."
        if finding.deterministic:
            return Verdict(found, _sentence(f"not confirmed: {why}"), "It may not be claimed that other data would give the same.")
        return Verdict(found, rests_on, selected, ("Trained once with one seed each, the trials do not tell skill from luck.",))
    lines = list(confirmation.confirming_lines())
    rests_on = _sentence("; ".join(lines[:2]))
    if not finding.confirmed:
        selected += " Nor may it be claimed that it is better than the default."
    return Verdict(found, rests_on, selected, tuple(map(_sentence, lines[2:])))


def _of_comparison(finding: Comparison) -> Verdict:
    found, rests_on, *cautions = map(_sentence, finding.lines())
    return Verdict(found, rests_on, _sentence(_not_claimed(finding)), tuple(cautions))


def _of_law(finding: Law) -> Verdict:
    means, *lines = map(_sentence, finding.lines())
    if finding.refused:
        first = next((line for line in lines if line.startswith("No law")), f"No law: {finding.refused}.")
        rest = tuple(line for line in lines if line != first)
        return Verdict(
            first, means, "It may not be claimed that the metric follows any of these laws, nor what it is at another size.", rest
        )
    law, *rest_lines = lines
    not_claimed = (
        "It may not be claimed that the law holds beyond the sizes that were run: a prediction holds if the curve keeps one of these "
        "forms, and no interval guards against a bend that lies beyond the data."
    )
    return Verdict(law, means, not_claimed, tuple(rest_lines))


def _of_capacity(finding: Capacity) -> Verdict:
    found, rests_on, *more = map(_sentence, finding.lines())
    not_claimed = (
        f"It may not be claimed that every size up to there is solved, nor that it is so for another condition than {finding.condition}."
    )
    if not finding.complete:
        not_claimed += " Nor is the interval as narrow as was asked for."
    return Verdict(found, rests_on, not_claimed, tuple(more))


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


def _about_the_run(run: Run) -> Iterator[str]:
    yield from code_notes(run.request)
    if not run.ended:
        yield "The run is not finished: this is how things stand now."
        return
    if run.ended.get("status") == "STOPPED":
        yield "The run was stopped before its end and can be resumed. These are the results up to then."
    for note in run.ended.get("notes", ()):
        yield _sentence(note)


def _sentence(text: str) -> str:
    """Returns a line as a sentence; where it begins with a name, that keeps its case."""
    text = text.strip()
    if not text:
        return ""
    begins = text[0].upper() + text[1:] if _OPENER.match(text) else text
    return begins if begins.endswith((".", "?", "!")) else f"{begins}."


# What sentences of findings begin with where it is no name.
_OPENER = re.compile(
    "(?:a|across|also|as|best|bet|both|confirmed|does|fresh|half|it|its|largest|law|mean|no|none|not|nothing|one|seeds|shown|stopped|the|this|twice|"
    "undecided|without)[ :,]"
)
