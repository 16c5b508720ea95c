"""Servers that are set up in ways that a dump trips over, with tables of every kind: backup, verify, drill and restore
are right all the same."""

from __future__ import annotations

import contextlib
import itertools
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dbops import app
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.restorer import MysqlRestorer
from dbops.engine.restoring import Wishes
from dbops.errors import DatabaseError
from dbops.model import Verdict
from dbops.ops.backup import backup
from dbops.ops.verify import verify
from dbops.progress import Silent
from tests.mutations.bench import RunningServer, drill_on, wrong
from tests.mysql_restoring import back_up, errors, run_restore
from tests.mysql_servers import MysqlServer, installation, quoted, servers

MODES = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,PIPES_AS_CONCAT,IGNORE_SPACE"
SERVERS = {
    "modes": {"sql-mode": MODES, "character-set-server": "latin1", "default-time-zone": "+05:30"},
    "small letters": {"lower-case-table-names": "1", "sql-mode": "TRADITIONAL"},
}
KINDS = r"""
CREATE TABLE Mixed_Case (Id INT AUTO_INCREMENT PRIMARY KEY, txt TEXT, c CHAR(10), d DATE, dt DATETIME(6),
    ts TIMESTAMP(3) NULL, y YEAR, t TIME(6), e ENUM('','a,b','it''s','x\\y'), s SET('a','b c','d''e'))
INSERT INTO Mixed_Case (txt, c, d, dt, ts, y, t, e, s) VALUES ('it''s "q"', 'pad', '0000-00-00', '0000-00-00 00:00:00',
    '2038-01-19 03:14:07.999', 1901, '-838:59:59', 'it''s', 'a,d''e'), (REPEAT('\\', 50), '', '2026-00-00',
    '2026-01-00 00:00:00', '1970-01-01 00:00:01', 2155, '838:59:59', '', ''), (NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL)
CREATE TABLE geo (id INT PRIMARY KEY, g GEOMETRY NOT NULL, SPATIAL KEY (g))
INSERT INTO geo VALUES (1, ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'))
CREATE TABLE words (id INT PRIMARY KEY, a TEXT, FULLTEXT KEY (a))
INSERT INTO words VALUES (1, 'hello world'), (2, NULL)
CREATE TABLE made (id INT PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL, s INT AS (a * 2) STORED, KEY (v),
    CHECK (a < 100))
INSERT INTO made (id, a) VALUES (1, 5), (2, NULL)
CREATE TABLE unseen (id INT PRIMARY KEY, a INT INVISIBLE DEFAULT 7, b INT)
INSERT INTO unseen (id, b) VALUES (1, 2)
CREATE TABLE parts (id INT, d DATE, PRIMARY KEY (id, d)) PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH(id)
    SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2000), PARTITION `p 1` VALUES LESS THAN MAXVALUE)
INSERT INTO parts VALUES (1, '1999-01-01'), (2, '2020-01-01')
CREATE TABLE lists (id INT PRIMARY KEY, k INT) PARTITION BY KEY (id) PARTITIONS 3
INSERT INTO lists VALUES (1, 1), (2, 2), (3, 3)
CREATE TABLE numbers (d DOUBLE, n DECIMAL(65,30), u BIGINT UNSIGNED, bi BIT(64), j JSON)
INSERT INTO numbers VALUES (1e308, 12345678901234567890123456789012345.123456789012345678901234567890,
    18446744073709551615, b'1111', '{"a": [1, 2.5, "é"]}'), (0, 0, 0, 0, NULL), (0, 0, 0, 0, NULL)
CREATE TABLE squeezed (id INT PRIMARY KEY, t TEXT) ROW_FORMAT=COMPRESSED COMMENT='it''s; -- x'
INSERT INTO squeezed VALUES (1, REPEAT('x', 1000))
CREATE TABLE old_engine (id INT PRIMARY KEY) ENGINE=MyISAM
INSERT INTO old_engine VALUES (1)
CREATE VIEW Shown AS SELECT Id, CONCAT(txt, '"') AS x FROM Mixed_Case
CREATE FUNCTION quoting(a VARCHAR(10)) RETURNS VARCHAR(20) DETERMINISTIC RETURN CONCAT(a, '\\', "dq")
"""
OF = {
    "mariadb": r"""
CREATE SEQUENCE draws START WITH 10 INCREMENT BY 5 CYCLE MAXVALUE 100
CREATE TABLE drawn (id INT DEFAULT NEXTVAL(draws) PRIMARY KEY, a INT)
INSERT INTO drawn (a) VALUES (1), (2)
CREATE TABLE history (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING
INSERT INTO history VALUES (1, 1)
UPDATE history SET a = 2
DELETE FROM history
CREATE TABLE squeezed_column (id UUID PRIMARY KEY, i INET6, c TEXT COMPRESSED)
INSERT INTO squeezed_column VALUES ('123e4567-e89b-12d3-a456-426655440000', '::1', 'x')
CREATE TABLE period (id INT, s DATE, e DATE, PERIOD FOR app (s, e), UNIQUE (id, app WITHOUT OVERLAPS))
INSERT INTO period VALUES (1, '2020-01-01', '2021-01-01')
CREATE TABLE of_aria (id INT) ENGINE=Aria
INSERT INTO of_aria VALUES (1)
""",
    "mysql": r"""
CREATE TABLE functional (id INT PRIMARY KEY, j JSON, KEY m ((CAST(j->'$.b' AS UNSIGNED ARRAY))))
INSERT INTO functional VALUES (1, '{"a": 3, "b": [1, 2]}')
CREATE TABLE somewhere (id INT PRIMARY KEY, p POINT NOT NULL SRID 4326, SPATIAL KEY (p), KEY unseen (id DESC) INVISIBLE)
INSERT INTO somewhere VALUES (1, ST_GeomFromText('POINT(10 20)', 4326))
CREATE TABLE lax (id INT, u BINARY(16) DEFAULT (UUID_TO_BIN(UUID())), CONSTRAINT c CHECK (id > 0) NOT ENFORCED)
INSERT INTO lax (id) VALUES (-1)
""",
}
UNDER_ITS_MODES = (
    "CREATE PROCEDURE plain_backslash() SELECT 'a\\' AS x",
    'CREATE TRIGGER counts_up BEFORE INSERT ON "unseen" FOR EACH ROW SET NEW."b" = NEW."b" + 1',
)


