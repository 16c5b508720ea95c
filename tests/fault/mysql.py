"""Backups of MySQL and MariaDB under fault: what these two need beside `support`."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql

from dbops.config import Target
from dbops.engine.base import Content
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.snapshot import open_quiet
from dbops.model import Manifest
from dbops.progress import Silent
from tests.fault import support
from tests.mysql_servers import MysqlServer

LOGGED: dict[str, dict[str, str]] = {
    "mysql": {"log-bin": "binlog", "server-id": "1", "gtid-mode": "ON", "enforce-gtid-consistency": "ON"},
    "mariadb": {"log-bin": "binlog", "server-id": "1"},
}
"""Settings by product: with a binary log that counts transactions."""
ROWS = 20_000


def target(server: MysqlServer, database: str, **options: Any) -> Target:
    """A target of the server's superuser; `user` and `password` for another one."""
    login = {name: options.pop(name) for name in ("user", "password") if name in options}
    return support.target(server.url(database, **login), bindir=server.bindir, **options)


def fill(server: MysqlServer, database: str, rows: int = ROWS) -> None:
    """A database with accounts and a log, and one of everything else that a dump may forget."""
    server.create_database(database, "CHARACTER SET utf8mb4")
    server.execute(
        "CREATE TABLE account (id INT PRIMARY KEY AUTO_INCREMENT, balance BIGINT NOT NULL, note TEXT)",
        "CREATE TABLE entry (id BIGINT PRIMARY KEY AUTO_INCREMENT, debit INT, credit INT, amount BIGINT)",
        "CREATE VIEW total AS SELECT SUM(balance) AS s FROM account",
        "CREATE TRIGGER guard BEFORE UPDATE ON entry FOR EACH ROW SET NEW.amount = OLD.amount",
        "CREATE PROCEDURE nothing() BEGIN SELECT 1; SELECT 2; END",
        "CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1",
        "CREATE EVENT later ON SCHEDULE EVERY 1 DAY DO DELETE FROM entry WHERE id < 0",
        database=database,
    )
    with contextlib.closing(server.connect(database)) as connection, connection.cursor() as cursor:
        for start in range(0, rows, 5000):
            values = ",".join(f"(1000,'{_noise(number)}')" for number in range(start, min(start + 5000, rows)))
            cursor.execute(f"INSERT INTO account (balance, note) VALUES {values}")
        cursor.execute("INSERT INTO entry (debit, credit, amount) VALUES (1, 2, 0), (2, 1, 0)")


def _noise(number: int) -> str:
    """Text that does not compress to nothing."""
    return hashlib.sha512(str(number).encode()).hexdigest() + hashlib.sha512(str(-number).encode()).hexdigest()


@contextmanager
def transfers(
    server: MysqlServer, database: str, count: int = 4, *, seconds: float = 3600
) -> Iterator[Callable[[], int]]:
    """Sessions that move money between accounts, each time in one transaction, for so long once all do; gives how many
    transactions there were until now."""
    stop = threading.Event()
    end = [float("inf")]
    done = [0] * count
    (rows,) = server.execute("SELECT COUNT(*) FROM account", database=database)[0]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with contextlib.closing(server.connect(database, autocommit=False)) as connection:
                # In ascending order of accounts: no deadlocks.
                with connection.cursor() as cursor:
                    while not stop.is_set() and time.monotonic() < end[0]:
                        one = (done[number] * 7919 + number) % (rows - 1) + 1
                        cursor.execute(f"UPDATE account SET balance = balance - 5 WHERE id = {one}")
                        cursor.execute(f"UPDATE account SET balance = balance + 5 WHERE id = {one + 1}")
                        cursor.execute(f"INSERT INTO entry (debit, credit, amount) VALUES ({one}, {one + 1}, 5)")
                        connection.commit()
                        done[number] += 1
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        support.until(lambda: all(done), "every writer writes")
        end[0] = time.monotonic() + seconds
        yield lambda: sum(done)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures


