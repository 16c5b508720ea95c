"""What a server says of itself, and whether a role may read all that a backup must hold."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import psycopg

from dbops.engine.base import Server
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.statements import statement
from dbops.language import msg, some
from dbops.model import EngineInfo, Finding, Severity

OLDEST_MAJOR = 13
_OBSTACLES = {
    "schema": ("USAGE on every schema", "GRANT USAGE ON SCHEMA … TO the role, or GRANT pg_read_all_data"),
    "table": ("SELECT on every table", "GRANT SELECT … TO the role, or GRANT pg_read_all_data"),
    "sequence": ("SELECT on every sequence", "GRANT SELECT … TO the role, or GRANT pg_read_all_data"),
    "row-security": (
        "all rows visible",
        "row-level security filters this role: use one with BYPASSRLS, or a superuser",
    ),
    "large-object": ("SELECT on every large object", "back up as the owner of the large objects, or as a superuser"),
}
"""Kind of obstacle -> what is needed, and what to do."""


def describe(access: Access, connection: psycopg.Connection[tuple[Any, ...]]) -> Server:
    """The facts of the connected server and database."""
    row = connection.execute(statement("server")).fetchone()
    assert row is not None  # noqa: S101 - one's own database is always listed
    version, number, database, encoding, collate, ctype, provider, locale, role, size, recovery, superuser, control = (
        row
    )
    system = ""
    if control:
        found = connection.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
        system = found[0] if found else ""
    info = EngineInfo(
        name="postgres",
        server_version=version.split()[0],
        server_id=system,
        database=database,
        encoding=encoding,
        collation=collate,
        ctype=ctype,
        locale_provider={"c": "libc", "i": "icu", "b": "builtin"}.get(provider, provider),
        locale=locale,
        role=role,
        series=str(number // 10000),
    )
    host = access.place().rpartition(" on ")[2]
    return Server(info, number // 10000, host, size, recovery, superuser)


def obstacles(connection: psycopg.Connection[tuple[Any, ...]]) -> list[Finding]:
    """Why a backup as this role would be incomplete; every finding is an error."""
    findings: list[Finding] = []
    major = connection.info.server_version // 10000
    if major < OLDEST_MAJOR:
        findings.append(
            Finding(
                id="server-version",
                severity=Severity.ERROR,
                subject=msg("PostgreSQL {major}", major=major),
                expected=msg("{oldest_major} or newer", oldest_major=OLDEST_MAJOR),
                actual=str(major),
                hint=msg("upgrade the server: this version gets no security fixes"),
            )
        )
    rows: list[tuple[str, str]] = connection.execute(statement("obstacles")).fetchall()
    role = connection.info.user
    if rows and (row := connection.execute("SELECT current_user").fetchone()) and row[0] != role:
        role = msg(
            "{row}, which a setting of the database or of {role} switches to (ALTER … SET role)", row=row[0], role=role
        )
    for kind, group in groupby(rows, key=lambda row: row[0]):
        names = [name for _, name in group]
        expected, hint = _OBSTACLES[kind]
        findings.append(
            Finding(
                id=f"cannot-read-{kind}" if kind != "row-security" else "row-level-security",
                severity=Severity.ERROR,
                subject=some(names),
                expected=expected,
                actual=msg("not for role {role}", role=role),
                hint=hint,
            )
        )
    return findings