def fill(server: MysqlServer, name: str, *, under: tuple[str, ...]) -> None:
    """`under`: statements that mean what they do under the server's own modes alone."""
    text = (KINDS + OF[server.kind]).replace("\n    ", " ")
    with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute("SET NAMES utf8mb4, sql_mode = 'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION'")
        for statement in filter(None, text.split("\n")):
            cursor.execute(statement)
        cursor.execute("SET sql_mode = DEFAULT")
        for statement in under:
            cursor.execute(statement)


def checksums(server: MysqlServer, name: str) -> dict[str, int]:
    kinds = "('BASE TABLE', 'SYSTEM VERSIONED')"
    tables = server.execute(f"SHOW FULL TABLES FROM {quoted(name)} WHERE Table_type IN {kinds}")
    # MySQL takes the hidden column of an index over an array into account, which every copy keeps in another way.
    return {
        table: server.execute(f"CHECKSUM TABLE {quoted(name)}.{quoted(table)}")[0][1]
        for table, _ in tables
        if table != "functional"
    }


@pytest.mark.parametrize("setting", SERVERS)
@pytest.mark.parametrize("name", servers())
def test_every_kind_of_table_on_a_server_of_its_own_ways(name: str, setting: str, tmp_path: Path) -> None:
    with MysqlServer(installation(name), settings=SERVERS[setting]) as server:
        server.create_database("Shop", "CHARACTER SET utf8mb4")
        fill(server, "Shop", under=UNDER_ITS_MODES if setting == "modes" else ())
        before = checksums(server, "Shop")
        backed = back_up(server, "Shop", tmp_path, jobs=2, inventory="content")
        engine = app.open_engine(backed.target)
        checked = verify(engine, backed.catalog, backed.manifest, jobs=2, progress=Silent(), clock=app.now)
        assert (checked.verdict, checked.findings) == (Verdict.PASS, ())
        drilled = drill_on(RunningServer(server.url, server.kind, server.version), backed)
        assert (wrong(drilled), drilled.verdict) == ([], Verdict.PASS)
        report = run_restore(backed)
        assert (errors(report), report.verdict) == ([], Verdict.PASS)
        assert checksums(server, "Shop") == before


