"""What a run of the checks comes to: collected as pytest goes, also from the processes of pytest-xdist."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dbops import __version__
from dbops.checking.drills import SharedDrill
from dbops.checking.judging import findings_of
from dbops.errors import BadBackupError, DbopsError
from dbops.language import msg
from dbops.model import Failure, Finding, NotEvaluated, Report, Severity, Verdict
from dbops.ops.provenance import operator

SHOWN_TABLES = 20
RULE = "dbops_rule"
"""The mark of checks whose failure says nothing about a backup."""
_CLASS = re.compile(r"^(?:Failed|AssertionError|DrillBrokeError|dbops\.[\w.]+): ")


def annotate(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Adds to a result what the collector needs of the check, as plain values: they may cross processes."""
    callspec = getattr(item, "callspec", None)
    names = getattr(item, "fixturenames", ())
    shared = (getattr(item, "funcargs", None) or {}).get("shared_drill")
    error = call.excinfo.value if call.excinfo is not None else None
    findings = findings_of(error)
    report.dbops = {  # type: ignore[attr-defined] # pytest keeps and sends attributes of plain values
        "check": getattr(item, "originalname", item.name).removeprefix("test_").replace("_", "-"),
        "target": str(callspec.params.get("target", "")) if callspec else "",
        "table": str(callspec.params.get("each_table") or "") if callspec else "",
        "sentence": _sentence(item),
        "rule": item.get_closest_marker(RULE) is not None,
        "proves": "shared_drill" in names,
        "drill": str(shared.path) if isinstance(shared, SharedDrill) else "",
        "broke": isinstance(error, DbopsError) and not isinstance(error, BadBackupError),
        "over": bool(findings) and all(f.severity is Severity.OVER_TARGET for f in findings),
    }


def _sentence(item: pytest.Item) -> str:
    """The first line of a check's docstring: what it holds to be true."""
    text = getattr(getattr(item, "function", None), "__doc__", None) or ""
    return text.strip().partition("\n")[0]


