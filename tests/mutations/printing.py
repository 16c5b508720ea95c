"""The printed table of mutations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from dbops.model import Finding, Report, Verdict
from tests.mutations.bench import naming, wrong
from tests.mutations.rounds import Case, found_by

C = TypeVar("C")


class Table:
    """Prints a row for each mutation, and counts."""

    def __init__(self) -> None:
        self.found = self.missed = self.quiet = self.alarms = 0

    def mutation(self, name: str, expected: str, report: Report) -> None:
        self._row(name, expected, report, naming(report, expected) if report.verdict is Verdict.FAIL else None)

    def round(self, report: Report, group: Sequence[Case[C]], note: str = "") -> None:
        """A row for each of the mutations that were done together."""
        for case in group:
            self._row(f"{case.name}{note}", case.named, report, found_by(report, case, group))

    def _row(self, name: str, expected: str, report: Report, found: Finding | None) -> None:
        self.found += found is not None
        self.missed += found is None
        unlike = f"MISSED ({report.verdict.value}) {wrong(report)[:2]} {[n.reason for n in report.not_evaluated][:4]}"
        seen = f"{found.id}: {found.subject}" if found else unlike
        print(f"{name:<36} {expected:<28} {seen}", flush=True)

    def benign(self, name: str, report: Report) -> None:
        quiet = report.verdict is Verdict.PASS
        self.quiet += quiet
        self.alarms += not quiet
        seen = "nothing, as it must" if quiet else f"FALSE ALARM ({report.verdict.value}): {wrong(report)[:3]}"
        print(f"{name:<36} {'(benign)':<28} {seen}", flush=True)

    def sum_up(self, title: str) -> bool:
        """Whether all is as it must be."""
        total, benign = self.found + self.missed, self.quiet + self.alarms
        print(f"{title}: {self.found} of {total} mutations found, {self.quiet} of {benign} benign changes green")
        return not (self.missed or self.alarms)