def load(server: MysqlServer, store: Path, manifest: Manifest, database: str) -> None:
    """Restores a backup by hand, into a new database."""
    server.create_database(database)
    for data in unpacked(store, manifest):
        server.client("mysql", "--binary-mode", database, data=data)


def unpacked(store: Path, manifest: Manifest) -> list[bytes]:
    """The text of a backup's parts, in the order in which they load."""
    folder = store / manifest.target / manifest.id
    names = [a.name for a in manifest.artifacts if a.name.startswith("backup_")]
    order = {"schema": 0, "data": 1, "after": 2}
    names.sort(key=lambda name: (order.get(Path(name).name.partition(".")[0].partition("-")[0], 0), name))
    tools = {".zst": ["zstd", "-dc"], ".gz": ["gzip", "-dc"], ".sql": ["cat"]}
    return [
        subprocess.run([*tools[Path(name).suffix], str(folder / name)], check=True, capture_output=True).stdout
        for name in names
    ]


def contents(server: MysqlServer, database: str) -> dict[str, Content]:
    """Rows and digests of a database to which nobody writes."""
    with open_quiet(Access(server.url(database)), 2) as snapshot:
        found = snapshot.contents(snapshot.tables(), 2, Silent())
    return {name: content for (_, name), content in found.items()}


def expected(manifest: Manifest) -> dict[str, Content]:
    return {table.name: Content(table.rows, table.digest) for table in manifest.inventory.tables}


def sessions(server: MysqlServer) -> list[str]:
    """Other sessions that are connected to the server."""
    rows = server.execute(
        "SELECT CONCAT_WS(' ', id, user, command, state, info) FROM information_schema.processlist"
        " WHERE id <> CONNECTION_ID() AND command NOT IN ('Daemon') AND user NOT IN ('event_scheduler', 'system user')"
    )
    return [row[0] for row in rows]


def no_sessions(server: MysqlServer) -> None:
    support.until(lambda: not sessions(server), "sessions of the backup stay behind")


@contextmanager
def user(server: MysqlServer, *grants: str, name: str = "backup") -> Iterator[dict[str, str]]:
    """A user with these rights (`SELECT ON bank.*`): what `target` takes of it."""
    password = "correct horse 'battery"
    account = f"'{name}'@'%'"
    server.execute(f"CREATE USER {account} IDENTIFIED BY 'correct horse \\'battery'")
    try:
        server.execute(*(f"GRANT {grant} TO {account}" for grant in grants))
        yield {"user": name, "password": password}
    finally:
        server.execute(f"DROP USER {account}")


def wrapped(server: MysqlServer, folder: Path, script: str) -> Path:
    """A folder with a dump program that answers as the server's own, but runs `script` (of `sh`) instead of a dump;
    `$REAL` is the real one."""
    folder.mkdir(parents=True, exist_ok=True)
    real = server.installation.tool("mysqldump")
    path = folder / Path(real).name
    path.write_text(f'#!/bin/sh\nREAL={real}\ncase "$*" in *--version*|*--help*) exec "$REAL" "$@";; esac\n{script}\n')
    path.chmod(0o755)
    return folder


def dump_programs() -> list[int]:
    """Dump programs below us, also those that run through a loader of their own; as a test's server may, too."""
    return [pid for pid in support.children(os.getpid()) if re.search(rb"(mysqldump|mariadb-dump)\0", _command(pid))]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def slow(server: MysqlServer, folder: Path) -> Path:
    """Programs that begin, leave a file `begun` and then take a quarter of a minute for their output."""
    script = f'touch {folder}/begun; "$REAL" "$@" | (head -c 3000; sleep 15; cat)'
    return wrapped(server, folder, script)


def number_of(connection: pymysql.connections.Connection[Any]) -> int:
    """The server's number for a session."""
    number: int = connection.thread_id()  # type: ignore[no-untyped-call]
    return number
