"""The roles with the least rights that a backup and a restore need, as SQL to be pasted."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

from dbops.engine.postgres.statements import statement

_READ_ALL_MAJOR = 14
"""Since then there is the role pg_read_all_data."""


def role_sql(connection: psycopg.Connection[tuple[Any, ...]], major: int) -> str:
    """Both, for the connected database. Its name and its owner's are hostile: they are quoted, and on one line.
    `major`: the version of the server that they are for."""
    row = connection.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
    (owner,) = row.fetchone() or ("",)
    values = {"database": _identifier(connection, connection.info.dbname), "owner": _identifier(connection, owner)}
    purposes = ["role_backup", "role_restore"]
    if major < _READ_ALL_MAJOR:
        purposes[0] = "role_backup_13"
        values["schemas"] = _each_schema(connection)
    text = b"\n".join(statement(purpose) for purpose in purposes).decode()
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)  # in one pass: a name may hold braces


def _identifier(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> str:
    """A line break in a name would end a comment, and what follows would be run: `U&` writes it on one line."""
    if name.isprintable():
        return sql.Identifier(name).as_string(connection)
    plain = (letter if letter.isprintable() and letter != "\\" else f"\\+{ord(letter):06x}" for letter in name)
    return "U&" + sql.Identifier("".join(plain)).as_string(connection)


def _each_schema(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    """What reads all of every schema, and of what its owner will make in it."""
    rows = connection.execute(
        "SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace "
        r"WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' ORDER BY 1"
    ).fetchall()
    lines = []
    for schema, owner in rows:
        name, maker = _identifier(connection, schema), _identifier(connection, owner)
        lines.append(f"GRANT USAGE ON SCHEMA {name} TO backup;")
        for kind in ("TABLES", "SEQUENCES"):
            lines.append(f"GRANT SELECT ON ALL {kind} IN SCHEMA {name} TO backup;")
            to_come = f"ALTER DEFAULT PRIVILEGES FOR ROLE {maker} IN SCHEMA {name}"
            lines.append(f"{to_come} GRANT SELECT ON {kind} TO backup;")
    return "\n".join(lines)
