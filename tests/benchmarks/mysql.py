"""MariaDB: backups against mysqldump, and restores against its client, on the server of this machine."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks.measure import HEAD, Measured, Ratio, best, child, shell
from tests.mysql_installations import UnavailableError, find
from tests.mysql_servers import DURABLE, MysqlServer

NAME = "mariadb10.11"
SETTINGS = DURABLE | {
    "innodb-buffer-pool-size": "256M",
    "innodb-log-file-size": "512M",
    # Reads what is not in its own memory from the system's, as PostgreSQL does, and not from the disk (O_DIRECT).
    "innodb-flush-method": "fsync",
}
MOST_MIB = 120
TABLES = {"orders": 500_000, "items": 400_000, "events": 400_000, "customers": 300_000}
"""Rows at scale 1.0. No table is most of the database: a restore may take several at once."""
_FLAGS = "--single-transaction --quick --routines --events --triggers --hex-blob --default-character-set=utf8mb4"
_TABLE = """
CREATE TABLE {name} (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    customer INT NOT NULL,
    amount DECIMAL(14, 2) NOT NULL,
    note VARCHAR(80) NOT NULL,
    data JSON NOT NULL,
    at DATETIME(6) NOT NULL,
    KEY by_customer (customer, at),
    KEY by_note (note)
);
INSERT INTO {name} (customer, amount, note, data, at)
SELECT FLOOR(RAND() * 100000), RAND() * 1e9, CONCAT(MD5(RAND()), MD5(RAND())),
       JSON_OBJECT('a', FLOOR(RAND() * 1e6), 'b', MD5(RAND()), 'c', JSON_ARRAY(seq, seq + 1)),
       TIMESTAMP('2026-01-01') + INTERVAL FLOOR(RAND() * 3e13) MICROSECOND
FROM seq_1_to_{rows};
"""
_SIZE = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = 'bench'"


def mysql(scale: float, rounds: int) -> Iterator[str | Ratio]:
    """The lines of the table."""
    try:
        installation = find(NAME)
    except UnavailableError as error:
        sys.exit(str(error))
    with (
        MysqlServer(installation, settings=SETTINGS) as server,
        tempfile.TemporaryDirectory(prefix="dbops-bench-mysql-") as folder,
    ):
        yield f"database: {_fill(server, scale) / 1e9:.2f} GB, MariaDB {server.version}, {os.cpu_count()} cores"
        yield HEAD
        bench = Bench(server, Path(folder), rounds)
        yield from bench.backup()
        yield from bench.restore()


def _fill(server: MysqlServer, scale: float) -> int:
    """Fills the database; returns its size in bytes."""
    server.create_database("bench")
    for name, rows in TABLES.items():
        server.script(_TABLE.format(name=name, rows=max(1, round(rows * scale))), "bench")
    names = ", ".join(TABLES)
    return int(server.execute(f"ANALYZE TABLE {names}", _SIZE, database="bench")[0][0])


class Bench:
    def __init__(self, server: MysqlServer, folder: Path, rounds: int) -> None:
        self._server = server
        self._folder = folder
        self._rounds = rounds
        self._login = folder / "client.cnf"
        self._login.touch(mode=0o600)
        self._login.write_text(
            f"[client]\nuser={server.SUPERUSER}\npassword={server.password}\nhost=127.0.0.1\nport={server.port}\n"
        )
        self._environment = {**os.environ, "DBOPS_CONFIG": str(folder / "dbops.toml")}

    def backup(self) -> Iterator[Ratio]:
        runs = [partial(self._backup, jobs, level) for jobs in (1, 2) for level in ("counts", "content")]
        zipped, plain, counts, content, counts2, content2 = best(
            self._rounds, partial(self._dump, f"| gzip > {self._folder / 'plain.sql.gz'}"), self._plain, *runs
        )
        for jobs, counted, read in ((1, counts, content), (2, counts2, content2)):
            bounds = (0.40, 1.30, 1.8) if jobs == 1 else (None, None, None)
            name = f"backup, jobs {jobs}"
            yield Ratio(f"{name}, counts, against mysqldump | gzip", counted, zipped, bounds[0], MOST_MIB)
            yield Ratio(f"{name}, counts, against mysqldump > file", counted, plain, bounds[1], MOST_MIB)
            yield Ratio(f"{name}, content, against mysqldump > file", read, plain, bounds[2], MOST_MIB)

    def restore(self) -> Iterator[Ratio]:
        """Beside the database, compared row by row, which the client does not do: told with and without."""
        report = self._folder / "restore.json"
        phases: dict[Measured, dict[str, float]] = {}

        def by_hand() -> Measured:
            self._server.drop_database("plain")
            self._server.create_database("plain")
            client = self._server.installation.tool("mysql")
            return shell(f"{client} --defaults-file={self._login} plain < {self._folder / 'plain.sql'}", os.environ)

        def ours() -> Measured:
            self._server.drop_database("copy")
            whole = child(["restore", "--into", "copy", "--yes", "--json"], self._environment, said=report)
            phases[whole] = json.loads(report.read_text())["phases"]
            return whole

        self._plain()
        self._backup(2, "content")
        plain, whole = best(self._rounds, by_hand, ours)
        loading = whole._replace(seconds=phases[whole]["load"])
        yield Ratio("restore, jobs 2, loading, against mysql < dump.sql", loading, plain, 0.65, MOST_MIB)
        yield Ratio("restore, jobs 2, verified, against the same", whole, plain, None, MOST_MIB)

    # --- how --------------------------------------------------------------------------------------------------------

    def _plain(self) -> Measured:
        return self._dump(f"> {self._folder / 'plain.sql'}")

    def _dump(self, where: str) -> Measured:
        """The dump program alone, as a runbook calls it."""
        tool = self._server.installation.tool("mysqldump")
        return shell(f"{tool} --defaults-file={self._login} {_FLAGS} bench {where}", os.environ)

    def _backup(self, jobs: int, level: str) -> Measured:
        store = self._folder / "store"
        shell(f"rm -rf {store}", os.environ)
        lines = ["[store]", f'url = "file://{store}"', "[targets.bench]", f'url = "{self._server.url("bench")}"']
        lines += [f"jobs = {jobs}", f'inventory = "{level}"', f'bindir = "{self._server.bindir}"', ""]
        config = Path(self._environment["DBOPS_CONFIG"])
        config.touch(mode=0o600)
        config.write_text("\n".join(lines))
        return child(["backup"], self._environment, engine="mysql")
