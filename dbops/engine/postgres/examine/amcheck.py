"""What `pg_amcheck --heapallindexed` looks for: indexes that are out of order or lack rows, damaged pages of tables.

The extension is installed for the time of the check, in a schema of its own; one that is there already is used.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
from psycopg import sql

from dbops.engine.examining import SHOWN, Outcome, error, shown
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.examine.common import Connection, Task, said, set_limits
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.usual import APPLICATION, read_only
from dbops.language import msg

KIND = "indexes"
TITLE = msg("every index agrees with its table, and every page can be read (amcheck)")
_CORRUPT = ("XX001", "XX002")
_BTREE, _HEAP, _GIN = "bt_index_check", "verify_heapam", "gin_index_check"
_WITH_UNIQUE = 3
"""Arguments of `bt_index_check` from 17 on: the third is whether unique indexes are searched for duplicates."""


class Amcheck(NamedTuple):
    """The installed extension: its schema, its functions with their numbers of arguments. `missing`: why there is
    none."""

    schema: str = ""
    functions: dict[str, int] = {}  # noqa: RUF012 - nobody changes it
    missing: str = ""

    @property
    def finds_duplicates(self) -> bool:
        """Whether it can check that unique indexes hold no value twice."""
        return self.functions.get(_BTREE, 0) >= _WITH_UNIQUE


@contextmanager
def amcheck(access: Access) -> Iterator[Amcheck]:
    """Installs the extension where that is needed and possible, and takes it away after the block."""
    with access.session(application=APPLICATION) as connection:
        set_limits(connection)
        connection.execute("SET default_transaction_read_only = off")
        if connection.info.server_version >= 140000:
            connection.execute("SET idle_session_timeout = 0")  # it waits as long as the check takes
        row = connection.execute(statement("probe_amcheck")).fetchone()
        installed, available, superuser = row or (None, False, False)
        if installed is not None:
            yield _functions(connection, installed)
            return
        if not available or not superuser:
            why = (
                msg("only a superuser may install it")
                if available
                else msg("the server lacks it: install postgresql-contrib")
            )
            yield Amcheck(missing=msg("needs the extension amcheck, and {why}", why=why))
            return
        schema = f"dbops_amcheck_{secrets.token_hex(4)}"
        _quiet(connection)
        try:
            with connection.transaction():
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
                connection.execute(sql.SQL("CREATE EXTENSION amcheck SCHEMA {}").format(sql.Identifier(schema)))
        except psycopg.Error as failure:
            if connection.closed:
                raise
            yield Amcheck(
                missing=msg("needs the extension amcheck, which cannot be installed: {said}", said=said(failure))
            )
            return
        try:
            yield _functions(connection, schema)
        finally:
            if not connection.closed:
                with connection.transaction():
                    connection.execute("DROP EXTENSION amcheck")
                    connection.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(schema)))


def _quiet(connection: Connection) -> None:
    """The copy's own event triggers shall not see what we do."""
    connection.execute("SET session_replication_role = replica")
    if connection.info.server_version >= 170000:
        connection.execute("SET event_triggers = off")


def _functions(connection: Connection, schema: str) -> Amcheck:
    return Amcheck(schema, dict(connection.execute(statement("probe_amcheck_functions")).fetchall()))


def tasks(connection: Connection, extension: Amcheck) -> list[Task]:
    """One for each relation that the installed version can look at."""
    found = []
    for oid, kind, label, _, size in connection.execute(statement("probe_relations")):
        function = {"btree": _BTREE, "gin": _GIN, "heap": _HEAP}[kind]
        if function in extension.functions:
            found.append(
                _heap(extension, oid, label, size) if kind == "heap" else _index(extension, function, oid, label, size)
            )
    return found


def _index(extension: Amcheck, function: str, oid: int, label: str, size: int) -> Task:
    arguments = [sql.SQL("{}::pg_catalog.oid::pg_catalog.regclass").format(oid)]
    if function == _BTREE:
        arguments.append(sql.SQL("true").format())
        if extension.finds_duplicates:
            arguments.append(sql.SQL("true").format())
    query = sql.SQL("SELECT {}({})").format(sql.Identifier(extension.schema, function), sql.SQL(", ").join(arguments))

    def work(connection: Connection) -> Outcome:
        with read_only(connection):
            connection.execute(query)
        return Outcome(1)

    def failed(failure: psycopg.Error) -> Outcome | None:
        if failure.sqlstate not in _CORRUPT:
            return None
        finding = error(
            "index-corrupt",
            label,
            msg("it holds the rows of its table, in order"),
            said(failure),
            msg("did a function or collation that it is built on change? REINDEX mends the copy, not the cause"),
        )
        return Outcome(1, (finding,))

    return Task(KIND, label, size, work, failed)


def _heap(extension: Amcheck, oid: int, label: str, size: int) -> Task:
    query = sql.SQL(
        "SELECT blkno, offnum, msg, pg_catalog.count(*) OVER () FROM"
        " {}(relation => {}::pg_catalog.oid::pg_catalog.regclass, check_toast => true) LIMIT {}"
    ).format(sql.Identifier(extension.schema, _HEAP), oid, SHOWN)

    def work(connection: Connection) -> Outcome:
        with read_only(connection):
            rows = connection.execute(query).fetchall()
        if not rows:
            return Outcome(1)
        words = [f"block {block} item {item}: {text}" for block, item, text, _ in rows]
        return Outcome(1, (error("heap-corrupt", label, msg("its pages are sound"), shown(words, rows[0][-1])),))

    return Task(KIND, label, size, work)
