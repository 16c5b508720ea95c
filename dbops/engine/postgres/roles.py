"""The roles with the least rights that a backup and a restore need, as SQL to be pasted."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

from dbops.engine.postgres.statements import statement


def role_sql(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    """Both, for the connected database. Its name and its owner's are hostile: they are quoted, and on one line."""
    row = connection.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
    (owner,) = row.fetchone() or ("",)
    values = {"database": _identifier(connection, connection.info.dbname), "owner": _identifier(connection, owner)}
    text = b"\n".join(statement(f"role_{purpose}") for purpose in ("backup", "restore")).decode()
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)  # in one pass: a name may hold braces


def _identifier(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> str:
    """A line break in a name would end a comment, and what follows would be run: `U&` writes it on one line."""
    if name.isprintable():
        return sql.Identifier(name).as_string(connection)
    plain = (letter if letter.isprintable() and letter != "\\" else f"\\+{ord(letter):06x}" for letter in name)
    return "U&" + sql.Identifier("".join(plain)).as_string(connection)
