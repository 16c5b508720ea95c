"""What a server says of itself, and whether a user may read all that a backup must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbops.command import redact
from dbops.engine.base import Server
from dbops.engine.mysql import mark, rights
from dbops.engine.mysql.connect import product
from dbops.engine.mysql.flavour import OLDEST, Flavour, Version, flavour_of, parse_version
from dbops.engine.mysql.statements import statement
from dbops.errors import ConfigError
from dbops.language import msg, some
from dbops.model import EngineInfo, Finding, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Access, Connection

_ENDS_AT_EVENTS = Version(11, 8)
_NEEDED = ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT")
"""What the dump program needs to see all of a database: without one, objects are left out, and its status is 0."""
_SEES_ROUTINES = {"mysql": ("SHOW_ROUTINE", "SELECT"), "mariadb": ("SELECT",)}
"""Rights on the whole server by which every routine shows, with its body."""
_LISTS_ROUTINES = ("EXECUTE", "CREATE ROUTINE", "ALTER ROUTINE", "SHOW CREATE ROUTINE")
"""Rights on the database by which every routine shows, its body to its definer only (or to the last of these)."""


def describe(access: Access, connection: Connection) -> Server:
    """The facts of the connected server and database; a drill asks before there is any."""
    row = _rows(connection, "server")[0]
    version, comment, database, user, read_only, size, encoding, collation, superuser = row
    number = parse_version(version)
    info = EngineInfo(
        name=flavour_of(version, comment).name,
        server_version=str(number),
        server_id=identity(connection),
        database=database or "",
        encoding=encoding or "",
        collation=collation or "",
        role=user,
        series=f"{number.major}.{number.minor}",
    )
    replica = str(read_only).upper() not in ("0", "OFF", "NONE")
    return Server(info, number.major, access.host(), int(size), replica, bool(superuser))


def identity(connection: Connection) -> str:
    """What tells this server from others: MySQL's UUID, MariaDB's own id (since 10.6.16, 10.11.6), else ''."""
    rows = _rows(connection, "server_identity")
    return str(rows[0][1]) if rows else ""


def obstacles(connection: Connection) -> list[Finding]:
    """Why a backup as this user would be incomplete or would fail; every finding is an error."""
    flavour, version = product(connection)
    database = _rows(connection, "server")[0][2]
    if database is None:
        raise ConfigError(msg("the database URL names no database"), hint="mysql://user@host/database", kind="bad-url")
    return [
        *_too_old(flavour, version),
        *_half_restored(connection, database),
        *_rights(connection, flavour, database),
        *_hidden_routines(connection),
        *_unreadable(connection),
        *_endless_events(connection, flavour, version),
    ]


def _too_old(flavour: Flavour, version: Version) -> list[Finding]:
    oldest = OLDEST[flavour.name]
    if version[:2] >= oldest:
        return []
    return [
        _finding(
            "server-version",
            f"{flavour.title} {version}",
            expected=msg("{major}.{minor} or newer", major=oldest[0], minor=oldest[1]),
            actual=str(version),
            hint=msg("upgrade the server: this version gets no security fixes"),
        )
    ]


def _half_restored(connection: Connection, database: str) -> list[Finding]:
    if not (safety := mark.read(connection, database)):
        return []
    return [
        _finding(
            "half-restored",
            database,
            expected=msg("a whole database"),
            actual=msg("a restore in place of it is under way, or was killed half-way"),
            hint=msg(
                "run that restore again; what the database held before is in the safety backup {safety}", safety=safety
            ),
        )
    ]


def _rights(connection: Connection, flavour: Flavour, database: str) -> list[Finding]:
    """Missing rights, of which the database itself would say nothing: what one may not see is left out in silence."""
    held = rights.read(connection, database)
    found = []
    if missing := [right for right in _NEEDED if not held.has(right)]:
        found.append(
            _finding(
                "cannot-read-database",
                database,
                expected=msg("{missing} on the whole database", missing=", ".join(missing)),
                actual=msg("not granted"),
                hint=f"GRANT {', '.join(_NEEDED)} ON the database to the backup's user",
            )
        )
    if not _sees_routines(connection, held, flavour) and not any(held.has(right) for right in _LISTS_ROUTINES):
        wanted = msg("SHOW_ROUTINE on the server") if flavour.name == "mysql" else "SELECT on mysql.proc"
        grant = "GRANT SHOW_ROUTINE ON *.*" if flavour.name == "mysql" else "GRANT SELECT ON mysql.proc"
        found.append(
            _finding(
                "cannot-see-routines",
                database,
                expected=wanted,
                actual=msg("procedures and functions of others do not show"),
                hint=msg("{grant} to the backup's user: else they would be missing in the backup", grant=grant),
            )
        )
    return found


def _sees_routines(connection: Connection, held: rights.Rights, flavour: Flavour) -> bool:
    if any(held.has_everywhere(right) for right in _SEES_ROUTINES[flavour.name]):
        return True
    if flavour.name == "mysql":
        return False
    import pymysql

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM mysql.proc LIMIT 0")
    except pymysql.MySQLError:
        return False
    return True


def _hidden_routines(connection: Connection) -> list[Finding]:
    names = [name for (name,) in _rows(connection, "hidden_routines")]
    if not names:
        return []
    return [
        _finding(
            "cannot-read-routine",
            some(names),
            expected=msg("the right to see its body"),
            actual=msg("hidden: it belongs to somebody else"),
            hint="GRANT SHOW_ROUTINE ON *.* (MySQL) or SELECT ON mysql.proc (MariaDB) to the backup's user",
        )
    ]


def _unreadable(connection: Connection) -> list[Finding]:
    """Tables whose files have gone: the dump program would end half-way."""
    return [
        _finding(
            "table-unreadable",
            name,
            expected=msg("a table that opens"),
            actual=redact(str(said)),
            hint=msg("repair or drop it on the source: see the server's log"),
        )
        for name, said in _rows(connection, "unreadable")
    ]


def _endless_events(connection: Connection, flavour: Flavour, version: Version) -> list[Finding]:
    """At an event with `;;` in its body, mysqldump 9.7 and mariadb-dump 10.11 look for another delimiter and never end;
    mariadb-dump 11.8 does (seen on these three)."""
    if flavour.name == "mariadb" and version >= _ENDS_AT_EVENTS:
        return []
    return [
        _finding(
            "endless-event",
            str(name),
            expected=msg("an event without ';;' in its body"),
            actual=msg("the dump program would never end at it"),
            hint=msg("write the body in another way on the source, with a space between the two"),
        )
        for (name,) in _rows(connection, "endless_events")
    ]


def _finding(kind: str, subject: str, *, expected: str, actual: str, hint: str) -> Finding:
    return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual, hint=hint)


def _rows(connection: Connection, name: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(name))
        return list(cursor.fetchall())
