"""A FULLTEXT index finds rows by their own words. InnoDB keeps these in tables at which CHECK TABLE does not look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.examining import Outcome, Skipped, error, graded
from dbops.engine.mysql.examine.common import Source, Task, damaged, read_only, said
from dbops.engine.mysql.examine.facts import Facts, Key, Table
from dbops.engine.mysql.examine.tables import KIND
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_ROWS = 50
_WORDS = 20
_WORD = re.compile(r"(?<![^\s])[A-Za-z]{5,20}(?![^\s])")
"""One that every parser takes for a word, between spaces; stop words are left to chance, so several are tried."""


def tasks(facts: Facts, source: Source) -> list[Task]:
    """One for each FULLTEXT index."""

    def task(table: Table, key: Key) -> Task:
        label = msg("{key} of {table}", key=key.name, table=table.name)

        def failed(failure: pymysql.MySQLError) -> Outcome | None:
            if not damaged(failure):
                return None
            return Outcome(1, (error("index-corrupt", label, msg("it can be searched"), said(failure)),))

        return Task(KIND, label, 0, lambda session: _search(session, table, key, source), failed)

    return [task(table, key) for table in facts.tables for key in table.keys if key.kind == "FULLTEXT"]


def _search(connection: Connection, table: Table, key: Key, source: Source) -> Outcome:
    """That nothing at all is found is a fault, if there are several words to look for. A single one may be a stop
    word."""
    name, label = identifier(table.name), msg("{key} of {table}", key=key.name, table=table.name)
    columns = ", ".join(part.sql for part in key.parts)
    with read_only(connection):
        texts = rows(connection, f"SELECT {columns} FROM {name} LIMIT {_ROWS}")  # noqa: S608
        words = {word.lower() for row in texts for text in row if isinstance(text, str) for word in _WORD.findall(text)}
        chosen = sorted(words, key=lambda word: (-len(word), word))[:_WORDS]
        found = 0
        for word in chosen:
            query = f"SELECT COUNT(*) FROM {name} WHERE MATCH ({columns}) AGAINST ('{word}' IN BOOLEAN MODE)"  # noqa: S608
            found += int(rows(connection, query)[0][0])
            if found:
                return Outcome(1)
    if len(chosen) < 3:
        return Outcome(skipped=(Skipped(msg("too few plain words to look for"), label),))
    actual = msg("none of {count} words of its rows finds one", count=len(chosen))
    return Outcome(
        1, (graded(error("index-corrupt", label, msg("it finds the rows of its table"), actual), source.severity()),)
    )
