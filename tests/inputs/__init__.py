"""Databases that nobody of this project wrote, created live on a cluster: what a backup must survive in real life.

Nothing of them is in the repository: they come from Debian's packages and PyPI, by their ordinary clients, and are kept
in `DBOPS_TEST_CACHE` (see `tests.inputs.debian.cache`).
"""

from __future__ import annotations

from collections.abc import Callable

from psycopg import sql

from tests.inputs.chinook import load_chinook
from tests.inputs.missing import MissingInputError
from tests.inputs.samples import load_ledgersmb, load_zabbix
from tests.servers import Cluster, Database

__all__ = ["SAMPLES", "MissingInputError", "contents"]

# Each takes a cluster and the name of the database to create, and raises MissingInputError where it cannot be had.
SAMPLES: dict[str, Callable[[Cluster, str], Database]] = {
    "chinook": load_chinook,
    "ledgersmb": load_ledgersmb,
    "zabbix": load_zabbix,
}


def contents(database: Database) -> dict[tuple[str, str], int]:
    """(schema, table) -> its own rows, for every ordinary table that is not the system's."""
    listing = """
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relpersistence <> 't'
        ORDER BY 1, 2"""
    rows = {}
    with database.connect() as connection:
        for schema, table in connection.execute(listing).fetchall():
            counting = sql.SQL("SELECT count(*) FROM ONLY {}.{}").format(sql.Identifier(schema), sql.Identifier(table))
            (rows[schema, table],) = connection.execute(counting).fetchone() or (0,)
    return rows
