"""Probes of a restored copy: what makes it unusable although every row is right. Cheap; they change nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.mysql import definers
from dbops.engine.mysql.driver_errors import error_of, lost
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.source_views import LEFT_OUT
from dbops.engine.mysql.statements import identifier, statement
from dbops.engine.restoring import NOT_MADE
from dbops.language import msg
from dbops.model import Finding, Manifest, Sequence, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

NO_DEFINER = 1449
_NO_RIGHT_IN_VIEW = 1356
"""A view needs what is not there, or what its definer may not use: the products do not say which."""
_GONE = (1146, 1356, 1305, 1054, 1049)
_NO_RIGHT = (1142, 1143, 1044, 1370)
_NAME = r"`(?:[^`]|``)*`"
_DRAWN = re.compile(rf"nextval\((?:({_NAME})\.)?({_NAME})\)", re.IGNORECASE)
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}


def probe(
    connection: Connection, manifest: Manifest, *, events_wait: bool, loaded: Iterable[Finding] = ()
) -> list[Finding]:
    """What the copy has and the source had not: tables that cannot be opened, views that cannot be selected from,
    indexes that are switched off, definers that are not there; next values that are taken already; and, where events
    shall wait for a swap (`events_wait`), those that run.

    `connection` is in the copy, `loaded` what its load told: a view may read, through a routine, one that was not made.
    Raises an error of the driver where the server is lost.
    """
    known = {(finding.id, finding.subject) for finding in manifest.findings}
    lacking = any(finding.id in (NOT_MADE, LEFT_OUT) for finding in (*manifest.findings, *loaded))
    found = [
        *(_through_a_routine(finding) if lacking else finding for finding in _opening(connection, beside=events_wait)),
        *_disabled(connection),
        *_definers(connection),
        *(_events(connection) if events_wait else ()),
    ]
    return [
        *(finding for finding in found if (finding.id, finding.subject) not in known),
        *_auto_increments(connection, manifest),
        *_sequences(connection, manifest),
    ]


def _opening(connection: Connection, *, beside: bool) -> Iterator[Finding]:
    """A view of a missing definer is told by `_definers`. In a copy beside the live database (`beside`) other definers
    may read nothing, since their rights hang on its name: there what their views select is tried with our own."""
    others = dict(rows(connection, statement("probe_definer_views"))) if beside else {}
    for name, view in rows(connection, statement("probe_names")):
        try:
            rows(connection, f"SELECT 1 FROM {identifier(name)} LIMIT 0")  # noqa: S608
        except pymysql.MySQLError as failure:
            number, said = error_of(failure)
            if lost(failure):
                raise
            if number == NO_DEFINER or number in _NO_RIGHT:
                continue
            if number == _NO_RIGHT_IN_VIEW and name in others and _selects(connection, others[name]):
                yield Finding(
                    id="view-not-tried",
                    severity=Severity.INFO,
                    subject=name,
                    expected=msg("it can be selected from, as in the source"),
                    actual=msg("its definer may not read the copy under this name"),
                )
            elif view and number in _GONE:
                hint = msg("something that it needs is missing")
                yield _error("invalid-view", name, msg("it can be selected from, as in the source"), said, hint)
            elif not view:
                hint = msg("its files are missing or damaged: look into the server's log")
                yield _error("table-unreadable", name, msg("it can be opened, as in the source"), said, hint)


def _through_a_routine(finding: Finding) -> Finding:
    if finding.id != "invalid-view":
        return finding
    return Finding(
        id="view-not-tried",
        severity=Severity.INFO,
        subject=finding.subject,
        expected=finding.expected,
        actual=msg("it reads, through a routine, a view that the copy lacks"),
    )


def _selects(connection: Connection, definition: str) -> bool:
    """Whether we can select what a view selects; a view in it that its own definer may not read is tried by itself."""
    try:
        rows(connection, f"SELECT 1 FROM ({definition}) AS tried LIMIT 0")  # noqa: S608
    except pymysql.MySQLError as failure:
        if lost(failure):
            raise
        return error_of(failure)[0] == _NO_RIGHT_IN_VIEW
    return True


def _disabled(connection: Connection) -> Iterator[Finding]:
    for table, index in rows(connection, statement("probe_disabled_indexes")):
        hint = msg("ALTER TABLE {identifier} ENABLE KEYS", identifier=identifier(table))
        yield _error(
            "invalid-index",
            msg("{index} of {table}", index=index, table=table),
            msg("it is in use, as in the source"),
            msg("it is disabled"),
            hint,
        )


def _definers(connection: Connection) -> Iterator[Finding]:
    """Without the right to see the accounts, views of a missing one are found by `examine` alone."""
    for account in definers.missing(connection):
        hint = "create it (see globals.sql), or restore with --no-owner"
        yield definers.finding(account, Severity.ERROR, hint)


def _events(connection: Connection) -> Iterator[Finding]:
    for name, state in rows(connection, statement("probe_live_events")):
        hint = msg("it acts on the copy, or on others: ALTER EVENT … DISABLE")
        yield _error("event-enabled", name, msg("disabled in a copy"), state, hint)


# --- next values ------------------------------------------------------------------------------------------------------


def _auto_increments(connection: Connection, manifest: Manifest) -> Iterator[Finding]:
    """One that gives no further value, or one that is there already. If the source had it so, that is a warning."""
    expected = {s.name: s for s in manifest.inventory.sequences}
    for table, column, column_type, following in rows(connection, statement("probe_auto_increments")):
        last = _extreme(connection, table, column, "MAX")
        label, most = f"{table}.{column}", largest(column_type)
        following = int(following)
        if last is None or last < following <= most:
            continue
        hint = f"ALTER TABLE {identifier(table)} AUTO_INCREMENT = {int(last) + 1}"
        if following >= most:
            hint = msg("no value is left in {column_type}: give the column a larger type", column_type=column_type)
        yield _behind(label, column, last, following, had_position(expected.get(label), following), hint)


def _sequences(connection: Connection, manifest: Manifest) -> Iterator[Finding]:
    """Defaults that draw from a sequence of MariaDB."""
    expected = {s.name: s for s in manifest.inventory.sequences}
    own = str(rows(connection, "SELECT DATABASE()")[0][0])
    for table, column, default in rows(connection, statement("probe_sequence_defaults")):
        for database, name in drawn(default):
            if database not in ("", own):
                if database == manifest.engine.database:
                    actual = msg(
                        "it draws from {database}.{name}, a sequence of the source's database",
                        database=database,
                        name=name,
                    )
                    hint = msg(
                        "ALTER TABLE {table} ALTER {column} SET DEFAULT …",
                        table=identifier(table),
                        column=identifier(column),
                    )
                    yield _error(
                        "sequence-elsewhere", f"{table}.{column}", msg("a sequence of its own database"), actual, hint
                    )
                continue
            query = f"SELECT next_not_cached_value, increment FROM {identifier(name)}"  # noqa: S608
            following, step = (int(value) for value in rows(connection, query)[0])
            last = _extreme(connection, table, column, "MIN" if step < 0 else "MAX")
            if last is None or (following < last if step < 0 else following > last):
                continue
            hint = msg(
                "ALTER SEQUENCE {identifier} RESTART WITH {last}",
                identifier=identifier(name),
                last=int(last) + (step or 1),
            )
            as_source = had_position(expected.get(name), following)
            yield _behind(name, f"{table}.{column}", last, following, as_source, hint)


def drawn(default: str) -> list[tuple[str, str]]:
    """Database ('' if it is not named) and name of each sequence from which a column's default draws."""
    return [(_plain(match[1] or ""), _plain(match[2])) for match in _DRAWN.finditer(default)]


