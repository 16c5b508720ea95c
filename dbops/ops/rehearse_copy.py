"""The copy before and after: tables, rows, columns, definitions. What is gone is a finding; what is new is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dbops.engine.base import Content, Reading, TableKey, TableRef
from dbops.engine.restoring import SideDatabase
from dbops.language import msg
from dbops.model import Finding, ObjectDigest, Severity
from dbops.ops.rehearse_blame import Blame
from dbops.ops.rehearse_facts import TableChange
from dbops.progress import Silent
from dbops.values import label

LEDGER_TABLES = frozenset({("dbops", "ledger"), ("dbops", "migration"), ("", "dbops_ledger"), ("", "dbops_migration")})
"""Ours, and no business of the application's."""


class Look(NamedTuple):
    """`contents`: rows, with a digest in which their order does not count where one was asked for."""

    tables: Mapping[TableKey, TableRef]
    contents: Mapping[TableKey, Content]
    objects: Mapping[str, tuple[ObjectDigest, ...]]


def look(side: SideDatabase, jobs: int, *, version_table: str, like: Look | None = None, digest: bool = True) -> Look:
    """What the copy holds. `like`: an earlier look, whose columns are read, so that the digests can be compared."""
    with side.snapshot() as snapshot:
        tables = {
            (one.schema, one.name): one
            for one in snapshot.tables()
            if (one.schema, one.name) not in LEDGER_TABLES and one.name != version_table
        }
        read = []
        for key, one in tables.items():
            old = like.tables.get(key) if like is not None else None
            same = old is not None and set(old.columns) == set(one.columns)
            columns = old.columns if old is not None and same else one.columns
            # Rows do not keep their order in an upgrade: only a sum over them can be compared.
            reading = one.reading if one.reading is Reading.COUNTED else Reading.UNORDERED
            read.append(one._replace(columns=columns, reading=reading))
        found = snapshot.contents(read, jobs, Silent()) if digest else snapshot.counts(read, jobs)
        return Look(tables, found, snapshot.objects())


def changes(before: Look, after: Look) -> Iterator[TableChange]:
    """Tables that came, went, or have other columns or another number of rows."""
    for key in sorted(before.tables.keys() | after.tables.keys()):
        old, new = before.tables.get(key), after.tables.get(key)
        gone = tuple(c for c in old.columns if c not in new.columns) if old and new else ()
        added = tuple(c for c in new.columns if c not in old.columns) if old and new else ()
        rows_before = before.contents[key].rows if old else None
        rows_after = after.contents[key].rows if new else None
        if old is None or new is None or gone or added or rows_before != rows_after:
            yield TableChange(
                name=label(*key),
                rows_before=rows_before,
                rows_after=rows_after,
                columns_gone=gone,
                columns_new=added,
            )


def lost(found: list[TableChange], blame: Blame) -> Iterator[Finding]:
    """Rows and columns that are gone."""
    for one in found:
        if one.rows_before and (one.rows_after or 0) < one.rows_before:
            what = (
                msg("the table is gone")
                if one.rows_after is None
                else msg("{rows_after} are left", rows_after=one.rows_after)
            )
            yield Finding(
                id="rehearsal-rows-lost",
                severity=Severity.ERROR,
                subject=blame.of_rows(one.name),
                expected=msg("{one}: {rows_before} rows, as before", one=one.name, rows_before=one.rows_before),
                actual=what,
                hint=msg("if it is meant: allow it for this revision, with a reason; a restore brings the rows back"),
            )
        elif one.rows_after is None and one.rows_before is not None:
            subject = blame.of_rows(one.name)
            yield _gone(subject, msg("table {one}", one=one.name), msg("the table (empty) is gone"))
        for column in one.columns_gone:
            yield _gone(
                blame.of_column(one.name, column),
                msg("{one}.{column}", one=one.name, column=column),
                msg("the column is gone, or has another name"),
            )


def _gone(subject: str, what: str, how: str) -> Finding:
    return Finding(
        id="rehearsal-column-gone",
        severity=Severity.WARNING,
        subject=subject,
        expected=what,
        actual=how,
        hint=msg("the release that runs now must not use it any more; `queries` in dbops.toml proves that"),
    )


def differences(before: Look, after: Look, version_table: str) -> list[str]:
    """What is not as it was, one line each; empty if all rows and definitions are equal."""
    found = []
    for change in changes(before, after):
        found.append(f"{change.name}: {_counts(change)}{_columns(change)}")
    for key in before.tables.keys() & after.tables.keys():
        old, new = before.contents[key], after.contents[key]
        comparable = old.rows == new.rows and set(before.tables[key].columns) == set(after.tables[key].columns)
        if comparable and old.digest and new.digest and old.digest != new.digest:
            found.append(msg("{label}: {rows} rows, but what is in them differs", label=label(*key), rows=old.rows))
    for kind in sorted(before.objects.keys() | after.objects.keys()):
        was = {one.name: one.digest for one in before.objects.get(kind, ())}
        now = {one.name: one.digest for one in after.objects.get(kind, ())}
        changed = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
        # A downgrade to nothing leaves the version table, with whatever belongs to it.
        names = [name for name in changed if not _ours(name) and version_table not in name]
        found += [f"{kind} {name} {_how(was.get(name), now.get(name))}" for name in names[:5]]
    return found


def _how(was: str | None, now: str | None) -> str:
    if was is None:
        return msg("is left over")
    return "is gone" if now is None else "is another"


def _ours(name: str) -> bool:
    return name.startswith(("dbops.", "dbops_")) or name == "dbops"


def _counts(change: TableChange) -> str:
    before = "no table" if change.rows_before is None else f"{change.rows_before} rows"
    after = "no table" if change.rows_after is None else f"{change.rows_after} rows"
    return msg("{before} before, {after} now", before=before, after=after) if before != after else before


def _columns(change: TableChange) -> str:
    gone = msg(", without {columns}", columns=", ".join(change.columns_gone)) if change.columns_gone else ""
    new = msg(", with {columns}", columns=", ".join(change.columns_new)) if change.columns_new else ""
    return gone + new
