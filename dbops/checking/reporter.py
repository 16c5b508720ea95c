"""For plain `pytest checks/`: the reports of `invoke check`, written when the run has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops import app
from dbops.checking.results import Results
from dbops.report.history import extend
from dbops.report.page import Page
from dbops.report.write import add_step_summary, write


def history_file(config: pytest.Config) -> Path | None:
    """Where the trend is kept: as `--dbops-history` says, or beside the HTML report."""
    if config.getoption("dbops_history"):
        return Path(config.getoption("dbops_history"))
    html = config.getoption("dbops_html")
    return Path(html).with_name("history.jsonl") if html else None


class Reporter(Results):
    """Registered where a file is asked for (`--dbops-html`, `-json`, `-history`), not in workers of pytest-xdist."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self._html = config.getoption("dbops_html")
        self._json = config.getoption("dbops_json")
        self._history = history_file(config)
        self._trouble = ""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        run, drills, at = self.report(), self.drills(), app.now()
        past = extend(self._history, drills, at)
        self._trouble = past.trouble
        page = Page.of(run, drills, past, at)
        write(page, html=Path(self._html) if self._html else None, json=Path(self._json) if self._json else None)
        add_step_summary(run, drills)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._trouble:
            terminalreporter.write_line(f"dbops: no history is kept in {self._history}: {self._trouble}", yellow=True)
