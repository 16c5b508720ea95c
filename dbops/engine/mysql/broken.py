"""Tables that a server has and cannot open: files that are gone or damaged, parts that do not fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from dbops.engine.mysql.driver_errors import error_of
from dbops.errors import DatabaseError
from dbops.language import msg

_NUMBERS = (1017, 1033, 1034, 1168, 1194, 1195, 1812, 1932)
_SAID = re.compile(rf"\b({'|'.join(map(str, _NUMBERS))})\b")
KIND = "table-broken"


@contextmanager
def named(table: str) -> Iterator[None]:
    """Around what reads one table: the server's own words do not always name it."""
    import pymysql

    try:
        yield
    except pymysql.MySQLError as error:
        number, said = error_of(error)
        if number not in _NUMBERS:
            raise
        raise _broken(msg("{table}: {said} ({number})", table=table, said=said, number=number)) from None


def of_program(text: str) -> DatabaseError | None:
    """What a dump program says, if that is why it has ended."""
    return _broken(text) if _SAID.search(text) else None


def _broken(message: str) -> DatabaseError:
    hint = msg("the server cannot open that table: repair it, or drop it")
    return DatabaseError(message, hint=hint, kind=KIND)
