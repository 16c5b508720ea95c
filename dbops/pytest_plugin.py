"""Options and report hooks of the checks for pytest. Nothing else of dbops is imported here: this module loads in every
run of pytest. The fixtures are in `check_fixtures`; the `conftest.py` beside the checks asks for them.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dbops", "database backups (dbops)")
    group.addoption("--dbops-config", metavar="FILE", help="configuration (default: DBOPS_CONFIG, or ./dbops.toml)")
    group.addoption("--dbops-store", metavar="URL", help="where backups live (default: the configuration's)")
    group.addoption("--dbops-target", metavar="NAME", help="check only this target")
    group.addoption(
        "--dbops-sandbox", metavar="KIND", help="auto, container, local, embedded, or the URL of an empty server"
    )
    group.addoption("--dbops-html", metavar="FILE", help="write the report as one HTML file")
    group.addoption("--dbops-json", metavar="FILE", help="write the report as JSON")
    group.addoption(
        "--dbops-history",
        metavar="FILE",
        help="where the figures of all drills are kept, for the trend (default: history.jsonl beside the HTML report)",
    )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Findings, target and drill travel with a check's result, also from the processes of pytest-xdist."""
    outcome = yield
    if "target" in getattr(item, "fixturenames", ()):
        from dbops.checking.results import annotate

        annotate(item, call, outcome.get_result())


def pytest_configure(config: pytest.Config) -> None:
    """For plain `pytest checks/`: the same reports as those of `invoke check`, and its exit code 5."""
    config.addinivalue_line("markers", "dbops_rule: a check whose failure says nothing about a backup")
    if hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(Unproved(), "dbops-unproved")
    if any(config.getoption(name) for name in ("dbops_html", "dbops_json", "dbops_history")):
        from dbops.checking.reporter import Reporter

        config.pluginmanager.register(Reporter(config), "dbops-reporter")


class Unproved:
    """A run in which every check of a target's restored copy was skipped is no green one: it ends with 5."""

    def __init__(self) -> None:
        self._passed: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        facts = getattr(report, "dbops", {})
        if facts.get("proves"):
            passed = report.when == "call" and report.passed
            self._passed[facts["target"]] = self._passed.get(facts["target"], False) or passed

    def _targets(self) -> list[str]:
        return sorted(target for target, passed in self._passed.items() if not passed)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and self._targets():
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._targets():
            terminalreporter.write_line(f"dbops: nothing was proved about {', '.join(self._targets())}", yellow=True)
