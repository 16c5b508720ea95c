"""`invoke check`: runs the shipped pytest suite in this process; its results become a Report and an exit code."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections import defaultdict
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from dbops import __version__
from dbops.check_fixtures import CONFIG
from dbops.cli import Output
from dbops.config import Config
from dbops.config.file import load
from dbops.errors import ConfigError, Exit
from dbops.model import Finding, NotEvaluated, Report, Severity, Verdict

_CLASS = re.compile(r"^(?:Failed|AssertionError|dbops\.errors\.\w+): ")


class Collector:
    """A pytest plugin: gives the checks their configuration and keeps what they found."""

    def __init__(self, config: Config, target: str | None) -> None:
        self.findings: list[Finding] = []
        self.not_evaluated: list[NotEvaluated] = []
        self.errors = 0
        self.proved: dict[str, int] = defaultdict(int)
        self._config = config
        self._target = target
        self._uses_backup: dict[str, str] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[CONFIG] = (self._config, self._target)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Which target each check is about, and that a target is proved only by checks that look at a backup."""
        for item in items:
            callspec = getattr(item, "callspec", None)
            name = str(callspec.params.get("target", "")) if callspec else ""
            self.proved[name] += 0
            if "manifest" in getattr(item, "fixturenames", ()):
                self._uses_backup[item.nodeid] = name

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rpartition("::")[2]
        check, _, subject = name.removeprefix("test_").partition("[")
        kind, subject = check.replace("_", "-"), subject.rstrip("]")
        if report.skipped:
            self.not_evaluated.append(NotEvaluated(id=kind, reason=f"{subject}: {_skip_reason(report)}"))
        elif report.failed and report.when == "call":
            self.findings.append(Finding(id=kind, severity=Severity.ERROR, subject=subject, actual=_message(report)))
        elif report.failed:
            self.errors += 1
            self.not_evaluated.append(NotEvaluated(id=kind, reason=f"{subject}: could not be run: {_message(report)}"))
        elif report.when == "call" and report.nodeid in self._uses_backup:
            self.proved[self._uses_backup[report.nodeid]] += 1

    def verdict(self) -> Verdict:
        """FAIL for any failed check; INCONCLUSIVE unless every target had a check that passed on a backup of it."""
        if self.findings:
            return Verdict.FAIL
        return Verdict.PASS if self.proved and all(self.proved.values()) and not self.errors else Verdict.INCONCLUSIVE


def check(output: Output, *, target: str | None, url: str | None, store: str | None, junit: str) -> None:
    """Runs the checks; the report's verdict decides the exit code, and 4 if a check could not be run."""
    begun = time.monotonic()
    config = load(url=url, store=store, target=target)
    if target is not None and config.targets:
        config.target(target)
    collector = Collector(config, target)
    folder = checks_folder()
    options = ["-c", os.devnull, "--rootdir", str(folder), "--confcutdir", str(folder), "-p", "no:cacheprovider"]
    _writable(Path(junit))
    options += ["-o", "junit_suite_name=dbops", f"--junit-xml={Path(junit).absolute()}", "--capture=sys"]
    said = io.StringIO()
    with redirect_stdout(said):  # the report says it better
        status = pytest.main([*options, "-q", str(folder)], plugins=[collector])
    if status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        sys.stderr.write(said.getvalue())
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    report = Report(
        task="check",
        target=target or ", ".join(sorted(name for name in collector.proved if name)),
        verdict=collector.verdict(),
        findings=tuple(collector.findings),
        phases={"check": time.monotonic() - begun},
        not_evaluated=tuple(collector.not_evaluated),
        provenance={"dbops_version": __version__, "store": config.store.url, "junit": junit},
    )
    output.report(report)
    if collector.errors or status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        output.code = Exit.OPERATION


def _writable(path: Path) -> None:
    """Makes the folder of a file, and finds out whether the file can be written, before anything is checked."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a"):
            pass
    except OSError as error:
        hint = "give --junit with a path that you may write"
        raise ConfigError(f"{path} cannot be written: {error.strerror}", hint=hint, kind="not-writable") from None


def checks_folder() -> Path:
    """Where the suite lies: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "checks", package.parent / "checks"):
        if (folder / "conftest.py").is_file():
            return folder
    raise ConfigError("this installation has no checks", hint="install dbops from its wheel", kind="no-checks")


def _skip_reason(report: pytest.TestReport) -> str:
    found: Any = report.longrepr
    return str(found[2] if isinstance(found, tuple) else found).removeprefix("Skipped: ")


def _message(report: pytest.TestReport) -> str:
    """What the check said, without its traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longreprtext)
    return _CLASS.sub("", text).partition("\nassert ")[0].strip()
