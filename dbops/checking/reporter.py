"""For plain `pytest checks/`: the reports of `invoke check`, written when the run has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops import app
from dbops.checking.results import Results
from dbops.report.page import Page
from dbops.report.write import add_step_summary, write


class Reporter(Results):
    """Registered where `--dbops-html` or `--dbops-json` is given; not in the worker processes of pytest-xdist."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self._html = config.getoption("dbops_html")
        self._json = config.getoption("dbops_json")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        run, drills = self.report(), self.drills()
        page = Page(run=run, drills=tuple(drills), history=(), generated_at=app.now())
        write(page, html=Path(self._html) if self._html else None, json=Path(self._json) if self._json else None)
        add_step_summary(run, drills)
