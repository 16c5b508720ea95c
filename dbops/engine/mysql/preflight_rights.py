"""What whoever restores is allowed to do, looked at before a restore: rights, accounts to be named, functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.base import Destination
from dbops.engine.mysql import rights
from dbops.engine.mysql.accounts import existing, of_sql
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.names import BEFORE, RESTORE, beside
from dbops.engine.mysql.preflight_settings import error, warning
from dbops.engine.restoring import Wishes
from dbops.language import msg
from dbops.model import Finding, Manifest, NotEvaluated

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_NEEDED = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES"),
    *("CREATE VIEW", "SHOW VIEW", "TRIGGER", "EVENT", "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE"),
)
"""On the database, and on those that are made beside it."""
_NAMES_DEFINERS = ("SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER")
_MOMENT = "20260101T000000Z"


class Allowed:
    """`held`: the rights on the destination; `skipped` takes what cannot be judged."""

    def __init__(
        self,
        connection: Connection,
        manifest: Manifest,
        destination: Destination,
        wishes: Wishes,
        held: rights.Rights,
        variables: Mapping[str, str],
        skipped: list[NotEvaluated],
    ) -> None:
        self._connection = connection
        self._manifest = manifest
        self._destination = destination
        self._wishes = wishes
        self._rights = held
        self._variables = variables
        self._skipped = skipped

    def missing_rights(self) -> Iterator[Finding]:
        """What the user lacks on the live database, or on those beside it that a swap needs."""
        name = self._destination.name
        places = (
            [name] if self._wishes.in_place else [name, beside(name, RESTORE, _MOMENT), beside(name, BEFORE, _MOMENT)]
        )
        missing: dict[str, list[str]] = {}
        for place in places:
            held = rights.read(self._connection, place)
            lacking = [right for right in _NEEDED if not held.has(right)]
            if lacking:
                missing.setdefault(", ".join(lacking), []).append(place)
        for listed, where in missing.items():
            pattern = name.replace("_", "\\_").replace("%", "\\%")
            hint = msg(
                "GRANT {listed} ON `{pattern}%`.* TO the user{otherwise}",
                listed=listed,
                pattern=pattern,
                otherwise=""
                if self._wishes.in_place
                else msg("; or restore with --in-place, which needs them on the database alone"),
            )
            yield error("missing-right", ", ".join(where), listed, msg("not granted"), hint)

    def grants(self) -> Iterator[Finding]:
        """What others were granted is granted again, which takes more than to hold the right oneself."""
        objects = self._manifest.inventory.objects
        given = [*objects.get("database_grant", ()), *objects.get("grant", ())]
        if self._wishes.no_owner or not given or self._rights.grants_here:
            return
        name = self._destination.name
        pattern = name.replace("_", "\\_").replace("%", "\\%")
        hint = msg(
            "GRANT GRANT OPTION ON `{pattern}`.* TO the user; or add --no-owner: nothing is granted", pattern=pattern
        )
        expected = msg("may give others back their {count} grants", count=len(given))
        yield error("missing-right", name, expected, msg("no GRANT OPTION"), hint)

    def accounts(self) -> Iterator[Finding]:
        """Accounts that the backup needs and the server lacks."""
        needed = [of_sql(name) for name in self._manifest.inventory.roles]
        wishes = self._wishes
        if not needed:
            return
        try:
            there = existing(self._connection)
        except pymysql.MySQLError:
            reason = msg("whether the server has the accounts that the database needs: this user may not see them")
            self._skipped.append(NotEvaluated(id="missing-role", reason=reason))
            return
        missing = [account.sql for account in needed if account not in there]
        if missing and wishes.create_roles:
            if not self._rights.has_everywhere("CREATE USER"):
                yield error(
                    "no-create-user",
                    ", ".join(missing),
                    msg("may create accounts"),
                    msg("may not"),
                    msg("GRANT CREATE USER"),
                )
        elif missing:
            hint = msg(
                "add --create-roles, or run the backup's globals.sql\nor restore with --no-owner: the "
                "connecting user becomes the definer, and nothing is granted"
            )
            finding = warning if wishes.no_owner else error
            yield finding("missing-role", ", ".join(missing), msg("exists on the server"), msg("is not there"), hint)
        if not wishes.no_owner and not any(self._rights.has_everywhere(right) for right in _NAMES_DEFINERS):
            own = rows(self._connection, "SELECT CURRENT_USER()")[0][0]
            foreign = [account.sql for account in needed if f"{account.user}@{account.host}" != own]
            if foreign:
                hint = msg("use a user with SET_ANY_DEFINER, SET_USER_ID, SET USER or SUPER, or add --no-owner")
                yield error("foreign-role", ", ".join(foreign), msg("may be named as definer"), msg("may not"), hint)

    def functions(self) -> Iterator[Finding]:
        """Whether the server lets this user create triggers and functions while it writes a binary log."""
        objects = self._manifest.inventory.objects
        if not (objects.get("trigger") or objects.get("routine")):
            return
        logs = self._variables.get("log_bin", "").upper() in ("ON", "1")
        trusts = self._variables.get("log_bin_trust_function_creators", "").upper() in ("ON", "1")
        if logs and not trusts and not self._rights.has_everywhere("SUPER"):
            hint = msg("SET GLOBAL log_bin_trust_function_creators = 1, or restore as a user with SUPER")
            yield error(
                "trust-function-creators",
                self._destination.server.host,
                msg("triggers and functions can be created"),
                msg("it writes a binary log and does not trust this user"),
                hint,
            )
