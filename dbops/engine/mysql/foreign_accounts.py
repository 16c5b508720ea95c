"""Accounts that a dump's views, routines, triggers and events name as their definers, and that are not there: made for
the time of a drill, locked and without a password, with every right on the dump's databases and none elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import pymysql

from dbops.engine.mysql.accounts import Account, existing, of_definer
from dbops.engine.mysql.maintenance import Maintenance, rows, run
from dbops.engine.mysql.statements import identifier
from dbops.errors import DbopsError
from dbops.language import msg
from dbops.model import Finding, Severity


class Definers(NamedTuple):
    """`made`: those that were not there. `refused`: those that could not be made: the connecting user stands in."""

    made: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()


@contextmanager
def definers(maintenance: Maintenance, needed: Iterable[str], databases: Sequence[str]) -> Iterator[Definers]:
    """Makes those of `needed` (`user@host`, or a role) that are not there, and drops them at the end.

    Never one with the connecting user's name, or without a name: the server would take us for it from then on.
    """
    made: list[Account] = []
    refused: set[str] = set()
    try:
        with maintenance.session() as connection:
            there, own = existing(connection), str(rows(connection, "SELECT USER()")[0][0]).rpartition("@")[0]
            for name in sorted(needed):
                account = of_definer(name)
                if account in there:
                    continue
                if account.user in ("", own):
                    refused.add(name)
                    continue
                try:
                    run(connection, _create(account))
                    made.append(account)
                    run(connection, *(f"GRANT ALL PRIVILEGES ON {_pattern(db)}.* TO {account.sql}" for db in databases))
                except pymysql.MySQLError:
                    refused.add(name)
        yield Definers(tuple(_label(account) for account in made), frozenset(refused))
    except BaseException:
        with suppress(DbopsError):
            _drop(maintenance, made)
        raise
    _drop(maintenance, made)


def findings(found: Definers, own: Iterable[str], *, cluster: bool) -> Iterator[Finding]:
    """What is to be said of them. `own`: accounts that the dump would create; `cluster`: it has all of its server's."""
    missing = sorted({*found.made, *found.refused} - set(own))
    if missing and not cluster:
        yield Finding(
            id="roles-not-in-dump",
            severity=Severity.WARNING,
            subject=", ".join(missing),
            expected=msg("definers of views, routines, triggers and events are backed up with them"),
            actual=msg("they are not in the dump: made locked, with every right on its databases, for this drill"),
            hint=msg("on a new server what they define fails (1449): keep their CREATE USER and GRANT beside the dump"),
        )


def _create(account: Account) -> str:
    return f"CREATE ROLE {account.sql}" if account.role else f"CREATE USER {account.sql} ACCOUNT LOCK"


def _drop(maintenance: Maintenance, made: Sequence[Account]) -> None:
    if not made:
        return
    with maintenance.session() as connection:
        for account in made:
            run(connection, f"DROP {'ROLE' if account.role else 'USER'} IF EXISTS {account.sql}")


def _label(account: Account) -> str:
    return account.user if account.role else f"{account.user}@{account.host}"


def _pattern(database: str) -> str:
    """In a grant a database's name is a pattern."""
    return identifier(database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%"))