def largest(column_type: str) -> float:
    """The largest number that an integer column holds; infinity for other types."""
    kind = re.split(r"[ (]", column_type, maxsplit=1)[0]
    if kind not in _BITS:
        return float("inf")
    return int(2 ** (_BITS[kind] - (0 if "unsigned" in column_type else 1)) - 1)


def had_position(before: Sequence | None, value: int) -> bool:
    """Whether the source drew this value next too, at some moment of its dump."""
    return before is not None and min(before.value, before.value_after) <= value <= max(
        before.value, before.value_after
    )


def _extreme(connection: Connection, table: str, column: str, function: str) -> int | None:
    query = f"SELECT {function}({identifier(column)}) FROM {identifier(table)}"  # noqa: S608
    try:
        value = rows(connection, query)[0][0]
    except pymysql.MySQLError as failure:
        if lost(failure):
            raise
        return None  # what cannot be read is told by `_opening`
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None  # a text, into which nothing says how numbers are put


def _behind(label: str, column: str, last: int, following: int, as_source: bool, hint: str) -> Finding:
    return Finding(
        id="sequence-behind",
        severity=Severity.WARNING if as_source else Severity.ERROR,
        subject=label,
        expected=msg("beyond {last}, which {column} holds", last=last, column=column),
        actual=msg(
            "the next value is {following}{aside}",
            following=following,
            aside=msg(", as in the source") if as_source else "",
        ),
        hint=msg("an insert will fail: {hint}", hint=hint),
    )


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _error(kind: str, subject: str, expected: str, actual: str, hint: str) -> Finding:
    return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual, hint=hint)
