"""Tables that a server has and cannot open: files that are gone or damaged, parts that do not fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pymysql

from dbops.engine.mysql.driver_errors import LOCK_TIMEOUT, error_of, lost
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier
from dbops.errors import DatabaseError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_CRASHED = (126, 127, 144, 145)
_OF_FILES = (29, *_CRASHED)
_OF_THE_INDEX = (*_CRASHED, 1034, 1194, 1195)
"""A table that keeps no transactions has a bad index: RENAME TABLE moves its files as they are."""
_NUMBERS = (1017, 1033, 1034, 1168, 1194, 1195, 1812, 1877, 1932)
_FROM_ENGINE = 1030
_ENGINE_SAYS = re.compile(r"Got error (?:126|127|144|145|155|175|176|194)\b")
_SAID = re.compile(rf"\b(?:{'|'.join(map(str, _NUMBERS))})\b|(?:\(|\b[Ee]rror:? )(?:{'|'.join(map(str, _OF_FILES))})\b")
"""What a dump program prints; a number as short as those of files may stand for anything else."""
KIND = "table-broken"


@contextmanager
def named(table: str) -> Iterator[None]:
    """Around what reads one table: the server's own words do not always name it."""
    try:
        yield
    except pymysql.MySQLError as error:
        number, said = error_of(error)
        if not _is_broken(number, said):
            raise
        raise _broken(msg("{table}: {said} ({number})", table=table, said=said, number=number)) from None


def of_program(text: str) -> DatabaseError | None:
    """What a dump program says, if that is why it has ended."""
    return _broken(text) if _SAID.search(text) or _ENGINE_SAYS.search(text) else None


class Unopened(NamedTuple):
    """A table, and what the server says of it. `movable`: RENAME TABLE takes it along nevertheless."""

    table: str
    said: str
    movable: bool


def unopened(connection: Connection, database: str, tables: Sequence[str]) -> Iterator[Unopened]:
    """Those of the tables that the server cannot open: one row of each is read."""
    for table in tables:
        try:
            rows(connection, f"SELECT 1 FROM {identifier(database)}.{identifier(table)} LIMIT 1")  # noqa: S608
        except pymysql.MySQLError as error:
            number, said = error_of(error)
            if lost(error):
                raise
            if number == LOCK_TIMEOUT:
                return  # whoever holds it holds others, too
            if _is_broken(number, said):
                yield Unopened(table, f"{said} ({number})", number in _OF_THE_INDEX)


def _is_broken(number: int, said: str) -> bool:
    return number in (*_NUMBERS, *_OF_FILES) or (number == _FROM_ENGINE and _ENGINE_SAYS.search(said) is not None)


def _broken(message: str) -> DatabaseError:
    hint = msg("the server cannot open that table: repair it, or drop it")
    return DatabaseError(message, hint=hint, kind=KIND)
