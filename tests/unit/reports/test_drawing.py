"""Plots as SVG for the page, and as SVG and PDF for a paper."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from shoestring.reports.drawing import FAINT, INK, SERIES, Plot, inline, save, undrawable

pytestmark = pytest.mark.slow


def draw(figure):
    figure.subplots().plot([0, 1], [0.001, 0.002], color=SERIES[0], label="a <b> $x_1$ & 日本")
    figure.axes[0].set_xlabel("<b> $x_1$ & 日本")


PLOT = Plot("some-name", "A title <b>", "What is seen & said", "A caption.", draw)


def test_what_goes_into_the_page_follows_its_colours():
    svg = inline(PLOT)

    assert svg.startswith("<svg") and "font-family" not in svg
    assert "currentColor" in svg and "var(--series-0)" in svg
    assert not any(colour in svg for colour in (INK, FAINT, *SERIES))


def test_a_name_in_a_plot_is_text():
    root = ElementTree.fromstring(inline(PLOT))
    texts = [element.text for element in root.iter() if element.text]

    assert "A title <b>" in texts and "What is seen & said" in texts and "<b> $x_1$ & 日本" in texts


def test_labels_keep_their_digits():
    texts = [element.text for element in ElementTree.fromstring(inline(PLOT)).iter() if element.tag.endswith("text")]

    assert any(text and re.fullmatch(r"0\.00\d+", text) for text in texts)


def test_files_for_a_paper_stand_alone(tmp_path):
    svg, pdf = save(PLOT, tmp_path)

    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert "var(" not in svg.read_text() and INK not in svg.read_text()
    assert pdf.read_bytes().startswith(b"%PDF")


def test_every_plot_of_every_question_is_well_formed(run, plots_of):
    for plot in plots_of(run).all():
        ElementTree.fromstring(inline(plot))
        assert plot.alt and plot.caption and plot.title


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_no_obstacle(value):
    def holed(figure):
        figure.subplots().plot([0, 1, 2], [1.0, value, 2.0], color=SERIES[0])

    assert "<path" in inline(Plot("holed", "t", "a", "c", holed))


@pytest.mark.parametrize("limits", [(-1e308, 1e308), (np.nan, 1.0)])
def test_what_cannot_be_drawn_becomes_a_sentence_and_no_file(limits, tmp_path):
    plot = Plot("wild", "t", "a", "c", lambda figure: figure.subplots().set_ylim(*limits) and figure.axes[0].plot([0, 1], limits))

    assert plot.svg == "" and "could not be drawn (" in plot.missing
    assert save(plot, tmp_path) == [] and not list(tmp_path.iterdir())


def test_a_plot_whose_making_failed_stands_as_a_sentence():
    plot = undrawable("path", "The path", OverflowError("too large\x1b[31m\nfor a float"))

    assert plot.title == "The path" and "OverflowError: too large" in plot.missing and "\n" not in plot.missing
