"""What tests of foreign dumps of MySQL and MariaDB share: dumps by the real tools, and drills of them into a server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from dbops import app
from dbops.config import StoreConfig, Target
from dbops.config.urls import Secret
from dbops.model import Report
from dbops.ops.foreign_drill import ForeignDrill, ForeignPlaces
from dbops.ops.foreign_source import located
from dbops.progress import Silent
from dbops.sandbox.base import About, Chosen, Needs
from tests.mysql_restoring import OF_MARIADB, ROWS, SCHEMA
from tests.mysql_servers import MysqlServer
from tests.needs import need

EVERYTHING = ("--single-transaction", "--routines", "--triggers", "--events")
TWINS = r"""
CREATE TABLE twins (id INT PRIMARY KEY, t TEXT, b BLOB);
INSERT INTO twins VALUES (1, '\\! touch /tmp/x', x'00ff27'), (2, 'a\n\\! b\n', NULL), (3, '-- Dump completed', ''),
    (4, 'DELIMITER ;;\nx;\n', x'5c'), (5, 'it''s; "so"; `that`', NULL), (6, '/*!50003 x */', NULL), (0, 'zero', NULL),
    (7, 'system id;\nUSE mysql;\n', NULL), (8, 'GRANT ALL ON *.* TO x;\n', NULL);
CREATE TABLE `a ``b``; c` (`d;e` INT COMMENT 'USE mysql; \\! x') COMMENT 'it''s;\n\\! y';
"""
"""Innocent: whoever reads a script carelessly takes this for commands and ends of statements."""
OTHER = """
CREATE TABLE t (a INT PRIMARY KEY, at TIMESTAMP NOT NULL);
INSERT INTO t VALUES (1, '2026-01-02 03:04:05'), (2, '2026-01-02 03:04:06');
CREATE VIEW both_of_them AS SELECT c.name, t.a FROM shop.customers c JOIN t ON t.a = c.id;
"""
PROGRAMS = """
CREATE DEFINER = 'gone'@'%' FUNCTION of_gone() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM customers);
CREATE DEFINER = 'gone'@'%' VIEW view_of_gone AS SELECT id, name FROM customers;
"""


def fill(server: MysqlServer, *, lock: bool = False) -> None:
    """`shop` with one of everything, and a view and a function of a definer that is not in a dump of it; `other` with a
    view into `shop`. `lock`: also a default that draws from a sequence, which LOCK TABLES of a dump trips over."""
    server.create_database("shop")
    server.execute("CREATE USER 'gone'@'%'", "GRANT SELECT, EXECUTE ON shop.* TO 'gone'@'%'")
    server.script(SCHEMA + ROWS + TWINS.replace("(0, 'zero', NULL),", "") + PROGRAMS, "shop")
    if lock and server.kind == "mariadb":
        server.script(OF_MARIADB, "shop")
    server.execute("DELETE FROM log", database="shop")
    server.create_database("other")
    server.script(OTHER, "other")


def dump(server: MysqlServer, path: Path, *arguments: str) -> Path:
    """A dump as people make it, with the product's own program."""
    path.write_bytes(server.client("mysqldump", *arguments))
    return path


def mydumper(server: MysqlServer, folder: Path, *arguments: str) -> Path:
    """A folder that the real mydumper of this machine makes; a test that needs it is skipped without it."""
    program = shutil.which("mydumper")
    if program is None:
        need("no mydumper on this machine: apt-get install mydumper")
    login = ["--socket", str(server.socket), "--user", server.SUPERUSER, "--password", server.password]
    argv = [program, *login, "--outputdir", str(folder), "--triggers", "--events", "--routines", *arguments]
    for _ in range(3):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        if "Something very bad happened" not in done.stderr:  # its threads race for what it is to do next (0.10)
            break
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    return folder


class Given:
    """A running server as a sandbox: each drill leaves it as it was."""

    ephemeral = False

    def __init__(self, server: MysqlServer) -> None:
        self._server = server

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It goes on."""

    @property
    def about(self) -> About:
        return About("external", self._server.kind, self._server.version, "a test's server")

    def url(self, database: str) -> Secret:
        return Secret(self._server.socket_url(database))

    def log(self) -> str:
        return ""


def drill(
    path: Path | str, server: MysqlServer, *, identity: Path | None = None, past: Any = (), **target: Any
) -> Report:
    """A drill into the server; afterwards it has the same databases and accounts as before."""
    report, _ = drill_with_needs(path, server, identity=identity, past=past, **target)
    return report


def drill_with_needs(
    path: Path | str, server: MysqlServer, *, identity: Path | None = None, past: Any = (), **target: Any
) -> tuple[Report, list[Needs]]:
    settings = Target(**{"name": "shop", **target})
    real = app.foreign_places(settings, StoreConfig(url="file:///dev/null"))
    asked: list[Needs] = []

    def sandbox(needs: Needs) -> Chosen:
        asked.append(needs)
        return Chosen("external", Given(server), (), ())

    places = ForeignPlaces(sandbox, real.reader, real.loader, real.bucket)
    before = state(server)
    work = ForeignDrill(
        located(str(path)), settings, places, clock=app.now, progress=Silent(), past=past, identity=identity
    )
    with work:
        work.run()
    assert state(server) == before
    return work.report, asked


def state(server: MysqlServer) -> tuple[Any, ...]:
    """What a drill must leave as it was: databases, accounts, settings of the server."""
    return (
        server.execute("SELECT schema_name FROM information_schema.schemata ORDER BY 1"),
        server.execute("SELECT user, host, plugin, authentication_string FROM mysql.user ORDER BY 1, 2"),
        server.execute("SELECT @@global.event_scheduler, @@global.sql_mode, @@global.innodb_stats_auto_recalc"),
    )
