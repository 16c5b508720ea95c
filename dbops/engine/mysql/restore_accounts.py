"""Makes the accounts that a database needs, from `globals.sql`: without passwords, locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbops.engine.mysql.accounts import of_definer
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.settle import needed_accounts

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_THERE = {1973, 1975, 3163}
"""Notes that an account or a role exists already: MariaDB's two, MySQL's."""


def create(connection: Connection, globals_sql: str) -> None:
    """Creates those that are not there, with their rights; one that is there keeps the rights that it has."""
    run(connection, "SET SESSION sql_notes = 1")
    own = of_definer(str(rows(connection, "SELECT CURRENT_USER()")[0][0])).sql
    made = []
    for account in needed_accounts(globals_sql):
        if account.name == own:  # it is there, and need not be allowed to create any
            continue
        run(connection, account.create)
        if not {int(number) for _, number, _ in rows(connection, "SHOW WARNINGS")} & _THERE:
            made.append(account)
    for account in made:
        run(connection, *account.grants)
