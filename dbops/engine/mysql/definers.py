"""Accounts with whose rights views, routines, triggers and events run, and which the server does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from dbops.engine.mysql.accounts import SYSTEM, Account, existing, of_definer
from dbops.engine.mysql.driver_errors import lost
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import statement
from dbops.language import msg
from dbops.model import Finding, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection


def missing(connection: Connection) -> list[Account]:
    """Those of the connected database. Without the right to see the accounts none: that cannot be told.

    Raises an error of the driver where the server is lost.
    """
    needed = {of_definer(str(definer)) for (definer,) in rows(connection, statement("definers"))}
    try:
        there = existing(connection)
    except pymysql.MySQLError as failure:
        if lost(failure):
            raise
        return []
    return sorted(account for account in needed if account.user and account.user not in SYSTEM and account not in there)


def finding(account: Account, severity: Severity, hint: str) -> Finding:
    """About a source and about a copy in the same words: what the source had is known by id and subject."""
    return Finding(
        id="definer-missing",
        severity=severity,
        subject=account.sql,
        expected=msg("an account: views, routines, triggers or events run with its rights"),
        actual=msg("the server has no such account: they fail"),
        hint=hint,
    )
