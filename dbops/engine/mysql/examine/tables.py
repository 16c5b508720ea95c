"""What CHECK TABLE … EXTENDED looks for: pages that cannot be read, indexes out of order or without their rows, rows in
a partition that is not theirs.

It is the last of all: MariaDB marks an index that it finds wrong, and nobody reads through it from then on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.examining import Outcome, Skipped, error
from dbops.engine.mysql.examine.common import Task, damaged, not_tried, said
from dbops.engine.mysql.examine.facts import Facts, Table
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier
from dbops.language import msg
from dbops.model import Finding

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

KIND = "indexes"
TITLE = msg("every index agrees with its table, and every page can be read (CHECK TABLE)")
_UNSUPPORTED = "doesn't support check"
_VERDICT = "Corrupt"
_MISPLACED = "misplaced row"
_RECORD = re.compile(r": (?:COMPACT |REDUNDANT |DYNAMIC )?RECORD\b.*", re.DOTALL | re.IGNORECASE)
_LONGEST = 300
_HINT = msg("did the copy's disk, or a collation or function that an index is built on, change?")


def tasks(facts: Facts) -> list[Task]:
    """One CHECK TABLE for each table."""

    def task(table: Table) -> Task:
        return Task(KIND, table.name, table.bytes, lambda session: _check(session, table))

    return [task(table) for table in facts.tables]


def unreadable(facts: Facts) -> list[tuple[Task, Outcome]]:
    """Tables whose definition cannot even be shown."""
    found: list[tuple[Task, Outcome]] = []
    for table, failure in facts.unreadable:
        outcome = not_tried(table.name, failure)
        if damaged(failure):
            outcome = Outcome(1, (error("heap-corrupt", table.name, msg("it can be opened"), said(failure)),))
        found.append((Task(KIND, table.name, 0, lambda _: Outcome()), outcome))
    return found


def _check(connection: Connection, table: Table) -> Outcome:
    try:
        found = rows(connection, f"CHECK TABLE {identifier(table.name)} EXTENDED")
    except pymysql.MySQLError as failure:
        if damaged(failure):
            return Outcome(1, (error("heap-corrupt", table.name, msg("its pages are sound"), said(failure)),))
        raise
    told = [(str(kind).lower(), str(text)) for _, _, kind, text in found]
    if any(_UNSUPPORTED in text for _, text in told):
        return Outcome(skipped=(Skipped(msg("{engine} cannot be checked", engine=table.engine), table.name),))
    if told and told[-1] == ("status", "OK") and not any(kind == "error" for kind, _ in told):
        return Outcome(1)
    words = [
        _RECORD.sub("", " ".join(text.split()))
        for kind, text in told
        if kind in ("error", "warning") and text != _VERDICT
    ]
    return Outcome(1, (_finding(table, list(dict.fromkeys(words)) or [text for _, text in told]),))


def _finding(table: Table, words: list[str]) -> Finding:
    actual = "; ".join(words)[:_LONGEST]
    if any(_MISPLACED in word for word in words):
        hint = msg("a dump that is restored again puts every row into its own partition")
        return error("row-misplaced", table.name, msg("every row is in its own partition"), actual, hint)
    if any("index" in word.lower() for word in words):
        return error("index-corrupt", table.name, msg("its indexes hold its rows, in order"), actual, _HINT)
    return error("heap-corrupt", table.name, msg("its pages are sound"), actual, _HINT)
