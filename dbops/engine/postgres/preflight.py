"""Everything that can be known before a restore changes anything: each obstacle as a finding that says what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dbops.config.units import format_size
from dbops.engine.base import Destination
from dbops.engine.postgres.destination import Obstructions
from dbops.engine.postgres.findings import error, warning
from dbops.engine.postgres.maintenance import Connection
from dbops.engine.postgres.preflight_roles import about_roles
from dbops.engine.postgres.server import OLDEST_MAJOR
from dbops.engine.postgres.server_facts import Facts
from dbops.engine.postgres.server_facts import read_facts as read_facts
from dbops.engine.postgres.statements import statement
from dbops.engine.restoring import Wishes
from dbops.language import msg
from dbops.model import Finding, Manifest, NotEvaluated, major_version

_EXTRA_SESSIONS = 4
"""Beside the parallel ones: the lock, the snapshot's holder, pg_restore's leader, the swap."""
_BUILTIN_LOCALES = ("C", "POSIX")


def examine(
    connection: Connection,
    manifest: Manifest,
    destination: Destination,
    against: Obstructions,
    wishes: Wishes,
    owners: Callable[[], set[str]],
) -> tuple[list[Finding], list[NotEvaluated]]:
    """All findings, and what could not be judged. `connection` is in another database of the destination's server.
    `owners`: the roles that own something in the archive; asked where it matters."""
    facts = read_facts(connection)
    findings = [
        *_server(manifest, destination, facts, wishes),
        *_database(destination, against, facts, wishes),
        *about_roles(connection, manifest, facts, wishes, owners),
        *_extensions(connection, manifest, facts),
    ]
    skipped: list[NotEvaluated] = []
    for one in (_locale(manifest, destination, facts), _space(manifest, facts, connection.info.backend_pid)):
        if isinstance(one, NotEvaluated):
            skipped.append(one)
        elif one is not None:
            findings.append(one)
    return findings, skipped


def _server(manifest: Manifest, destination: Destination, facts: Facts, wishes: Wishes) -> Iterator[Finding]:
    server = destination.server
    source = major_version(manifest.engine.server_version)
    if facts.in_recovery:
        yield error(
            "standby", server.host, msg("a primary"), msg("a standby: read only"), msg("restore to the primary")
        )
    if server.major < OLDEST_MAJOR:
        yield error(
            "server-version",
            server.host,
            msg("{oldest_major} or newer", oldest_major=OLDEST_MAJOR),
            str(server.major),
            msg("upgrade the server"),
        )
    elif server.major < source:
        yield warning(
            "older-server",
            msg("PostgreSQL {server_version} on {host}", server_version=server.info.server_version, host=server.host),
            msg("{source}, as the source", source=source),
            str(server.major),
            msg("what the newer version alone knows will stop the restore; the live database is not touched by that"),
        )
    wanted = wishes.jobs + _EXTRA_SESSIONS
    free = facts.free_sessions
    if not facts.superuser and facts.connection_limit >= 0:
        free = min(free, facts.connection_limit - facts.own_sessions)
    if free < wanted:
        hint = msg("lower --jobs, end sessions, or raise max_connections (or the role's CONNECTION LIMIT)")
        yield error(
            "connections",
            server.host,
            msg("{wanted} free connections", wanted=wanted),
            msg("{max} free", max=max(0, free)),
            hint,
        )
    if not (wishes.in_place or facts.superuser or facts.createdb):
        hint = msg('ALTER ROLE … CREATEDB; or restore with --in-place (swap = "in-place" in dbops.toml)')
        yield error("no-createdb", str(server.info.role), msg("may create and rename databases"), msg("may not"), hint)


def _database(destination: Destination, against: Obstructions, facts: Facts, wishes: Wishes) -> Iterator[Finding]:
    name = destination.name
    if name in ("template0", "template1") or against.is_template:
        yield error(
            "template", name, msg("an ordinary database"), msg("a template"), msg("restore --into another name")
        )
    if wishes.in_place and not destination.exists:
        yield error(
            "no-database", name, msg("exists"), msg("is not there"), msg("create it, or restore without --in-place")
        )
    if not (against.ours or facts.superuser):
        hint = msg(
            "use its owner's role or a superuser{otherwise}",
            otherwise="" if wishes.in_place else msg(", or --in-place where that will do"),
        )
        yield error(
            "not-owner", name, msg("owned by {role}", role=destination.server.info.role), msg("another owner"), hint
        )
    for gid in against.prepared:
        yield error(
            "prepared-transaction",
            name,
            msg("none"),
            repr(gid),
            msg("COMMIT PREPARED or ROLLBACK PREPARED {gid!r}", gid=gid),
        )
    for slot in against.slots:
        hint = msg(
            "its consumer would get nothing from the restored database: drop the slot, or use --into another name"
        )
        yield error("replication-slot", name, msg("no logical replication slot"), slot, hint)
    for subscription in against.subscriptions:
        hint = msg(
            "rows that arrive meanwhile would be lost: ALTER SUBSCRIPTION … DISABLE, or restore --into another name"
        )
        yield error("subscription", name, msg("no enabled subscription"), subscription, hint)
    if wishes.end_sessions:
        for line, endable in against.sessions:
            if not endable:
                hint = msg("use a superuser, or a role that is in pg_signal_backend")
                yield error("cannot-end-session", name, msg("a session that we may end"), line, hint)


def _extensions(connection: Connection, manifest: Manifest, facts: Facts) -> Iterator[Finding]:
    wanted = {extension.name: extension.version for extension in manifest.inventory.extensions}
    rows = connection.execute(statement("restore_extensions"), [list(wanted)]).fetchall()
    there = {name: (default, versions, closed) for name, default, versions, closed in rows}
    for name, version in sorted(wanted.items()):
        if name not in there:
            hint = msg("install its package on the database server")
            yield error(
                "missing-extension",
                name,
                msg("available, version {version}", version=version),
                msg("is not available"),
                hint,
            )
            continue
        default, versions, closed = there[name]
        if closed and not facts.superuser and name != "plpgsql":
            yield error(
                "extension-right",
                name,
                msg("may be created"),
                msg("only by a superuser"),
                msg("restore as a superuser"),
            )
        if default != version:
            actual = (
                default
                if version in versions
                else msg("{default}; {version} is not installed", default=default, version=version)
            )
            yield warning("extension-version", name, version, actual, msg("a restore makes the default version"))


def _locale(manifest: Manifest, destination: Destination, facts: Facts) -> Finding | NotEvaluated | None:
    info = manifest.engine
    if info.locale_provider == "icu" and not facts.icu:
        hint = msg("use a server that was built with ICU")
        return error("locale", info.locale, msg("ICU locales"), msg("the server has no ICU"), hint)
    if info.locale_provider == "builtin" and destination.server.major < 17:
        return error(
            "locale", info.locale, msg("PostgreSQL 17 or newer"), str(destination.server.major), msg("upgrade it")
        )
    unknown = {info.collation, info.ctype} - {"", *facts.locales, *_BUILTIN_LOCALES}
    if unknown:
        reason = msg(
            "whether the server has {unknown} is seen when the side database is created",
            unknown=", ".join(sorted(unknown)),
        )
        return NotEvaluated(id="locale", reason=reason)
    return None


def _space(manifest: Manifest, facts: Facts, server_process: int) -> Finding | NotEvaluated | None:
    needed = sum(table.bytes for table in manifest.inventory.tables) + manifest.inventory.large_objects.bytes
    folder = Path(facts.data_directory) if facts.local and facts.data_directory else None
    try:
        # Behind a tunnel the server only seems to be here; one that is has its processes here.
        if folder is None or not Path(f"/proc/{server_process}/comm").read_text().startswith("postgres"):
            raise FileNotFoundError
        state = os.statvfs(folder)
    except OSError:
        reason = msg(
            "the server's disk cannot be seen from here; tables alone need about {needed}", needed=format_size(needed)
        )
        return NotEvaluated(id="disk-space", reason=reason)
    free = state.f_bavail * state.f_frsize
    if free < needed:
        hint = msg("free space on the database server: the old database stays beside the new one")
        return error(
            "disk-space",
            str(folder),
            msg("{needed} free, and some for indexes", needed=format_size(needed)),
            format_size(free),
            hint,
        )
    return None
