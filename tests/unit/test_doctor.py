"""doctor goes on after a failure, says what to do, and leaves nothing in the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dbops.config import Bytes, Policy, Target
from dbops.config.urls import Secret
from dbops.engine.base import Engine
from dbops.errors import DatabaseError, StoreError
from dbops.model import Report, Severity, Verdict
from dbops.ops.doctor import doctor
from dbops.progress import Silent
from dbops.store.base import Store
from dbops.store.local import LocalStore


def no_engine(_: Target) -> Engine:
    raise DatabaseError("no answer", hint="start it")


def run(store: Store | None, target: Target | None = None) -> Report:
    def opened() -> Store:
        if store is None:
            raise StoreError("no such bucket", hint="make it")
        return store

    return doctor(target, no_engine, opened, clock=lambda: datetime.now(UTC), progress=Silent())


def errors(report: Report) -> list[str]:
    return [finding.id for finding in report.findings if finding.severity is Severity.ERROR]


def test_both_failures_are_told_each_with_its_fix() -> None:
    report = run(None, Target(url=Secret("postgresql://h/db"), name="db"))
    assert report.verdict is Verdict.FAIL
    assert errors(report) == ["store", "database"]
    assert [finding.hint for finding in report.findings if finding.severity is Severity.ERROR] == [
        "make it",
        "start it",
    ]


def test_a_good_store_is_left_as_it_was(tmp_path: Path) -> None:
    report = run(LocalStore(tmp_path))
    assert (report.verdict, errors(report)) == (Verdict.PASS, [])
    assert [item.id for item in report.not_evaluated] == ["database"], "what was not looked at is named"
    assert list(LocalStore(tmp_path).list()) == []


class Changing(LocalStore):
    """Gives other bytes than it took."""

    def read(self, key: str) -> Iterator[bytes]:
        yield b"x".join(super().read(key)) + b"trailer"


class Keeping(LocalStore):
    """Does not delete."""

    def delete(self, key: str) -> None: ...


class Refusing(LocalStore):
    """Takes objects, and then cannot be reached."""

    def read(self, key: str) -> Iterator[bytes]:
        raise StoreError("gone", kind="gone")


@pytest.mark.parametrize(
    ("kind", "found", "verdict"),
    [
        (Changing, "store-read-back", Verdict.FAIL),
        (Keeping, "store-delete", Verdict.PASS),
        (Refusing, "store-gone", Verdict.FAIL),
    ],
)
def test_a_store_that_misbehaves_is_named(tmp_path: Path, kind: type[LocalStore], found: str, verdict: Verdict) -> None:
    report = run(kind(tmp_path))
    assert found in [finding.id for finding in report.findings]
    assert report.verdict is verdict
    if kind is not Keeping:
        assert list(LocalStore(tmp_path).list()) == []


def test_too_little_room_is_an_error(tmp_path: Path) -> None:
    target = Target(url=Secret("postgresql://h/db"), name="db", policy=Policy(min_free=Bytes(10**18)))
    assert "store-room" in errors(run(LocalStore(tmp_path), target))
