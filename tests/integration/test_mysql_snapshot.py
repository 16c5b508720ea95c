"""A snapshot of MySQL and MariaDB: digests that a dump and a restore keep, that see every change, all of one moment."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from dbops.engine.base import Content, Reading, TableRef
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.snapshot import MysqlSnapshot, begin, open_quiet
from dbops.errors import ConfigError, DatabaseError
from dbops.inventory.difference import differences
from dbops.progress import Silent
from tests.mysql_servers import MysqlServer, installation, servers

# Type, a value, and another one as near to it as the type allows. {m} in a type: for MySQL alone, {a}: for MariaDB,
# {11}: for MariaDB 11. (MariaDB prints -0 as 0: there they cannot be told apart.)
VALUES = [
    ("tinyint", "-128", "-127"),
    ("bigint unsigned", "18446744073709551615", "18446744073709551614"),
    ("int(6) zerofill", "5", "6"),
    ("decimal(65,30)", "0.000000000000000000000000000001", "0.000000000000000000000000000002"),
    ("decimal(65,0)", "99999999999999999999999999999999999999999999999999999999999999999", "-1"),
    ("float", "1.5", "1.5000001"),
    ("float {m}", "0e0", "-0e0"),
    ("float(7,3)", "1.5", "1.501"),
    ("double", "0.1", "0.10000000000000002"),
    ("double {m}", "0e0", "-0e0"),
    ("double", "1.7976931348623157e308", "1.7976931348623155e308"),
    ("double(20,2)", "1.5", "1.51"),
    ("bit(1)", "b'1'", "b'0'"),
    ("bit(64)", "0xffffffffffffffff", "0xfffffffffffffffe"),
    ("year", "2000", "2001"),
    ("year", "0", "1901"),
    ("date", "'0000-00-00'", "'0000-01-00'"),
    ("date", "'2004-02-29'", "'2004-02-28'"),
    ("time(6)", "'-00:00:00.000001'", "'00:00:00.000001'"),
    ("time(6)", "'-838:59:59'", "'-838:59:58.999999'"),
    ("datetime(6)", "'9999-12-31 23:59:59.999999'", "'9999-12-31 23:59:59.999998'"),
    ("datetime", "'0000-00-00 00:00:00'", "'1000-01-01 00:00:00'"),
    ("timestamp(6) NULL", "'2020-03-29 01:30:00'", "'2020-03-29 01:30:00.000001'"),
    ("timestamp NULL", "'0000-00-00'", "'1970-01-01 00:00:01'"),
    ("char(5) CHARACTER SET latin1", "'ä'", "'a'"),
    ("char(5) COLLATE utf8mb4_bin", "'a'", "' a'"),
    ("varchar(20) CHARACTER SET ucs2", "'ä€'", "'ä'"),
    ("varchar(20) CHARACTER SET utf16", "'😀'", "'😁'"),
    ("varchar(20)", "''", "' '"),
    ("varchar(20)", "'-'", "''"),
    ("varchar(20)", "'a'", "'A'"),
    ("varchar(20)", r"'\0\t\n\r\\\Z\'\"'", r"'\0\t\n\r\\\\\Z\'\"'"),
    ("varchar(300)", "'é'", "'e'"),
    ("varchar(20) CHARACTER SET cp1251", "'ж'", "'Ж'"),
    ("binary(4)", "'ab'", r"'ab\0\1'"),
    ("varbinary(20)", "''", r"'\0'"),
    ("varbinary(300)", "0x00ff27", "0x00ff28"),
    ("tinyblob", "0x80", "0x81"),
    ("longblob", "REPEAT('x', 3000000)", "CONCAT(REPEAT('x', 2999999), 'y')"),
    ("tinytext", "''", "' '"),
    ("longtext CHARACTER SET utf16", "'😀'", "'😁'"),
    ("mediumtext", "REPEAT('ä', 100000)", "CONCAT(REPEAT('ä', 99999), 'a')"),
    ("enum('','a','b')", "'a'", "'b'"),
    ("enum('ä','b') CHARACTER SET latin1", "'ä'", "'b'"),
    ("set('x','y','z')", "'x,z'", "'x'"),
    ("json", """'{"a": [1, null, "ä"]}'""", """'{"a": [1, null, "a"]}'"""),
    ("json", "'1.0'", "'1.5'"),
    ("json", "'null'", "'\"null\"'"),
    ("geometry", "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(1 2.0000000000000004)')"),
    ("geometry", "ST_GeomFromText('POINT(1 2)', 0)", "ST_GeomFromText('POINT(1 2)', 4326)"),
    ("vector(2) {m}", "STRING_TO_VECTOR('[1,2]')", "STRING_TO_VECTOR('[1,2.0000002]')"),
    ("vector(2) NOT NULL {11}", "VEC_FromText('[1,2]')", "VEC_FromText('[1,2.0000002]')"),
    ("uuid {a}", "'123e4567-e89b-12d3-a456-426655440000'", "'123e4567-e89b-12d3-a456-426655440001'"),
    ("inet6 {a}", "'::1'", "'::2'"),
    ("inet4 {a}", "'1.2.3.4'", "'1.2.3.5'"),
    ("varchar(50) COMPRESSED {a}", "'abc'", "'abd'"),
]


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture
def url(server: MysqlServer) -> Iterator[str]:
    """A fresh database called `source`."""
    yield server.create_database("source", "CHARACTER SET utf8mb4")
    for name in ("source", "copy"):
        server.drop_database(name)


def run(server: MysqlServer, *statements: str) -> list[tuple[Any, ...]]:
    """In the database `source`, with dates of zeros allowed."""
    return server.execute("SET sql_mode = '', time_zone = '+00:00'", *statements, database="source")


def copied(server: MysqlServer) -> str:
    server.drop_database("copy")
    url = server.create_database("copy", "CHARACTER SET utf8mb4")
    history = ["--dump-history"] if server.kind == "mariadb" else []
    server.script(server.dump("source", "--default-character-set=utf8mb4", *history), "copy", "--binary-mode")
    return url


def contents(url: str, jobs: int = 2) -> dict[str, Content]:
    with open_quiet(Access(url), jobs) as snapshot:
        return {name: found for (_, name), found in snapshot.contents(snapshot.tables(), jobs, Silent()).items()}


def lines(url: str, name: str) -> list[bytes]:
    with open_quiet(Access(url), 1) as snapshot:
        table = next(table for table in snapshot.tables() if table.name == name)
        return sorted(b"".join(snapshot.lines(table)).split(b"\n")[:-1])


# --- digests ----------------------------------------------------------------------------------------------------------


def columns_of(server: MysqlServer) -> list[tuple[str, str, str, str]]:
    found = []
    for number, (declared, value, other) in enumerate(VALUES):
        text, _, only = declared.partition(" {")
        fits = {
            "": True,
            "m}": server.kind == "mysql",
            "a}": server.kind == "mariadb",
            "11}": server.version.startswith("11."),
        }
        if fits[only]:
            found.append((f"t{number}", text, value, other))
    return found


def test_every_type_survives_a_dump_and_shows_the_least_change(server: MysqlServer, url: str) -> None:
    columns = columns_of(server)
    for table, declared, value, _ in columns:
        nothing = "NULL" if "NOT NULL" not in declared else value
        run(server, f"CREATE TABLE {table} (id int PRIMARY KEY, c {declared})")
        run(server, f"INSERT INTO {table} VALUES (1, {value}), (2, {nothing})")
    before = contents(url)
    assert {found.rows for found in before.values()} == {2}
    copy = copied(server)
    assert contents(copy) == before
    for table, *_ in columns:
        assert lines(copy, table) == lines(url, table), table
    for table, _, _, other in columns:
        run(server, f"UPDATE {table} SET c = {other} WHERE id = 1")
    after = contents(url)
    assert [(t, d) for t, d, *_ in columns if before[t] == after[t]] == []


def test_null_is_no_value_of_any_type(server: MysqlServer, url: str) -> None:
    columns = [column for column in columns_of(server) if "NOT NULL" not in column[1]]
    for table, declared, value, _ in columns:
        run(server, f"CREATE TABLE {table} (c {declared})", f"INSERT INTO {table} VALUES ({value})")
    before = contents(url)
    for table, *_ in columns:
        run(server, f"UPDATE {table} SET c = NULL")
    after = contents(url)
    assert [(t, d) for t, d, *_ in columns if before[t] == after[t]] == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE t SET b = '' WHERE id = 2",
        "UPDATE t SET a = b, b = 'x' WHERE id = 1",
        "DELETE FROM t WHERE id = 4",
        "INSERT INTO t VALUES (4, 'same', 'same')",
        "INSERT INTO t VALUES (4, 'same', 'same'), (4, 'same', 'same')",
        "UPDATE t SET id = 5 WHERE id = 3",
        "UPDATE t SET a = 'x,y', b = 'z' WHERE id = 1",
    ],
)
def test_changes_of_rows(server: MysqlServer, url: str, change: str) -> None:
    """NULL and '', swapped columns; a row gone, doubled, tripled (XOR would not see it), moved; a forged separator."""
    run(server, "CREATE TABLE t (id int, a varchar(20), b varchar(20))")
    run(
        server,
        "INSERT INTO t VALUES (1, 'x', 'y,z'), (2, 'a', NULL), (3, NULL, ''), (4, 'same', 'same'), (4, 'same', 'same')",
    )
    before = contents(url)["t"]
    run(server, change)
    assert contents(url)["t"].digest != before.digest


def test_the_order_of_rows_does_not_matter(server: MysqlServer, url: str) -> None:
    run(server, "CREATE TABLE a (id int, v varchar(10))", "INSERT INTO a VALUES (1, 'x'), (2, 'y'), (3, 'z')")
    run(server, "CREATE TABLE b (id int, v varchar(10))", "INSERT INTO b SELECT * FROM a ORDER BY id DESC")
    found = contents(url)
    assert found["a"] == found["b"]


def test_an_empty_table_and_one_of_a_thousand_columns(server: MysqlServer, url: str) -> None:
    names = [f"`a column of some length {number}`" for number in range(1000)]
    run(
        server,
        f"CREATE TABLE wide ({', '.join(f'{name} varchar(4) CHARACTER SET latin1' for name in names)})",
        "CREATE TABLE empty_one (id int)",
    )
    run(server, f"INSERT INTO wide ({', '.join(names)}) VALUES ({', '.join(repr(str(n)) for n in range(1000))})")
    before = contents(url)
    assert before["empty_one"] == Content(0, "rows-sum64:0000000000000000")
    assert contents(copied(server)) == before
    run(server, f"UPDATE wide SET {names[-1]} = 'x'")
    assert contents(url)["wide"] != before["wide"]


def test_a_row_too_long_for_the_server_is_an_error_not_a_missing_row(server: MysqlServer, url: str) -> None:
    columns = ", ".join(f"c{number} varchar(250) CHARACTER SET latin1" for number in range(8))
    values = ", ".join(["REPEAT('x', 250)"] * 8)
    run(
        server, f"CREATE TABLE t ({columns})", f"INSERT INTO t VALUES ({values})", "INSERT INTO t (c0) VALUES ('short')"
    )
    (packet,) = run(server, "SELECT @@global.max_allowed_packet")[0]
    run(server, "SET GLOBAL max_allowed_packet = 2048")
    try:
        with pytest.raises(DatabaseError, match="max_allowed_packet") as caught:
            contents(url)
    finally:
        run(server, f"SET GLOBAL max_allowed_packet = {packet}")
    assert caught.value.kind == "digest"


def test_generated_invisible_and_virtual_columns(server: MysqlServer, url: str) -> None:
    run(
        server,
        "CREATE TABLE t (a int, v int AS (a + 1) VIRTUAL, s int AS (a + 2) STORED, h int INVISIBLE DEFAULT 7)",
        "INSERT INTO t (a) VALUES (1)",
    )
    with open_quiet(Access(url), 1) as snapshot:
        assert [table.columns for table in snapshot.tables()] == [("a", "s", "h")]
    before = contents(url)
    assert contents(copied(server)) == before
    run(server, "UPDATE t SET h = 8")
    assert contents(url) != before


def test_volatile_virtual_columns_do_not_make_a_table_differ_from_itself(server: MysqlServer, url: str) -> None:
    if server.kind == "mysql":
        pytest.skip("MySQL does not allow such columns")
    run(server, "CREATE TABLE t (a int, v double AS (rand()) VIRTUAL)", "INSERT INTO t (a) VALUES (1)")
    assert contents(url) == contents(url)


def test_history_of_system_versioned_tables(server: MysqlServer, url: str) -> None:
    if server.kind == "mysql":
        pytest.skip("MySQL has no such tables")
    run(
        server,
        "CREATE TABLE silent (a int PRIMARY KEY, b int) WITH SYSTEM VERSIONING",
        "CREATE TABLE named (a int, s timestamp(6) GENERATED ALWAYS AS ROW START,"
        " e timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING",
        "INSERT INTO silent VALUES (1, 1), (2, 2)",
        "UPDATE silent SET b = 3",
        "INSERT INTO named (a) VALUES (1)",
        "DELETE FROM named",
    )
    before = contents(url)
    assert {name: found.rows for name, found in before.items()} == {"silent": 4, "named": 1}
    copy = copied(server)
    assert contents(copy) == before
    assert lines(copy, "silent") == lines(url, "silent")
    run(
        server,
        "CREATE TABLE exact (a int, s bigint unsigned GENERATED ALWAYS AS ROW START,"
        " e bigint unsigned GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING",
    )
    with open_quiet(Access(url), 1) as snapshot:  # of these the dump program cannot carry the history
        assert {t.name: t.columns for t in snapshot.tables()} == {
            "silent": ("a", "b"),
            "named": ("a",),
            "exact": ("a",),
        }
        assert {f.subject for f in snapshot.warnings() if f.id == "history-left-out"} == {"silent", "named", "exact"}
        assert snapshot.counts(snapshot.tables(), 1)["", "silent"].rows == 2


def test_rows_are_those_that_a_difference_shows(server: MysqlServer, url: str) -> None:
    run(server, "CREATE TABLE t (id int PRIMARY KEY, a varchar(20), b varbinary(5))")
    run(server, r"INSERT INTO t VALUES (1, 'a\tb', 0x00ff), (2, NULL, '')")
    assert lines(url, "t") == [b"1\ta\\tb\t0x00FF", b"2\t\\N\t"]
    copy = copied(server)
    server.execute("UPDATE t SET a = 'other' WHERE id = 1", database="copy")
    with open_quiet(Access(url), 1) as source, open_quiet(Access(copy), 1) as other:
        table = source.tables()[0]
        found = differences(lambda: source.lines(table), lambda: other.lines(table), [0])
    assert found.only_archive == (b"1\ta\\tb\t0x00FF",)
    assert found.only_copy == (b"1\tother\t0x00FF",)


def test_engines_that_keep_rows_elsewhere_or_outside_of_transactions(server: MysqlServer, url: str) -> None:
    run(
        server,
        "CREATE TABLE here (id int, KEY (id)) ENGINE=MyISAM",
        "CREATE TABLE quick (id int) ENGINE=MEMORY",
        "CREATE TABLE sheet (id int NOT NULL) ENGINE=CSV",
        "CREATE TABLE hole (id int) ENGINE=BLACKHOLE" if server.kind == "mysql" else "DO 1",
        "CREATE TABLE old (id int) ENGINE=" + ("ARCHIVE" if server.kind == "mysql" else "Aria"),
        "CREATE TABLE united (id int, KEY (id)) ENGINE=MRG_MyISAM UNION=(here)",
        "CREATE VIEW seen AS SELECT * FROM here",
        *(f"INSERT INTO {name} VALUES (1), (2)" for name in ("here", "quick", "sheet", "old")),
    )
    with open_quiet(Access(url), 2) as snapshot:
        tables = {table.name for table in snapshot.tables()}
        findings = {(finding.id, finding.subject) for finding in snapshot.warnings()}
    assert tables - {"hole"} == {"here", "quick", "sheet", "old"}
    assert {subject for id, subject in findings if id == "outside-snapshot"} == {"here", "quick", "sheet", "old"}
    assert ("foreign-table", "united") in findings
    before = contents(url)
    assert before["old"].rows == 2
    assert contents(copied(server)) == before


# --- one moment -------------------------------------------------------------------------------------------------------


def test_all_sessions_see_one_moment_while_others_write(server: MysqlServer, url: str) -> None:
    for number in range(6):
        run(
            server,
            f"CREATE TABLE t{number} (id int PRIMARY KEY AUTO_INCREMENT, v int)",
            f"INSERT INTO t{number} (v) VALUES (1), (2)",
        )
    before = contents(url)
    with open_quiet(Access(url), 3) as snapshot:
        for number in range(6):
            run(server, f"INSERT INTO t{number} (v) VALUES (3)", f"UPDATE t{number} SET v = 9 WHERE id = 1")
        found = snapshot.contents(snapshot.tables(), 8, Silent())
        assert {name: content for (_, name), content in found.items()} == before
        assert {content.rows for content in snapshot.counts(snapshot.tables(), 8).values()} == {2}
        assert len(b"".join(snapshot.lines(snapshot.tables()[0])).splitlines()) == 2
    assert contents(url) != before


def test_rows_that_nobody_wants_are_not_fetched_and_the_moment_stays(server: MysqlServer, url: str) -> None:
    run(
        server,
        "CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, v char(200) DEFAULT 'x')",
        "INSERT INTO t (v) VALUES ('x')",
    )
    for _ in range(17):
        run(server, "INSERT INTO t (v) SELECT v FROM t")
    with open_quiet(Access(url), 1) as snapshot:
        table = snapshot.tables()[0]
        first = next(iter(snapshot.lines(table)))
        assert first.startswith(b"1\t")
        run(server, "DELETE FROM t")
        assert snapshot.counts([table], 1)["", "t"].rows == 1 << 17


def test_a_schema_change_does_not_wait_and_is_noticed(server: MysqlServer, url: str) -> None:
    run(server, "CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE other (id int)", "INSERT INTO t VALUES (1)")
    with open_quiet(Access(url), 2) as snapshot:
        snapshot.remember_schema()
        digest = snapshot.schema_digest()
        snapshot.contents(snapshot.tables(), 2, Silent())
        run(server, "INSERT INTO t VALUES (2)", "ANALYZE TABLE t")
        assert snapshot.changed() == ()
        assert snapshot.schema_digest() == digest
        run(server, "SET lock_wait_timeout = 2", "ALTER TABLE t ADD COLUMN v int")
        assert "column t.v" in snapshot.changed()
        run(
            server,
            "CREATE VIEW seen AS SELECT id FROM t",
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
        )
        run(
            server,
            "CREATE PROCEDURE p () SELECT 1",
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @a = 1",
            "DROP TABLE other",
        )
        changed = snapshot.changed()
        assert {"view seen", "trigger g", "procedure p", "event e", "table other"} <= set(changed)
        assert snapshot.schema_digest() != digest
        with contextlib.suppress(DatabaseError):  # the server may refuse to read the altered table in this moment
            assert snapshot.contents([t for t in snapshot.tables() if t.name == "t"], 1, Silent())["", "t"].rows == 1


def test_each_kind_of_schema_change_is_noticed(server: MysqlServer, url: str) -> None:
    run(server, "CREATE TABLE t (id int PRIMARY KEY, a int, b int, KEY a (a))", "CREATE PROCEDURE p () SELECT 1")
    run(server, "CREATE VIEW v AS SELECT id FROM t", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @a = 1")
    run(server, "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1")
    changes = [
        "ALTER TABLE t MODIFY a int NOT NULL",
        "ALTER TABLE t DROP KEY a",
        "ALTER TABLE t ADD KEY b (b DESC)",
        "ALTER TABLE t COMMENT 'x'",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0)",
        "ALTER VIEW v AS SELECT id, a FROM t",
        "ALTER EVENT e ON SCHEDULE EVERY 2 DAY",
        "DROP TRIGGER g",
        "DROP PROCEDURE p",
        "RENAME TABLE t TO u",
    ]
    for change in changes:
        with open_quiet(Access(url), 1) as snapshot:
            snapshot.remember_schema()
            time.sleep(1.1 if change.startswith("ALTER EVENT") else 0)  # its mark is a time in seconds
            run(server, change)
            assert snapshot.changed(), change


def test_cancel_ends_whoever_reads_and_waits(server: MysqlServer, url: str) -> None:
    run(server, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)", "CREATE TABLE u (id int)")
    run(server, "CREATE VIEW slow AS SELECT SLEEP(60)")
    errors: list[DatabaseError] = []
    with open_quiet(Access(url), 1) as snapshot:
        snapshot.remember_schema()
        inside = threading.Event()

        def read() -> None:
            try:
                with snapshot.session() as connection, connection.cursor() as cursor:
                    inside.set()
                    cursor.execute("SELECT * FROM slow")
            except DatabaseError as error:
                errors.append(error)

        def wait() -> None:
            inside.wait()
            try:
                snapshot.counts(snapshot.tables(), 4)
            except DatabaseError as error:
                errors.append(error)

        threads = [threading.Thread(target=read), threading.Thread(target=wait)]
        for thread in threads:
            thread.start()
        inside.wait()
        started = time.monotonic()
        snapshot.cancel()
        for thread in threads:
            thread.join(30)
        assert time.monotonic() - started < 20
        assert [error.kind for error in errors] == ["connection-lost"] * 2
        snapshot.cancel()


# --- what is outside of it --------------------------------------------------------------------------------------------


def positions(url: str) -> dict[str, tuple[int, bool]]:
    with open_quiet(Access(url), 1) as snapshot:
        return {name: position for (_, name), position in snapshot.sequences().items()}


def test_positions_of_auto_increments_survive_and_a_lowered_one_shows(server: MysqlServer, url: str) -> None:
    run(
        server,
        "CREATE TABLE never (id int PRIMARY KEY AUTO_INCREMENT)",
        "CREATE TABLE emptied (id int PRIMARY KEY AUTO_INCREMENT)",
        "CREATE TABLE ahead (n int, id bigint unsigned AUTO_INCREMENT, KEY (id)) AUTO_INCREMENT=1000",
        "CREATE TABLE isam (id int PRIMARY KEY AUTO_INCREMENT) ENGINE=MyISAM",
        "CREATE TABLE none (id int PRIMARY KEY)",
        "INSERT INTO emptied VALUES (NULL), (NULL), (NULL)",
        "DELETE FROM emptied",
        "INSERT INTO isam VALUES (NULL), (41)",
    )
    before = positions(url)
    assert before == {
        "never.id": (1, False),
        "emptied.id": (4, False),
        "ahead.id": (1000, False),
        "isam.id": (42, False),
    }
    copy = copied(server)
    assert positions(copy) == before
    server.execute("ALTER TABLE emptied AUTO_INCREMENT = 3", database="copy")
    assert positions(copy)["emptied.id"] == (3, False)


def test_positions_of_sequences(server: MysqlServer, url: str) -> None:
    if server.kind == "mysql":
        pytest.skip("MySQL has no sequences")
    run(
        server,
        "CREATE SEQUENCE cached CACHE 10",
        "CREATE SEQUENCE exact START WITH 5 INCREMENT BY 5 NOCACHE",
        "CREATE SEQUENCE fresh START WITH 7",
        "CREATE SEQUENCE ended MAXVALUE 2 NOCACHE",
        *(["DO NEXT VALUE FOR cached, NEXT VALUE FOR exact, NEXT VALUE FOR exact"]),
        "DO NEXT VALUE FOR ended",
        "DO NEXT VALUE FOR ended",
    )
    before = positions(url)
    assert before["exact"] == (15, False)
    assert before["fresh"] == (7, False)
    copy = copied(server)
    assert positions(copy) == before
    server.execute("DO SETVAL(exact, 100)", database="copy")
    assert positions(copy)["exact"] == (105, False)


def test_heads_and_newest(server: MysqlServer, url: str) -> None:
    with open_quiet(Access(url), 1) as snapshot:
        assert snapshot.migration_heads() == ()
    run(
        server,
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('b2'), ('a1')",
        "CREATE TABLE t (at timestamp(3) NULL, day date, no int)",
    )
    with open_quiet(Access(url), 1) as snapshot:
        assert snapshot.migration_heads() == ("a1", "b2")
        assert snapshot.newest("t.at") is None
        with pytest.raises(ConfigError):
            snapshot.newest("at")
        with pytest.raises(DatabaseError):
            snapshot.newest("t.nothing")
    run(server, "INSERT INTO t VALUES ('2026-01-02 03:04:05.678', '2026-02-03', 1), ('2025-01-01', '2025-01-01', 2)")
    with open_quiet(Access(url), 1) as snapshot:
        assert snapshot.newest("t.at") == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
        assert snapshot.newest("source.t.day") == datetime(2026, 2, 3, tzinfo=UTC)


def test_settings_and_what_there_is_none_of(url: str) -> None:
    with open_quiet(Access(url), 1) as snapshot:
        assert {
            "sql_mode",
            "character_set_server",
            "lower_case_table_names",
            "event_scheduler",
        } <= snapshot.settings().keys()
        assert snapshot.extensions() == ()
        assert snapshot.large_objects(digest=True).count == 0


def test_a_column_that_is_not_there_is_an_error(server: MysqlServer, url: str) -> None:
    run(server, "CREATE TABLE t (id int)")
    with open_quiet(Access(url), 1) as snapshot:
        for table in (TableRef("", "t", ("gone",), 0, reading=Reading.UNORDERED), TableRef("", "u", ("id",), 0)):
            with pytest.raises(DatabaseError):
                snapshot.contents([table], 1, Silent())


def test_sessions_handed_over_are_closed(server: MysqlServer, url: str) -> None:
    run(server, "CREATE TABLE t (id int)")
    access = Access(url)
    sessions = [access.connect() for _ in range(2)]
    for session in sessions:
        begin(session)
    snapshot = MysqlSnapshot(access, sessions, at=datetime.now(UTC), basis="locked")
    assert snapshot.basis == "locked"
    assert len(snapshot.tables()) == 1
    snapshot.close()
    assert not any(session.open for session in sessions)
