"""Where sequences stand: drawing a value is not undone by a rollback, so a probe puts them back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from psycopg import sql

from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.examine.common import Connection, set_limits
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.usual import APPLICATION

Positions = dict[tuple[str, str], tuple[int, bool]]
_A_STATEMENT = 200


@contextmanager
def kept_positions(access: Access) -> Iterator[Positions]:
    """(schema, name) -> (last value, whether it was given out), and after the block every sequence is there again."""
    with access.session(application=APPLICATION) as connection:
        set_limits(connection)
        before = _positions(connection)
    try:
        yield before
    finally:
        with access.session(application=APPLICATION) as connection:
            set_limits(connection)
            connection.execute("SET default_transaction_read_only = off")
            now = _positions(connection)
            for (schema, name), (value, called) in before.items():
                if now.get((schema, name), (value, called)) != (value, called):
                    set_position(connection, schema, name, value, called)


def set_position(connection: Connection, schema: str, name: str, value: int, called: bool) -> None:
    """Takes effect at once, for all sessions, whatever becomes of the transaction."""
    regclass = sql.Literal(sql.Identifier(schema, name).as_string(connection))
    connection.execute(
        sql.SQL("SELECT pg_catalog.setval({}::pg_catalog.regclass, {}, {})").format(regclass, value, called)
    )


def _positions(connection: Connection) -> Positions:
    found: Positions = {}
    names = iter(connection.execute(statement("probe_sequences")).fetchall())
    while batch := list(islice(names, _A_STATEMENT)):
        one = sql.SQL("SELECT {}, {}, last_value, is_called FROM {}")
        queries = [one.format(sql.Literal(s), sql.Literal(n), sql.Identifier(s, n)) for s, n in batch]
        for schema, name, value, called in connection.execute(sql.SQL(" UNION ALL ").join(queries)):
            found[schema, name] = (value, called)
    return found
