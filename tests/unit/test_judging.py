"""Each check of a drill looks at the findings that belong to it: what a probe can find is in one of them, by its id."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from dbops import engine
from dbops.checking import judging
from dbops.evidence import Evidence, Match, TableProof
from dbops.model import Failure, Finding, Report, Severity, Verdict

_ID = re.compile(r"""\b_?error\(\s*"([a-z-]+)"|\bid="([a-z-]+)"|^SELECT (?:DISTINCT )?'([a-z-]+)'""", re.MULTILINE)
_BROKEN = re.compile(r'"([a-z]+-broken)" (?:if|else)|else "([a-z]+-broken)"|"(matview-broken)"|"(view-broken)"')
_OBJECTS = {"definer-missing", "event-enabled", "missing-tablespace"}
_NO_ERROR = {
    "float-column", "foreign-table", "lossy-charset", "outside-snapshot", "subscription-left-out", "unlogged-table",
    "view-not-tried",
}  # fmt: skip
"""About a source, or of a lower severity."""


def _emitted() -> set[str]:
    """Ids of whatever looks closely at a copy, of every engine."""
    found = set()
    for folder in (path for path in Path(engine.__file__).parent.iterdir() if (path / "probes.py").exists()):
        sources = [folder / "probes.py", *(folder / "examine").glob("*.py"), folder / "sql" / "source_warnings.sql"]
        definers = folder / "definers.py"
        for source in [*sources, *([definers] if definers.exists() else [])]:
            text = source.read_text()
            for pattern in (_ID, _BROKEN):
                found |= {next(filter(None, match)) for match in pattern.findall(text)}
    return found


EMITTED = _emitted()


def _report(kind: str) -> Report:
    finding = Finding(id=kind, severity=Severity.ERROR, subject="x", expected="a", actual="b")
    return Report(
        task="drill",
        target="shop",
        verdict=Verdict.FAIL,
        findings=(finding,),
        phases={},
        provenance={},
        failure=Failure.BAD_BACKUP,
    )


def _checks(kind: str) -> set[str]:
    report = _report(kind)
    found = {
        "rows": judging.of(report, judging.ROWS),
        "content": judging.of(report, judging.CONTENT),
        "sequences": judging.of(report, judging.SEQUENCES),
        "validity": judging.of(report, judging.VALIDITY),
        "objects": judging.of_objects(report),
    }
    return {name for name, findings in found.items() if findings}


def test_the_ids_are_found_in_the_engines() -> None:
    assert {
        "not-unique",
        "view-broken",
        "matview-broken",
        "invalid-view",
        "table-unreadable",
        "definer-missing",
    } <= EMITTED


@pytest.mark.parametrize("kind", sorted(EMITTED - _NO_ERROR))
def test_what_a_probe_finds_is_in_the_check_that_it_belongs_to(kind: str) -> None:
    sequences = {"sequence-behind", "sequence-elsewhere", "insert-fails"}
    wanted = "objects" if kind in _OBJECTS else "sequences" if kind in sequences else "validity"
    assert _checks(kind) == {wanted}


def test_no_check_waits_for_what_nothing_finds() -> None:
    assert judging.VALIDITY <= EMITTED


def test_the_case_of_a_table_has_what_is_about_it_and_its_rows() -> None:
    def finding(kind: str, subject: str) -> Finding:
        return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected="a", actual="b")

    about = [finding("table-content", "public.a"), finding("row-differs", "public.a id='7'")]
    others = [finding("table-content", "public.ab"), finding("index-missing", "public.a"), finding("rto", "public.a")]
    names = {"a": Match.DIFFERENT, "ab": Match.DIFFERENT, "silent": Match.DIFFERENT, "equal": Match.EQUAL}
    tables = tuple(TableProof(schema="public", name=name, match=match, rows=1) for name, match in names.items())
    report = msgspec.structs.replace(_report("x"), findings=(*about, *others), evidence=Evidence(tables=tables))
    assert judging.of_table(report, "public.a") == about
    assert [item.id for item in judging.of_table(report, "public.silent")] == ["table-different"]
    assert judging.of_table(report, "public.equal") == []
    assert {item.subject for item in judging.of_table(report, None)} == {
        "public.a", "public.a id='7'", "public.ab", "public.silent"
    }  # fmt: skip
