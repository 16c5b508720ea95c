"""What a run of the checks comes to: many cases of one check are told in few words."""

from __future__ import annotations

from typing import Any

import pytest

from dbops.checking.results import SHOWN_TABLES, Results
from dbops.model import Failure, Verdict


def case(outcome: Any, said: object, **facts: object) -> pytest.TestReport:
    """The result of `table-is-equal` for one table, as pytest hands it on."""
    report = pytest.TestReport("checks/test_x.py::test_x", ("x", 1, "x"), {}, outcome, said, "call")  # type: ignore[arg-type]
    vars(report)["dbops"] = {"check": "table-is-equal", "target": "shop", "proves": True, **facts}
    return report


def test_of_many_tables_that_differ_the_first_are_told_and_all_are_counted() -> None:
    results = Results()
    for number in range(SHOWN_TABLES + 5):
        results.pytest_runtest_logreport(case("failed", "it differs", table=f"public.t{number}"))
    report = results.report()
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert [finding.subject for finding in report.findings[:2]] == ["shop: public.t0", "shop: public.t1"]
    assert len(report.findings) == SHOWN_TABLES + 1
    assert (report.findings[-1].subject, report.findings[-1].actual[:10]) == ("shop", "and 5 more")


def test_one_reason_of_many_skipped_tables_is_told_once() -> None:
    results = Results()
    for number in range(5):
        said = ("file", 1, "Skipped: the backup was not restored: artifact-hash")
        results.pytest_runtest_logreport(case("skipped", said, table=f"public.t{number}"))
    results.pytest_runtest_logreport(case("skipped", ("file", 1, "Skipped: another reason"), table="public.t6"))
    report = results.report()
    assert report.verdict is Verdict.INCONCLUSIVE
    assert [item.reason for item in report.not_evaluated] == [
        "shop: the backup was not restored: artifact-hash",
        "shop: another reason",
    ]
