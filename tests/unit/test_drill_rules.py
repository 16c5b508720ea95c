"""Small rules of a drill: values of invariants, kinds of failure, several drills as one, who ran it."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from dbops.errors import BadBackupError, ConfigError, DbopsError, NothingToCheckError, StoreError
from dbops.model import Failure, Finding, NotEvaluated, Report, Severity, Verdict
from dbops.ops.drill_report import failure_of
from dbops.ops.drill_rules import equal
from dbops.ops.drill_several import combine, not_drilled
from dbops.ops.provenance import operator
from dbops.report import drill_text
from dbops.report.verdict import headline
from dbops.tasks.drill import parse_sample


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (0, 0),
        (Decimal("0.00"), 0),
        (2.0, 2),
        ("x", "x"),
        (None, None),
        (Decimal("1.5"), 1.5),
        (7, "7"),
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (Decimal(1), True),
    ],
)
def test_values_of_invariants_that_are_equal(found: object, wanted: object) -> None:
    assert equal(found, wanted)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (1, 0),
        (None, 0),
        (True, 1),
        (False, 0),
        ("0", 0),
        (Decimal("NaN"), 0),
        ("", None),
        (0.1, 0),
        (True, False),
        (2, True),
        (1, False),
        (0, True),
        (None, False),
        ("1", True),
        ("true", True),
        (Decimal("NaN"), True),
        (Decimal("0.5"), True),
    ],
)
def test_values_of_invariants_that_are_not(found: object, wanted: object) -> None:
    assert not equal(found, wanted)


def _finding(severity: Severity) -> Finding:
    return Finding(id="x", severity=severity, subject="y")


@pytest.mark.parametrize(
    ("severities", "trouble", "failure"),
    [
        ([], Failure.NONE, Failure.NONE),
        ([Severity.WARNING], Failure.NONE, Failure.NONE),
        ([Severity.OVER_TARGET], Failure.NONE, Failure.OVER_TARGET),
        ([Severity.OVER_TARGET, Severity.ERROR], Failure.NONE, Failure.BAD_BACKUP),
        ([Severity.ERROR], Failure.BROKEN, Failure.BAD_BACKUP),
        ([], Failure.ENVIRONMENT, Failure.ENVIRONMENT),
        ([Severity.OVER_TARGET], Failure.BROKEN, Failure.BROKEN),
    ],
)
def test_the_kind_of_a_failure(severities: list[Severity], trouble: Failure, failure: Failure) -> None:
    findings = [_finding(severity) for severity in severities]
    bad = any(s in (Severity.ERROR, Severity.OVER_TARGET) for s in severities)
    assert failure_of(Verdict.FAIL if bad else Verdict.PASS, findings, trouble) is failure


def _report(target: str, verdict: Verdict, failure: Failure) -> Report:
    return Report(
        task="drill",
        target=target,
        verdict=verdict,
        phases={"fetch": 1.0},
        provenance={"backup": "20261124T024500Z"},
        failure=failure,
    )


def test_of_several_drills_the_worst_counts() -> None:
    good = _report("a", Verdict.PASS, Failure.NONE)
    lacking = _report("b", Verdict.INCONCLUSIVE, Failure.ENVIRONMENT)
    bad = _report("c", Verdict.FAIL, Failure.BAD_BACKUP)
    broken = _report("d", Verdict.INCONCLUSIVE, Failure.BROKEN)
    assert combine([good]) is good
    assert (combine([good, lacking]).verdict, combine([good, lacking]).failure) == (
        Verdict.INCONCLUSIVE,
        Failure.ENVIRONMENT,
    )
    assert combine([good, lacking, bad]).failure is Failure.BAD_BACKUP
    whole = combine([good, lacking, bad, broken])
    assert (whole.failure, whole.target, whole.phases) == (Failure.BROKEN, "a, b, c, d", {"fetch": 4.0})


def test_of_several_drills_each_finding_says_which_backup_it_is_about() -> None:
    one = msgspec.structs.replace(
        _report("a", Verdict.PASS, Failure.NONE), not_evaluated=(NotEvaluated(id="smoke", reason="none is configured"),)
    )
    two = msgspec.structs.replace(_report("b", Verdict.FAIL, Failure.BAD_BACKUP), findings=(_finding(Severity.ERROR),))
    whole = combine([one, two])
    assert [finding.subject for finding in whole.findings] == ["b/20261124T024500Z: y"]
    assert [item.reason for item in whole.not_evaluated] == ["a/20261124T024500Z: none is configured"]


@pytest.mark.parametrize(
    ("error", "verdict", "failure"),
    [
        (NothingToCheckError("no backup", hint="make one"), Verdict.INCONCLUSIVE, Failure.ENVIRONMENT),
        (StoreError("it does not answer", hint="make one"), Verdict.INCONCLUSIVE, Failure.BROKEN),
        (BadBackupError("changed", hint="make one"), Verdict.FAIL, Failure.BAD_BACKUP),
    ],
)
def test_a_target_that_cannot_be_drilled_counts_and_is_named(
    error: DbopsError, verdict: Verdict, failure: Failure
) -> None:
    whole = combine([_report("a", Verdict.PASS, Failure.NONE), not_drilled("shop", error)])
    assert (whole.verdict, whole.failure) == (verdict, failure)
    told = [item.reason for item in whole.not_evaluated] + [f"{f.subject}: {f.actual}" for f in whole.findings]
    assert len(told) == 1
    assert "shop: " in told[0]
    assert error.message in told[0]


def test_the_headline_gives_the_reason_of_what_is_missing_and_not_another() -> None:
    lacking = not_drilled("shop", NothingToCheckError("no backup", hint="make one"))
    good = msgspec.structs.replace(
        _report("z", Verdict.PASS, Failure.NONE), not_evaluated=(NotEvaluated(id="smoke", reason="none is configured"),)
    )
    head = headline(combine([lacking, good]))
    assert (head.text, head.advice) == ("not every backup was proved", "shop: no backup: make one")
    assert headline(combine([lacking, lacking])).text == "nothing was proved"
    assert "z, 1 backup," in drill_text.verdict(combine([lacking, good])).replace("\n      ", " ")


def test_the_operator_is_told_with_the_job_and_the_commit() -> None:
    github = {"GITHUB_REPOSITORY": "me/shop", "GITHUB_RUN_ID": "7", "GITHUB_SHA": "abc"}
    assert operator(github)["ci_job"] == "https://github.com/me/shop/actions/runs/7"
    assert operator(github)["commit"] == "abc"
    assert operator({"CI_JOB_URL": "https://gitlab/1"})["ci_job"] == "https://gitlab/1"
    assert set(operator({})) == {"operator"}


@pytest.mark.parametrize("text", ["older", "older=x", "older=", "newer=1", "older=1000"])
def test_a_sample_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_sample(text)


def test_samples() -> None:
    assert (parse_sample(None), parse_sample("older=2")) == (0, 2)
