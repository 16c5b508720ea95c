"""Everything that can be known before a restore changes anything: each obstacle as a finding that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.base import Destination
from dbops.engine.mysql import mark, rights
from dbops.engine.mysql import preflight_settings as settings
from dbops.engine.mysql.broken import KIND
from dbops.engine.mysql.destination import Obstructions
from dbops.engine.mysql.flavour import OLDEST, named, parse_version
from dbops.engine.mysql.maintenance import rows, run
from dbops.engine.mysql.preflight_rights import Allowed
from dbops.engine.mysql.preflight_settings import error, warning
from dbops.engine.mysql.preflight_views import not_kept
from dbops.engine.mysql.statements import identifier, statement
from dbops.engine.restoring import Wishes
from dbops.language import msg
from dbops.model import Finding, Manifest, NotEvaluated

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_EXTRA_SESSIONS = 4
"""Beside the parallel ones: the lock, the definitions', the one that ends others, the swap's."""
_SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")
Skipped = list[NotEvaluated]


class Preflight:
    """One look at a server; `connection` is in none of the databases concerned."""

    def __init__(
        self,
        connection: Connection,
        manifest: Manifest,
        destination: Destination,
        against: Obstructions,
        wishes: Wishes,
    ) -> None:
        self._connection = connection
        self._manifest = manifest
        self._destination = destination
        self._against = against
        self._wishes = wishes
        self._rights = rights.read(connection, destination.name)
        self.variables: dict[str, str] = {
            str(name).lower(): str(value) for name, value in rows(connection, statement("restore_variables"))
        }
        self.skipped: Skipped = []

    def findings(self) -> list[Finding]:
        """Everything that speaks against the restore, or should be known before it."""
        allowed = Allowed(
            self._connection,
            self._manifest,
            self._destination,
            self._wishes,
            self._rights,
            self.variables,
            self.skipped,
        )
        return [
            *self._server(),
            *self._product(),
            *self._database(),
            *allowed.missing_rights(),
            *allowed.grants(),
            *settings.names(self._manifest, self.variables),
            *settings.limits(self._manifest, self.variables),
            *not_kept(self._connection, self._destination, self._wishes),
            *allowed.accounts(),
            *allowed.functions(),
            *settings.space(self._manifest, self.variables, self.skipped),
        ]

    # --- the server ---------------------------------------------------------------------------------------------------

    def _server(self) -> Iterator[Finding]:
        server, host = self._destination.server, self._destination.server.host
        if server.in_recovery:
            yield error(
                "standby",
                host,
                msg("a primary"),
                msg("read only"),
                msg("restore to the primary, or SET GLOBAL read_only"),
            )
        elif self._is_replica():
            hint = msg("restore to its primary: what is changed here alone will make them differ")
            yield warning("replica", host, msg("a primary"), msg("a replica that runs"), hint)
        with suppress(pymysql.MySQLError):
            [(_, used)] = rows(self._connection, "SHOW GLOBAL STATUS LIKE 'Threads_connected'")
            free = int(self.variables.get("max_connections", "0")) - int(used)
            wanted = self._wishes.jobs + _EXTRA_SESSIONS
            if free < wanted:
                hint = msg("lower --jobs, end sessions, or raise max_connections")
                yield error(
                    "connections",
                    host,
                    msg("{wanted} free connections", wanted=wanted),
                    msg("{max} free", max=max(0, free)),
                    hint,
                )

    def _is_replica(self) -> bool:
        for command in ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS"):
            with suppress(pymysql.MySQLError):
                return bool(rows(self._connection, command))
        return False

    def _product(self) -> Iterator[Finding]:
        source, here = self._manifest.engine, self._destination.server.info
        version, oldest = parse_version(here.server_version), OLDEST[here.name]
        title = msg("{named} {server_version}", named=named(here.name).title, server_version=here.server_version)
        if version[:2] < oldest:
            yield error(
                "server-version",
                title,
                msg("{major}.{minor} or newer", major=oldest[0], minor=oldest[1]),
                str(version),
                msg("upgrade the server"),
            )
        if source.collation and not self._knows(source.encoding, source.collation):
            hint = msg("restore to a server of the source's own product and version")
            yield error(
                "collation",
                title,
                msg("knows {collation}, as the source", collation=source.collation),
                msg("does not know it"),
                hint,
            )
        elif source.name != here.name:
            expected = msg(
                "{named} {server_version}, as the source",
                named=named(source.name).title,
                server_version=source.server_version,
            )
            if lacking := self._lacking(here.name):
                hint = msg("restore to a server of the source's own product: this one has nothing of the kind")
                yield error(
                    "other-product",
                    title,
                    expected,
                    msg("{title} has no {lacking}", title=title, lacking=", ".join(lacking)),
                    hint,
                )
                return
            hint = msg("what the source alone knows will stop the restore; the live database is not touched by that")
            yield warning("other-product", title, expected, title, hint)
        elif version[:2] < parse_version(source.server_version)[:2]:
            hint = msg(
                "what the newer version alone knows will stop the restore; the live database is not touched by that"
            )
            yield warning(
                "older-server",
                title,
                msg("{server_version}, as the source", server_version=source.server_version),
                str(version),
                hint,
            )

    def _lacking(self, product: str) -> list[str]:
        """What the database holds, and the other product does not know."""
        if product == "mariadb":
            return []
        objects = self._manifest.inventory.objects
        packages = [item.name for item in objects.get("routine", ()) if item.name.startswith("package")]
        return [f"sequences ({item.name})" for item in objects.get("sequence", ())] + packages

    def _knows(self, encoding: str, collation: str) -> bool:
        """MariaDB 11 takes MySQL's names for collations that its list does not have: so it is tried."""
        try:
            run(
                self._connection,
                f"DO CONVERT('' USING {encoding}) COLLATE {collation}",
            )
        except pymysql.MySQLError:
            return False
        return True

    # --- the database -------------------------------------------------------------------------------------------------

    def _database(self) -> Iterator[Finding]:
        name, against, wishes = self._destination.name, self._against, self._wishes
        if name.lower() in _SYSTEM:
            yield error(
                "system-database",
                name,
                msg("an ordinary database"),
                msg("the server's own"),
                msg("use --into another name"),
            )
        if wishes.in_place and not self._destination.exists:
            yield error(
                "no-database", name, msg("exists"), msg("is not there"), msg("create it, or restore without --in-place")
            )
        if against.foreign_keys and not wishes.in_place:
            hint = msg("restore with --in-place: a swap would take these foreign keys along with the old tables")
            yield error(
                "cannot-move", name, msg("no foreign keys from elsewhere"), ", ".join(against.foreign_keys), hint
            )
        for broken in against.unopened:
            if wishes.in_place or not broken.movable:
                label = f"{identifier(name)}.{identifier(broken.table)}"
                hint = msg(
                    "nothing of it can be kept: repair it, or SET foreign_key_checks = 0; DROP TABLE {table}; "
                    "then restore again",
                    table=label,
                )
                yield error(KIND, f"{name}.{broken.table}", msg("the server can open it"), broken.said, hint)
        if against.half:
            hint = msg(
                "what it held before is in the safety backup {backup}{fate}",
                backup=against.half,
                fate=msg(
                    ", which is put back if this restore fails; unless you drop the table {table}", table=mark.TABLE
                )
                if wishes.in_place
                else "",
            )
            yield warning(
                "half-restored", name, msg("a whole database"), msg("a restore in place was killed half-way"), hint
            )
        if wishes.end_sessions:
            for inside in against.sessions:
                if not inside.endable:
                    hint = msg("use a user with CONNECTION_ADMIN (MySQL), CONNECTION ADMIN (MariaDB) or SUPER")
                    yield error("cannot-end-session", name, msg("a session that we may end"), inside.line, hint)
        if not self._rights.has_everywhere("PROCESS"):
            reason = msg("without the right PROCESS only sessions of the same user are seen")
            self.skipped.append(NotEvaluated(id="sessions", reason=reason))


def examine(
    connection: Connection, manifest: Manifest, destination: Destination, against: Obstructions, wishes: Wishes
) -> tuple[list[Finding], list[NotEvaluated]]:
    """All findings, and what could not be judged."""
    look = Preflight(connection, manifest, destination, against, wishes)
    return look.findings(), look.skipped
