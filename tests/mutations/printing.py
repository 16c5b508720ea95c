"""The printed table of mutations."""

from __future__ import annotations

from dbops.model import Report, Verdict
from tests.mutations.bench import naming, wrong


class Table:
    """Prints a row for each drill, and counts."""

    def __init__(self) -> None:
        self.found = self.missed = self.quiet = self.alarms = 0

    def mutation(self, name: str, expected: str, report: Report) -> None:
        found = naming(report, expected) if report.verdict is Verdict.FAIL else None
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
