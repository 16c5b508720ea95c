"""Metadata locks on tables, where a server shows them: MySQL by performance_schema, MariaDB by a plugin of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.migrating import Locks, TableLock
from dbops.engine.mysql.connect import Access, flavour
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.statements import statement
from dbops.errors import NothingToCheckError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_BLOCKS = {
    "EXCLUSIVE": "reads",
    "SHARED_NO_READ_WRITE": "reads",
    "SHARED_NO_WRITE": "writes",
    "SHARED_READ_ONLY": "writes",
}
"""By the matrix of granted and requested locks in both servers' `sql/mdl.cc`: SELECT asks for SHARED_READ, INSERT for
SHARED_WRITE."""
_INSTRUMENT = "SELECT enabled FROM performance_schema.setup_instruments WHERE name = 'wait/lock/metadata/sql/mdl'"
_PLUGIN = "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_name = 'METADATA_LOCK_INFO'"


@contextmanager
def table_locks(access: Access) -> Iterator[Locks]:
    """See `Migrator.locks`."""
    with access.session() as connection:
        product = flavour(connection).name
        with _shown[product](connection):
            query = statement(f"migration_locks_{product}")

            def look(sessions: Sequence[int]) -> frozenset[TableLock]:
                with access.translated(), connection.cursor() as cursor:
                    cursor.execute(query, {"sessions": tuple(sessions)})
                    return frozenset(_lock(str(name), str(mode)) for name, mode in cursor.fetchall())

            yield look


def _lock(name: str, mode: str) -> TableLock:
    mode = mode.removeprefix("MDL_")
    return TableLock(name, mode, _BLOCKS.get(mode, ""))


@contextmanager
def _performance_schema(connection: Connection) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@performance_schema")
        row = cursor.fetchone()
        if not row or not row[0]:
            raise NothingToCheckError(
                msg("performance_schema is off in that server"),
                hint=msg("start it with performance_schema=ON"),
                kind="no-locks",
            )
        try:
            cursor.execute("SELECT COUNT(*) FROM performance_schema.metadata_locks")
            cursor.execute(_INSTRUMENT)
            on = cursor.fetchone()
        except pymysql.MySQLError as error:
            raise NothingToCheckError(
                msg("performance_schema: {error_of}", error_of=error_of(error)[1]), kind="no-locks"
            ) from None
        if not on or on[0] != "YES":  # the table is there then, and empty
            raise NothingToCheckError(
                msg("performance_schema does not record metadata locks in that server"),
                hint=msg("enable the instrument wait/lock/metadata/sql/mdl"),
                kind="no-locks",
            )
    yield


@contextmanager
def _plugin(connection: Connection) -> Iterator[None]:
    """Loaded while the block runs, unless it was there."""
    with connection.cursor() as cursor:
        cursor.execute(_PLUGIN)
        row = cursor.fetchone()
        if row and row[0]:
            yield
            return
        try:
            cursor.execute("INSTALL SONAME 'metadata_lock_info'")
        except pymysql.MySQLError as error:
            raise NothingToCheckError(
                msg("the plugin metadata_lock_info cannot be loaded: {error_of}", error_of=error_of(error)[1]),
                kind="no-locks",
            ) from None
        try:
            yield
        finally:
            with contextlib.suppress(pymysql.MySQLError):
                cursor.execute("UNINSTALL SONAME 'metadata_lock_info'")


_shown = {"mysql": _performance_schema, "mariadb": _plugin}