@pytest.mark.parametrize("name", servers())
def test_a_row_whose_text_is_longer_than_the_server_s_packets(name: str, tmp_path: Path) -> None:
    """It has two characters for each byte in a dump, and the server that held it closes the connection at that."""
    with MysqlServer(installation(name), settings={"max-allowed-packet": "2M"}) as server:
        server.create_database("shop", "CHARACTER SET utf8mb4")
        server.execute(
            "CREATE TABLE big (id INT PRIMARY KEY, b LONGBLOB, t LONGTEXT, g GEOMETRY, j JSON)",
            "INSERT INTO big VALUES (1, REPEAT(0xFF0027, 600000), NULL, POINT(1, 2), NULL)",
            "INSERT INTO big VALUES (2, 0x00, REPEAT('a''\\\\é😀\n', 150000), NULL, '[]')",
            "INSERT INTO big VALUES (3, REPEAT(0x5C, 900000), REPEAT('x', 900000), NULL, JSON_ARRAY(REPEAT('x', 999)))",
            database="shop",
        )
        before = checksums(server, "shop")
        backed = back_up(server, "shop", tmp_path)
        report = run_restore(backed)
        assert (errors(report), report.verdict) == ([], Verdict.PASS)
        assert checksums(server, "shop") == before
        # And where the server cannot hold a value at all, that is said, and nothing is lost.
        server.execute("SET GLOBAL max_allowed_packet = 1048576")
        with pytest.raises(DatabaseError, match="a row of big needs") as caught:
            run_restore(backed)
        assert caught.value.kind == "server-lacks"
        assert "SET GLOBAL max_allowed_packet = " in caught.value.hint
        assert checksums(server, "shop") == before


@contextmanager
def balancer(*ports: int) -> Iterator[int]:
    """A port whose connections go to each of these in turn."""
    turns = itertools.cycle(ports)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", next(turns))) as other:
                back = threading.Thread(target=_pour, args=(other, self.request))
                back.start()
                _pour(self.request, other)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def _pour(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("name", servers())
def test_an_address_that_leads_to_several_servers(name: str, tmp_path: Path) -> None:
    """What one session locks or drops, another would not find locked or dropped."""
    with MysqlServer(installation(name)) as one, MysqlServer(installation(name)) as other:
        for server in (one, other):
            server.create_database("shop")
            server.execute("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)", database="shop")
            server.execute(f"ALTER USER root@'%' IDENTIFIED BY '{one.password}'")
        backed = back_up(one, "shop", tmp_path)
        with balancer(one.port, other.port) as port:
            url = one.url("shop").replace(f":{one.port}/", f":{port}/")
            target = Target(url=Secret(url), name="shop", bindir=one.bindir)
            with pytest.raises(DatabaseError, match="more than one server") as caught:
                backup(app.open_engine(target), backed.catalog, target, clock=app.now, progress=Silent())
            assert caught.value.kind == "several-servers"
            restorer = MysqlRestorer(Access(url), None, None)
            with pytest.raises(DatabaseError, match="more than one server"), restorer.lock():
                restorer.preflight(backed.manifest, Wishes(in_place=True))


@pytest.mark.parametrize("name", servers())
def test_a_server_whose_transactions_only_read_unless_told(name: str, tmp_path: Path) -> None:
    """A default that any session may change, as `default_transaction_read_only` of PostgreSQL is."""
    found = installation(name)
    setting = "transaction-read-only" if found.kind == "mysql" else "tx-read-only"
    with MysqlServer(found) as server:
        server.create_database("shop")
        server.script(
            "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT 1;", "shop"
        )
        server.execute(f"SET GLOBAL {setting.replace('-', '_')} = ON")
        backed = back_up(server, "shop", tmp_path)
        assert run_restore(backed).verdict is Verdict.PASS
        assert run_restore(backed, in_place=True, safety=lambda: backed.manifest).verdict is Verdict.PASS
