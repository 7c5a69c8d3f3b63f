"""The report in a real browser: it runs where Chromium is installed."""

from __future__ import annotations

import html
import re
import shutil
import subprocess

import pytest

import shoestring as ss
from shoestring.engine.run import Run
from shoestring.reports.page import page
from shoestring.reports.plots import plots

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "</script><script>window.hit = 1</script>"
SPACE = {"lr": ss.Float(1e-4, 0.5, log=True), "width": ss.Int(8, 256)}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]


def train(trial):
    for epoch in trial.steps():
        trial.report(**{HOSTILE: trial.config["lr"] * (epoch + 1)})


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    store = tmp_path_factory.mktemp("browser") / "run"
    ss.search(train, SPACE, metric=HOSTILE, goal="max", budget="80 epochs", horizon=9, confirm=False, runner="inline", store=store)
    run = Run.read(store)
    return page(run, plots(run))


def browse(path, *options, size=(1280, 900)):
    """Returns what the browser says on stdout and stderr after it has shown a page."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={path.parent / 'profile'}"]
    command += [f"--window-size={size[0]},{size[1]}", "--virtual-time-budget=2000", *options, path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def asked(tmp_path, text, expression, size=(1280, 900)):
    """Returns the value of an expression of JavaScript in a copy of the page that allows this one script more."""
    script = f"<script>document.title = 'value: ' + ({expression})</script></body>"
    allowed = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</body>", script)
    path = tmp_path / "asked.html"
    path.write_text(allowed, encoding="utf-8")
    dom, _ = browse(path, "--dump-dom", size=size)
    return html.unescape(re.search(r"<title>value: (.*?)</title>", dom, re.DOTALL)[1])


def test_the_browser_has_nothing_to_complain_about(tmp_path, text):
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")

    _, complaints = browse(path, "--dump-dom", "--enable-logging=stderr")

    assert "CONSOLE" not in complaints


def test_a_name_that_is_a_script_does_not_run(tmp_path, text):
    assert asked(tmp_path, text, "window.hit") == "undefined"
    assert asked(tmp_path, text, "document.querySelector('h1').textContent") == f"Which configuration gives the best {HOSTILE}?"


@pytest.mark.parametrize("width", [1280, 768, 500])
def test_nothing_is_wider_than_the_window(tmp_path, text, width):
    assert asked(tmp_path, text, "document.documentElement.scrollWidth - document.documentElement.clientWidth", (width, 900)) == "0"


def test_a_click_sorts_a_table_and_a_third_one_undoes_it(tmp_path, text):
    clicks = """(() => {
        const table = document.querySelector('#results table'), head = table.tHead.rows[0].cells[1];
        const order = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[1].dataset.key));
        const before = order(), sorted = [...before].sort((a, b) => a - b);
        const same = (a, b) => JSON.stringify(a) === JSON.stringify(b), seen = [];
        head.firstChild.click(); seen.push(same(order(), sorted), head.getAttribute('aria-sort'));
        head.firstChild.click(); seen.push(same(order(), sorted.reverse()), head.getAttribute('aria-sort'));
        head.firstChild.click(); seen.push(same(order(), before), head.getAttribute('aria-sort'));
        return seen.join(' ');
    })()"""

    assert asked(tmp_path, text, clicks) == "true ascending true descending true none"


@pytest.mark.parametrize(("scheme", "bright"), [(1, True), (0, False)], ids=["light", "dark"])
def test_page_and_plots_follow_the_readers_colours(tmp_path, text, scheme, bright):
    from matplotlib.image import imread

    path, shot = tmp_path / "report.html", tmp_path / "shot.png"
    path.write_text(text, encoding="utf-8")

    browse(path, f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}")

    pixels = imread(shot)[..., :3].mean(axis=2)
    assert (pixels[-1, 0] > 0.9) == bright
    assert pixels.std() > 0.02  # something is drawn


def test_it_prints(tmp_path, text):
    path, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    path.write_text(text, encoding="utf-8")

    browse(path, f"--print-to-pdf={printed}")

    assert printed.read_bytes().startswith(b"%PDF")