class Results:
    """A pytest plugin that keeps what the checks found. `drills`: files with the reports of their drills."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.not_evaluated: list[NotEvaluated] = []
        self.passed: list[tuple[str, str, float]] = []
        """(check, target, seconds) of each that passed."""
        self.errors = 0
        self._bad_backups: list[str] = []
        """Targets, one for each check that calls a backup bad; '' for a check of no target."""
        self.proved: dict[str, int] = defaultdict(int)
        self._broken: list[tuple[str, NotEvaluated]] = []
        self._lacking: list[tuple[str, NotEvaluated]] = []
        """(target, reason) of each check of a copy that was skipped."""
        self._drills: dict[str, str] = {}
        self._tables: Counter[tuple[str, str]] = Counter()
        """Tables that failed, by check and target."""
        self._begun = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        facts: dict[str, Any] = getattr(report, "dbops", {})
        check = facts.get("check") or report.nodeid.rpartition("::")[2]
        target = facts.get("target", "")
        self.proved[target] += 0
        if facts.get("drill"):
            self._drills[target] = facts["drill"]
        if report.skipped:
            skipped = NotEvaluated(id=check, reason=_about(target, _skip_reason(report)))
            if facts.get("proves"):
                if (target, skipped) not in self._lacking:  # once for all tables
                    self._lacking.append((target, skipped))
            else:
                self.not_evaluated.append(skipped)
        elif report.failed and report.when == "call" and not facts.get("broke"):
            self._bad_backups += [] if facts.get("rule") or facts.get("over") else [target]
            self._failed(check, target, facts, _message(report))
        elif report.failed:
            self.errors += 1
            reason = _about(target, msg("could not be run: {message}", message=_message(report)))
            self._broken.append((target, NotEvaluated(id=check, reason=reason)))
        elif report.when == "call":
            self.passed.append((check, target, report.duration))
            self.proved[target] += bool(facts.get("proves"))

    def _failed(self, check: str, target: str, facts: dict[str, Any], message: str) -> None:
        """A finding; of the tables of a target only the first ones, the others are counted."""
        table = facts.get("table", "")
        if table:
            self._tables[check, target] += 1
            if self._tables[check, target] > SHOWN_TABLES:
                return
        self.findings.append(
            Finding(
                id=check,
                severity=Severity.OVER_TARGET if facts.get("over") else Severity.ERROR,
                subject=f"{target}: {table}" if table else target,
                expected=facts.get("sentence", ""),
                actual=message,
            )
        )

    def _more_tables(self) -> list[Finding]:
        return [
            Finding(
                id=check,
                severity=Severity.ERROR,
                subject=target,
                expected=msg("equal tables"),
                actual=msg("and {count} more tables that are not equal", count=count - SHOWN_TABLES),
            )
            for (check, target), count in self._tables.items()
            if count > SHOWN_TABLES
        ]

    def verdict(self) -> Verdict:
        """FAIL for any failed check; INCONCLUSIVE unless for every target a check of a restored copy passed: that files
        are whole, and decode, does not say that they restore."""
        if self.findings:
            return Verdict.FAIL
        return Verdict.PASS if self.proved and all(self.proved.values()) and not self.errors else Verdict.INCONCLUSIVE

    def failure(self) -> Failure:
        """Why the suite did not pass; the gravest reason where there are several."""
        if self._bad_backups:
            return Failure.BAD_BACKUP
        if self.errors:
            return Failure.BROKEN
        if any(finding.severity is Severity.ERROR for finding in self.findings):
            return Failure.RULE_BROKEN
        if self.findings:
            return Failure.OVER_TARGET
        return Failure.NONE if self.verdict() is Verdict.PASS else Failure.ENVIRONMENT

    def drills(self) -> list[Report]:
        """The reports of the drills, in the order of the targets' names."""
        return [
            msgspec.json.decode(Path(path).read_bytes(), type=Report)
            for _, path in sorted(self._drills.items())
            if path
        ]

    def report(self, **provenance: Any) -> Report:
        """`phases`: seconds of the whole run. What was not evaluated begins with what decides the verdict: what
        broke, and why targets have no copy."""
        decisive = sorted(self._lacking, key=lambda lacking: bool(self.proved[lacking[0]]))
        return Report(
            task="check",
            target=", ".join(sorted(name for name in self.proved if name)),
            verdict=self.verdict(),
            findings=(*self.findings, *self._more_tables()),
            phases={"check": time.monotonic() - self._begun},
            not_evaluated=(*(item for _, item in self._broken), *(item for _, item in decisive), *self.not_evaluated),
            provenance={
                "checks_passed": len(self.passed),
                "proved": sorted(name for name, passed in self.proved.items() if name and passed),
                "dbops_version": __version__,
                **operator(),
                **provenance,
            },
            failure=self.failure(),
        )

    def of_targets(self) -> list[Report]:
        """What the run says of each target, for whoever is told of that one alone. A check of no target counts for
        all."""
        drills = {drill.target: drill for drill in self.drills()}
        return [self._of(name, drills.get(name)) for name in sorted(self.proved) if name]

    def _of(self, target: str, drill: Report | None) -> Report:
        of_tables = f"{target}: "
        found = (*self.findings, *self._more_tables())
        findings = tuple(one for one in found if one.subject in (target, "") or one.subject.startswith(of_tables))
        reasons = [item for name, item in (*self._broken, *self._lacking) if name in (target, "")]
        broke = any(name in (target, "") for name, _ in self._broken)
        if findings:
            verdict = Verdict.FAIL
        else:
            verdict = Verdict.PASS if self.proved[target] and not broke else Verdict.INCONCLUSIVE
        if any(name in (target, "") for name in self._bad_backups):
            failure = Failure.BAD_BACKUP
        elif broke:
            failure = Failure.BROKEN
        elif findings:
            over = all(finding.severity is Severity.OVER_TARGET for finding in findings)
            failure = Failure.OVER_TARGET if over else Failure.RULE_BROKEN
        else:
            failure = Failure.NONE if verdict is Verdict.PASS else Failure.ENVIRONMENT
        return Report(
            task="check",
            target=target,
            verdict=verdict,
            findings=findings,
            not_evaluated=tuple(reasons),
            provenance=drill.provenance if drill else {},
            failure=failure,
            evidence=drill.evidence if drill else None,
        )


def _about(target: str, text: str) -> str:
    return msg("{target}: {text}", target=target, text=text) if target else text


def _skip_reason(report: pytest.TestReport) -> str:
    found: Any = report.longrepr
    return str(found[2] if isinstance(found, tuple) else found).removeprefix("Skipped: ")


def _message(report: pytest.TestReport) -> str:
    """What the check said, without its traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longreprtext)
    return _CLASS.sub("", text).partition("\nassert ")[0].strip()
