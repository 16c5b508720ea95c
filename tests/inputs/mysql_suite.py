"""Tables of odd types, from the test suite of MariaDB (Debian's package mariadb-test-data).

Its `.test` files are scripts of the program mysqltest, which is not needed: of each file the statements that make and
fill tables are run, one by one, as far as the server takes them; and what a file would drop is kept.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from tests.inputs.debian import package
from tests.mysql_servers import MysqlServer, quoted

if TYPE_CHECKING:
    from tests.mysql_servers import Connection as Driver

CHOSEN = (
    *(
        "type_*",
        "gis",
        "gis-json",
        "partition_datatype",
        "partition_column",
        "fulltext",
        "fulltext2",
        "fulltext_charsets",
    ),
    *("ctype_latin1", "ctype_latin2", "ctype_utf8mb4", "ctype_binary", "ctype_collate", "ctype_many"),
    *("null", "bigint", "strict", "auto_increment", "key", "default"),
)
"""Of the folder `main`, by the beginnings of their names."""
_KEPT = re.compile(rb"\s*(CREATE\s+TABLE|INSERT|REPLACE|UPDATE|DELETE|ALTER\s+TABLE|SET\s|DROP\s+TABLE)", re.I)
_DROP = re.compile(rb"\s*DROP\s+TABLE(?:\s+IF\s+EXISTS)?\s+([^;]*)", re.I)
_NOT_KEPT = re.compile(
    rb"\b(TEMPORARY|GLOBAL|PASSWORD|SQL_LOG_BIN|DEBUG|DELAYED|OUTFILE|SLEEP|RANDOM_BYTES)\b|\$|@@|/tmp", re.I
)
_SCRATCH = "scratch"
_ROWS = 500
"""Larger tables are of no odder types."""


def load(server: MysqlServer, name: str) -> int:
    """Collects the tables in a database of that name; how many."""
    folder = package("mariadb-test-data") / "usr/share/mysql/mysql-test/main"
    server.create_database(name, "CHARACTER SET latin1")
    seen: set[str] = set()
    for pattern in CHOSEN:
        for file in sorted(folder.glob(f"{pattern}.test")):
            _collect(server, file, name, seen)
    query = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s"
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(query, (name,))
        return int((cursor.fetchone() or (0,))[0])


def _collect(server: MysqlServer, file: Path, name: str, seen: set[str]) -> None:
    server.drop_database(_SCRATCH)
    server.create_database(_SCRATCH, "CHARACTER SET latin1")
    with contextlib.closing(server.connect(_SCRATCH)) as connection:
        for statement in _statements(file.read_bytes()):
            if dropped := _DROP.match(statement):
                for table in _names(dropped[1]):
                    _keep(connection, table, file, name, seen)
                    _run(connection, f"DROP TABLE IF EXISTS {table}")
            else:
                _run(connection, statement.decode("utf-8", "surrogateescape"))
        _run(connection, "SET NAMES utf8mb4")
        for table, _ in _run(connection, "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'"):
            _keep(connection, quoted(str(table)), file, name, seen)
    server.drop_database(_SCRATCH)


def _keep(connection: Driver, table: str, file: Path, name: str, seen: set[str]) -> None:
    """Moves a table to the others, if it has a column as none of them has. `seen`: what columns are."""
    shown = _run(connection, f"SHOW CREATE TABLE {table}")
    rows = _run(connection, f"SELECT COUNT(*) FROM {table}")
    if not shown or not rows or not 0 < rows[0][0] <= _ROWS:
        return
    columns = set(re.findall(r"(?m)^  `(?:[^`]|``)*` (.*?),?$", str(shown[0][1])))
    if columns - seen:
        seen |= columns
        place = quoted(f"{file.stem[:24]}_{len(seen)}_{table.strip('`')[:20]}")
        _run(connection, f"RENAME TABLE {table} TO {quoted(name)}.{place}")


def _run(connection: Driver, statement: str) -> Sequence[tuple[Any, ...]]:
    """What the server refuses is left out: files test refusals, too, and other versions."""
    with contextlib.suppress(pymysql.err.MySQLError, UnicodeError), connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
    return ()


def _statements(text: bytes) -> Iterator[bytes]:
    """What ends with the delimiter at the end of a line, without the commands of mysqltest."""
    collected: list[bytes] = []
    for line in text.splitlines():
        start = line.lstrip()
        if not collected and (not start or start[:1] in b"#{}" or start.startswith(b"--") or not _KEPT.match(start)):
            continue
        collected.append(line)
        if line.rstrip().endswith(b";"):
            statement = b"\n".join(collected).rstrip()[:-1]
            collected = []
            if not _NOT_KEPT.search(statement):
                yield statement


def _names(text: bytes) -> list[str]:
    names = re.findall(r"`[^`]+`|[A-Za-z_][\w$]*", text.decode("utf-8", "replace"))
    return [name if name.startswith("`") else quoted(name) for name in names if "." not in name]
