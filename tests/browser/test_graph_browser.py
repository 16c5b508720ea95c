"""The page of the gate in a real browser: the graph of more than 300 revisions fits a phone and can be read."""

from __future__ import annotations

from pathlib import Path

from dbops.migrations.history import read
from dbops.report.page import Page
from tests.browser.chromium import Browser
from tests.browser.test_report_browser import CONTRAST, browser, opened, quiet
from tests.unit.migration_samples import project, write
from tests.unit.test_gate_graph import NOW, large, report

__all__ = ["browser"]  # a fixture


def test_the_graph_fits_and_is_quiet(browser: Browser, tmp_path: Path) -> None:
    folder = project(tmp_path, large())
    for name in ("one", "two"):
        write(folder / "versions", name, "j31", message="a long sentence about what the revision does, and why " * 3)
    found = read(folder)
    assert len(found.revisions) > 340
    page = Page(run=report(found, ["j30"]), drills=(), history=(), generated_at=NOW, revisions=found)
    for width in (360, 1200):
        for dark in (False, True):
            browser.look(width=width, dark=dark)
            opened(browser, tmp_path, page)
            assert browser.eval("document.documentElement.scrollWidth") <= width, (width, dark)
            assert browser.eval(CONTRAST) == [], (width, dark)
            assert browser.eval("document.querySelectorAll('svg path').length") > 10
            words = browser.eval("document.querySelector('#graph').parentElement.innerText")
            assert "conflict" in words
            assert "pending" in words
            quiet(browser)
