"""The page: whole, alone, and deaf to what names try to say."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from shoestring.reports.page import page
from shoestring.reports.plots import plots

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Collects elements, and what is opened and never closed."""

    def __init__(self, text):
        HTMLParser.__init__(self, convert_charrefs=True)
        self.open, self.wrong, self.elements, self.texts = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))


def test_every_element_is_closed_and_every_id_is_one_of_a_kind(run, page_of):
    read = Reader(page_of(run))
    ids = [attrs["id"] for _, attrs in read.elements if "id" in attrs]

    assert (read.wrong, read.open) == ([], [])
    assert len(ids) == len(set(ids))


def test_every_link_within_the_page_leads_somewhere(run, page_of):
    read = Reader(page_of(run))
    ids = {attrs["id"] for _, attrs in read.elements if "id" in attrs}
    inner = [attrs["href"] for tag, attrs in read.elements if tag == "a" and attrs.get("href", "").startswith("#")]

    assert len(inner) >= 8
    assert all(link[1:] in ids for link in inner)


def test_it_loads_nothing_from_anywhere(run, page_of):
    text = page_of(run)
    read = Reader(text)

    loaded = [attrs.get("src") or attrs.get("href") or attrs.get("xlink:href") for _, attrs in read.elements]
    assert all(link.startswith(("#", "data:text/csv")) for link in loaded if link)
    assert not re.search(r"url\((?!#)|@import", text)
    assert not any(tag in ("link", "iframe", "object", "embed", "img") for tag, _ in read.elements)


def test_every_plot_is_named_and_described(run, page_of):
    read = Reader(page_of(run))
    described = {attrs["id"] for tag, attrs in read.elements if tag in ("title", "desc") and "id" in attrs}
    drawn = [attrs for tag, attrs in read.elements if tag == "svg"]

    assert all(attrs["role"] == "img" and set(attrs["aria-labelledby"].split()) <= described for attrs in drawn)
    assert len(described) == 2 * len(drawn)


def test_its_one_script_is_the_one_that_its_policy_allows(hostile, page_of):
    read = Reader(page_of(hostile))
    scripts = [text for tag, text in read.texts if tag == "script"]
    policy = next(attrs["content"] for tag, attrs in read.elements if attrs.get("http-equiv") == "Content-Security-Policy")

    assert [tag for tag, _ in read.elements].count("script") == 1
    assert base64.b64encode(hashlib.sha256("".join(scripts).encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy


def test_a_name_that_is_markup_stays_text(hostile, page_of):
    text = page_of(hostile)

    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text and "<b>" not in text.replace("<figcaption><b>", "")


def test_the_verdict_says_what_may_not_be_claimed(run, page_of):
    text = page_of(run)

    assert "What may not be claimed" in text
    assert text.index('id="verdict"') < text.index('id="question"') < text.index('id="budget"') < text.index('id="results"')


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("searched", {"budget", "expected-best", "curves", "importance", "slices", "parallel"}),
        ("compared", {"budget", "arms", "differences", "evidence", "curves"}),
        ("scaled", {"budget", "law"}),
        ("failed", set()),
    ],
)
def test_each_question_has_its_plots(request, plots_of, kind, names):
    drawn = {plot.name for plot in plots_of(request.getfixturevalue(kind)).all()}

    assert names <= drawn


def test_tables_can_be_sorted_by_numbers(searched, page_of):
    read = Reader(page_of(searched))
    keys = [attrs["data-key"] for tag, attrs in read.elements if tag == "td" and attrs.get("class") == "number" and "data-key" in attrs]

    assert len(keys) > 50
    assert all(float(key) == float(key) for key in keys)


def test_the_same_run_gives_the_same_page(compared, page_of):
    assert page(compared, plots(compared)) == page_of(compared)


def test_a_thousand_trials_take_less_than_two_megabytes(large, page_of):
    text = page_of(large)

    assert len(large.trials) == 1000
    assert 200_000 < len(text.encode()) < 2_000_000
    assert "800 more are in trials.csv" in text
