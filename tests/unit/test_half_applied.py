"""Half a revision, told by trying its statements on a copy: what a server misses is in only if the revision has taken
it away, and not where it never was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dbops.engine.migrating import Refusal
from dbops.ops.half_applied import diagnose

ADD = "ALTER TABLE orders ADD COLUMN step BIGINT"
BOOKKEEPING = "UPDATE alembic_version SET version_num='r2'"


class Copy:
    """Refuses what it is told to, and takes the rest."""

    def __init__(self, refused: Mapping[str, str]) -> None:
        self._refused, self.ran = refused, 0

    def attempt(self, statement: str, _seconds: float, *, keep: bool) -> Refusal | None:
        assert keep
        code = self._refused.get(statement)
        self.ran += code is None
        return Refusal(code, "refused") if code else None


def states(dialect: str, *statements: tuple[str, str]) -> list[str] | None:
    """Of each statement; with the code by which it is refused, '' if it is not."""
    copy: Any = Copy({text: code for text, code in statements if code})
    sql = ";\n".join([*(text for text, _ in statements), BOOKKEEPING])
    half = diagnose("r2", sql, dialect, "alembic_version", copy, lambda: copy.ran)
    return None if half is None else [part.state for part in half.parts]


@pytest.mark.parametrize(("dialect", "no_table"), [("mariadb", "1146"), ("postgres", "42P01")])
def test_a_copy_without_the_table_is_no_half_of_a_revision(dialect: str, no_table: str) -> None:
    """It would be told to write the version table by hand, and none of it has run."""
    key = "ALTER TABLE orders DROP PRIMARY KEY"
    assert states(dialect, (ADD, no_table), (key, no_table)) is None
    assert states(dialect, ("CREATE TABLE old (a INT)", ""), ("DROP TABLE other", no_table)) == ["missing", "in"]


@pytest.mark.parametrize(("dialect", "no_table"), [("mariadb", "1146"), ("postgres", "42P01")])
@pytest.mark.parametrize("away", ["DROP TABLE orders", "ALTER TABLE orders RENAME TO bills"])
def test_a_table_that_the_revision_takes_away(dialect: str, no_table: str, away: str) -> None:
    assert states(dialect, (ADD, no_table), (away, no_table), ("CREATE TABLE n (a INT)", "")) == ["in", "in", "missing"]


@pytest.mark.parametrize(("dialect", "no_column"), [("mysql", "1054"), ("postgres", "42703")])
def test_a_column_that_the_revision_takes_away(dialect: str, no_column: str) -> None:
    used = "CREATE INDEX i ON orders (town)"
    dropped = "ALTER TABLE orders DROP COLUMN town"
    assert states(dialect, (used, no_column), (dropped, no_column)) == ["in", "in"]
    assert states(dialect, (used, no_column), (ADD, "")) is None


def test_what_is_there_is_in() -> None:
    assert states("mariadb", (ADD, "1060"), ("CREATE TABLE n (a INT)", "")) == ["in", "missing"]
