"""Each probe of a copy goes red where it must, names the object, and stays green beside it: on every server here."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pymysql
import pytest

from dbops.model import Severity
from tests.mysql_probing import examined, manifest_of, probed, reasons, told, tried
from tests.mysql_servers import MysqlServer, installation, quoted, servers

LONG = "é" * 64
ODD = "t %s {} 'q' \"d\" `b` \\"

NAMES = f"""
CREATE TABLE {quoted(ODD)} (`id %s` INT AUTO_INCREMENT PRIMARY KEY, `a ``b'"` INT,
    `c,)(` VARCHAR(20) CHARACTER SET utf8mb4,
    CONSTRAINT `ch %s {{}} ' ``` CHECK (`a ``b'"` > 0 AND `c,)(` <> 'CHECK (\\'x' AND `c,)(` <> 'é中'),
    UNIQUE KEY `u ' % ``` (`a ``b'"`, `c,)(`(3)))
INSERT INTO {quoted(ODD)} (`a ``b'"`, `c,)(`) VALUES (1, 'eins'), (2, 'zwei'), (NULL, 'zwei')
CREATE TABLE `{LONG}` (id INT AUTO_INCREMENT PRIMARY KEY, `ref {{}} %s` INT, KEY `{LONG}` (`ref {{}} %s`),
    CONSTRAINT `f '{LONG[:50]}` FOREIGN KEY (`ref {{}} %s`) REFERENCES {quoted(ODD)} (`id %s`))
INSERT INTO `{LONG}` (`ref {{}} %s`) VALUES (1), (NULL), (2)
CREATE VIEW `v %s '` AS SELECT * FROM {quoted(ODD)}
CREATE TRIGGER `tr %s '` BEFORE INSERT ON {quoted(ODD)} FOR EACH ROW SET @dbops_test = 1
CREATE PROCEDURE `p %s '`() SELECT 1
"""

GREEN = (
    NAMES
    + r"""
CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(40) NOT NULL UNIQUE, n INT CHECK (n < 100),
    note TEXT, at TIMESTAMP NULL, twice INT AS (n * 2) STORED, thrice INT AS (n * 3), code CHAR(4) NOT NULL, j JSON,
    e ENUM('a', 'b') NOT NULL, CHECK (n > 0 OR note = 'zero'), UNIQUE KEY by_code (code, n), KEY (thrice), KEY (e, at))
INSERT INTO customers (email, n, note, code, j, e) VALUES ('a@x', 1, 'x', 'ab', '{}', 'a'), ('b@x', NULL,
    NULL, 'ab', NULL, 'b'),
    ('c@x', 0, 'zero', 'cd', '[1]', 'a'), ('d@x', NULL, 'y', 'ab', NULL, 'a')
CREATE TRIGGER touch BEFORE INSERT ON customers FOR EACH ROW SET NEW.note = 'touched'
CREATE TABLE refused (id BIGINT AUTO_INCREMENT PRIMARY KEY, at DATE)
INSERT INTO refused (at) VALUES ('2026-01-01')
CREATE TRIGGER refuse BEFORE INSERT ON refused FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'
CREATE TABLE blank (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL)
CREATE TABLE downwards (id INT AUTO_INCREMENT PRIMARY KEY)
INSERT INTO downwards VALUES (-5), (7)
CREATE TABLE natural_key (code VARCHAR(8) PRIMARY KEY, n SERIAL)
INSERT INTO natural_key (code) VALUES ('a'), ('b')
CREATE TABLE tenants (tenant INT, id INT AUTO_INCREMENT, what TEXT, PRIMARY KEY (tenant, id), KEY (id))
INSERT INTO tenants VALUES (1, 1, 'x'), (2, 1, 'y'), (1, 2, 'z')
CREATE TABLE no_key (a INT, b BIT(9), c SET('x', 'y'), KEY (b, c))
INSERT INTO no_key VALUES (1, 3, 'x'), (1, 3, 'x'), (NULL, NULL, NULL)

CREATE TABLE tree (id INT PRIMARY KEY, parent INT, CONSTRAINT tree_parent FOREIGN KEY (parent) REFERENCES tree (id))
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 3)
CREATE TABLE two (a INT, b BIGINT, PRIMARY KEY (a, b))
INSERT INTO two VALUES (1, 1), (1, 2)
CREATE TABLE two_simple (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b BIGINT,
    CONSTRAINT two_ab FOREIGN KEY (a, b) REFERENCES two (a, b))
INSERT INTO two_simple (a, b) VALUES (1, 1), (9, NULL), (NULL, NULL), (NULL, 5)
CREATE TABLE words (w VARCHAR(10) COLLATE utf8mb4_general_ci PRIMARY KEY)
INSERT INTO words VALUES ('a'), ('B')
CREATE TABLE uses (w VARCHAR(20) COLLATE utf8mb4_general_ci, CONSTRAINT uses_w FOREIGN KEY (w) REFERENCES words (w))
INSERT INTO uses VALUES ('b'), ('A'), (NULL)

CREATE TABLE parts (id INT AUTO_INCREMENT, at INT NOT NULL, PRIMARY KEY (id, at), KEY (at)) PARTITION BY RANGE (at)
    (PARTITION `p 1` VALUES LESS THAN (2026), PARTITION `p'2` VALUES LESS THAN MAXVALUE)
INSERT INTO parts (at) VALUES (2025), (2026)
CREATE TABLE flat (id INT AUTO_INCREMENT PRIMARY KEY, a CHAR(16), b INT, UNIQUE (a), KEY by_b (b)) ENGINE=MyISAM
INSERT INTO flat (a, b) VALUES ('NEEDLE-0000-0001', 1), ('NEEDLE-0000-0002', 1), (NULL, 3), (NULL, 4)
CREATE TABLE held (id INT AUTO_INCREMENT PRIMARY KEY, a INT) ENGINE=MEMORY
CREATE TABLE searched (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT, FULLTEXT KEY words (t))
INSERT INTO searched (t) VALUES ('several plain words stand here'), ('others follow after these')
CREATE VIEW counts AS SELECT COUNT(*) AS n FROM customers
CREATE FUNCTION single() RETURNS INT DETERMINISTIC RETURN 1
CREATE VIEW calls AS SELECT single() AS n FROM two
CREATE TABLE gone (n INT)
CREATE VIEW `on %s gone` AS SELECT n FROM gone
CREATE FUNCTION looks() RETURNS INT READS SQL DATA RETURN (SELECT MAX(n) FROM gone)
CREATE VIEW looking AS SELECT looks() AS n FROM two
CREATE EVENT later ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1
"""
)

GREEN_MARIADB = """
CREATE SEQUENCE `s %s '`
CREATE TABLE drawn (id BIGINT DEFAULT nextval(`s %s '`) PRIMARY KEY, a INT)
INSERT INTO drawn (a) VALUES (1), (2)
CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 START -1 NOCACHE
CREATE TABLE drawn_down (id BIGINT DEFAULT nextval(down) PRIMARY KEY, a INT)
INSERT INTO drawn_down (a) VALUES (1), (2)
CREATE TABLE versioned (id INT AUTO_INCREMENT PRIMARY KEY, a INT UNIQUE) WITH SYSTEM VERSIONING
INSERT INTO versioned (a) VALUES (1)
UPDATE versioned SET a = 2
CREATE TABLE hashed (t TEXT UNIQUE, u UUID PRIMARY KEY)
INSERT INTO hashed VALUES ('x', UUID()), (NULL, UUID())
CREATE VIEW draws AS SELECT nextval(`s %s '`) AS n FROM two
"""

GREEN_MYSQL = """
CREATE TABLE by_expression (id INT AUTO_INCREMENT PRIMARY KEY, t VARCHAR(20) NOT NULL, j JSON,
    UNIQUE ((LOWER(t)), (LENGTH(t)) DESC),
    UNIQUE many ((CAST(j->'$.n' AS UNSIGNED ARRAY))))
INSERT INTO by_expression (t, j) VALUES ('A', '{"n": [1, 2]}'), ('b', NULL)
CREATE TABLE unforced (a INT, CONSTRAINT off CHECK (a > 0) NOT ENFORCED)
INSERT INTO unforced VALUES (-1)
CREATE TABLE four_bytes (t VARCHAR(9), CONSTRAINT smiles CHECK (t <> '😀'))
INSERT INTO four_bytes VALUES ('????')
"""


class Copy:
    """A database of a test's own on a server that the module shares."""

    def __init__(self, server: MysqlServer, name: str) -> None:
        self.server = server
        self.name = name

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """In one session, without foreign keys and checks of unique ones, as a dump is loaded."""
        settings = ["SET SESSION sql_mode = '', foreign_key_checks = 0"]
        if self.server.kind == "mysql":
            settings.append("SET SESSION information_schema_stats_expiry = 0")
        return self.server.execute(*settings, *statements, database=self.name)

    def fill(self) -> None:
        text = GREEN + (GREEN_MARIADB if self.server.kind == "mariadb" else GREEN_MYSQL)
        self.run(*_statements(text))

    def state(self) -> dict[str, object]:
        """All rows, next values, and accounts."""
        tables = self.run(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_type NOT LIKE '%VIEW'"
        )
        found: dict[str, object] = {}
        for (name,) in tables:
            with contextlib.suppress(pymysql.MySQLError):
                found[name] = sorted(map(repr, self.run(f"SELECT * FROM {quoted(name)}")))
        found["next"] = sorted(
            self.run(
                "SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema = DATABASE()"
                " AND auto_increment IS NOT NULL"
            )
        )
        found["keys"] = sorted(
            self.run(
                "SELECT table_name, index_name, comment FROM information_schema.statistics"
                " WHERE table_schema = DATABASE()"
            )
        )
        return found


def _statements(text: str) -> list[str]:
    """A statement begins at the margin."""
    found: list[str] = []
    for line in text.splitlines():
        if line[:1].isspace():
            found[-1] += "\n" + line
        elif line:
            found.append(line)
    return found


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        yield running


@pytest.fixture
def copy(server: MysqlServer) -> Iterator[Copy]:
    name = f"c `{secrets.token_hex(4)}"
    server.create_database(name, "CHARACTER SET utf8mb4")
    yield Copy(server, name)
    server.drop_database(name)


def test_all_is_green_and_as_it_was(copy: Copy) -> None:
    copy.fill()
    mariadb = copy.server.kind == "mariadb"
    manifest = manifest_of(copy.server, copy.name)
    before = copy.state()
    assert probed(copy.server, copy.name, manifest) == []
    found = examined(copy.server, copy.name, manifest)
    assert found.findings == ()
    rolls_nothing = "a trigger of it may write to a table that rolls nothing back: customers, refused, "
    assert reasons(found, "insert") == [
        "MEMORY rolls nothing back: held",
        "MyISAM rolls nothing back: flat",
        rolls_nothing + ODD,
    ]
    assert reasons(found, "foreign-keys") == []
    assert reasons(found, "constraints") == (
        []
        if mariadb
        else [
            "its uniqueness is not that of its columns: many ON by_expression",
            "the server does not print all of its characters: smiles ON four_bytes",
        ]
    )
    assert reasons(found, "indexes") == ["MEMORY cannot be checked: held"]
    assert reasons(found, "views") == (["it writes when it is run: draws"] if mariadb else [])
    assert reasons(found, "routines") == []
    assert tried(found, "insert") == 17 + (4 if mariadb else 3) - 3
    assert tried(found, "foreign-keys") == 4
    assert tried(found, "views") == 5
    assert tried(found, "routines") == 7
    assert tried(found, "constraints") > 8
    assert tried(found, "indexes") > 20
    assert copy.state() == before


def test_inserts_with_triggers_where_all_roll_back(copy: Copy) -> None:
    copy.fill()
    copy.run("DROP TABLE flat, held")
    found = examined(copy.server, copy.name, manifest_of(copy.server, copy.name))
    assert found.findings == ()
    refused = "the table takes no copy of its own row: a trigger refuses it: refused"
    assert reasons(found, "insert") == [refused]


class Fault(NamedTuple):
    """`changes` are made to a database with the objects of GREEN. `subject` and `words` must be in the one finding."""

    changes: tuple[str, ...]
    id: str
    subject: str
    words: str
    only: str = ""


EXAMINED = {
    "exhausted": Fault(
        ("ALTER TABLE natural_key MODIFY n TINYINT NOT NULL AUTO_INCREMENT",
         "INSERT INTO natural_key VALUES ('z', 127)"),
        "insert-fails", "natural_key", "",
    ),
    "sequence behind": Fault(
        ("ALTER SEQUENCE `s %s '` RESTART WITH 2",), "insert-fails", "drawn", "Duplicate entry '2'", "mariadb"
    ),
    "sequence downwards": Fault(
        ("ALTER SEQUENCE down RESTART WITH -1",), "insert-fails", "drawn_down", "Duplicate entry '-1'", "mariadb"
    ),
    "sequence run out": Fault(
        ("ALTER SEQUENCE down MINVALUE -2",), "insert-fails", "drawn_down", "run out", "mariadb"
    ),
    "trigger's table gone": Fault(
        ("CREATE TABLE audit (a INT)",
         "CREATE TRIGGER logs AFTER INSERT ON tenants FOR EACH ROW INSERT INTO audit VALUES (1)",
         "DROP TABLE audit, flat, held"),
        "insert-fails", "tenants", "audit' doesn't exist",
    ),
    "trigger's definer gone": Fault(
        ("DROP TABLE flat, held", "CREATE USER nobody_here",
         "CREATE DEFINER=nobody_here TRIGGER logs AFTER INSERT ON tenants"
         " FOR EACH ROW SET @x = 1", "DROP USER nobody_here"),
        "insert-fails", "tenants", "nobody_here",
    ),
    "orphan of the own table": Fault(
        ("DELETE FROM tree WHERE id = 1",), "fk-orphans", "tree_parent ON tree", "1 do not: id=2 (parent=1)"
    ),
    "orphan of several columns": Fault(
        ("INSERT INTO two_simple (a, b) VALUES (1, 7)",),
        "fk-orphans", "two_ab ON two_simple", "1 do not: id=5 (a=1, b=7)",
    ),
    "orphan without a key, by collation": Fault(
        ("INSERT INTO uses VALUES ('c')",), "fk-orphans", "uses_w ON uses", "1 do not: w=c"
    ),
    "orphan, odd names": Fault(
        (f"DELETE FROM {quoted(ODD)} WHERE `id %s` = 2",),
        "fk-orphans", f"f '{LONG[:50]} ON {LONG}", "id=3 (ref {} %s=2)",
    ),
    "table that is referred to is gone": Fault(
        ("DROP TABLE words",), "fk-orphans", "uses_w ON uses", "no such table or column; 2 rows refer to it",
    ),
    "orphans, no more than 20": Fault(
        ("INSERT INTO tree SELECT 10 + a.n + 5 * b.n, 999 FROM (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3"
         " UNION SELECT 4) a, (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) b",),
        "fk-orphans", "tree_parent ON tree", "id=29 (parent=999) and 5 more",
    ),
    "views without their table": Fault(("DROP TABLE gone",), "view-broken", "", "references invalid table(s)"),
    "view without its definer": Fault(
        ("CREATE USER nobody_here", "CREATE DEFINER=nobody_here VIEW v AS SELECT 1 AS n FROM two",
         "DROP USER nobody_here"),
        "view-broken", "v", "nobody_here",
    ),
    "row in another's partition": Fault(
        ("CREATE TABLE other (id INT AUTO_INCREMENT, at INT NOT NULL, PRIMARY KEY (id, at), KEY (at))",
         "INSERT INTO other VALUES (70, 2030)",
         "ALTER TABLE parts EXCHANGE PARTITION `p 1` WITH TABLE other WITHOUT VALIDATION", "DROP TABLE other"),
        "row-misplaced", "parts", "misplaced row", "mysql",
    ),
    "routine that does not parse": Fault(
        ("UPDATE mysql.proc SET body = 'BEGIN nonsense', body_utf8 = 'BEGIN nonsense'"
         " WHERE name = 'single' AND db = DATABASE()",
         "CREATE PROCEDURE other() SELECT 1"),
        "routine-broken view-broken", "", "", "mariadb",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMINED)
def test_a_fault_is_found(copy: Copy, name: str) -> None:
    fault = EXAMINED[name]
    if fault.only not in ("", copy.server.kind):
        return
    copy.fill()
    manifest = manifest_of(copy.server, copy.name)
    copy.run(*fault.changes)
    before = copy.state()
    found = told(examined(copy.server, copy.name, manifest))
    assert found, "nothing was found"
    for finding in found:
        assert finding.id in fault.id.split()
        assert fault.subject in finding.subject
        assert fault.words in finding.actual
    after = copy.state()
    for state in (before, after):
        del state["next"]  # a server puts no AUTO_INCREMENT behind what is there
    assert after == before


def test_a_check_that_rows_violate(copy: Copy) -> None:
    """Such rows come from a load with check_constraint_checks off, or, in MySQL, from one that was not enforced."""
    copy.fill()
    manifest = manifest_of(copy.server, copy.name)
    change = "UPDATE customers SET n = 200, note = 'x' WHERE id IN (1, 3)"
    odd = f"UPDATE {quoted(ODD)} SET `a ``b'\"` = -1 WHERE `id %s` = 2"
    if copy.server.kind == "mariadb":
        copy.run("SET SESSION check_constraint_checks = 0", change, odd)
    else:
        pytest.skip("MySQL looks at the rows whenever a check is enforced: see the damaged files")
    found = {finding.subject: finding.actual for finding in told(examined(copy.server, copy.name, manifest))}
    assert found == {
        "n ON customers": "2 rows violate it: id=1, id=3",
        f"ch %s {{}} ' ` ON {ODD}": "1 row violates it: id %s=2",
    }


PROBED = {
    "exhausted": Fault(
        ("ALTER TABLE natural_key MODIFY n TINYINT NOT NULL AUTO_INCREMENT",
         "INSERT INTO natural_key VALUES ('z', 127)"),
        "sequence-behind", "natural_key.n", "the next value is 12",
    ),
    "sequence": Fault(
        ("ALTER SEQUENCE `s %s '` RESTART WITH 2",), "sequence-behind", "s %s '", "the next value is 2", "mariadb"
    ),
    "sequence downwards": Fault(
        ("ALTER SEQUENCE down RESTART WITH -1",), "sequence-behind", "down", "the next value is -1", "mariadb"
    ),
    "disabled keys": Fault(("ALTER TABLE flat DISABLE KEYS",), "invalid-index", "by_b of flat", "it is disabled"),
    "view": Fault(
        ("DROP VIEW looking", "DROP TABLE gone"), "invalid-view", "on %s gone", "references invalid table(s)",
    ),
    "definer": Fault(
        ("CREATE USER `no '@ body`@`h %`", "CREATE DEFINER=`no '@ body`@`h %` PROCEDURE p() SELECT 1",
         "DROP USER `no '@ body`@`h %`"),
        "definer-missing", "'no ''@ body'@'h %'", "no such account",
    ),
    "definer of a view": Fault(
        ("CREATE USER nobody_here", "CREATE DEFINER=nobody_here VIEW v AS SELECT 1 AS n FROM two",
         "DROP USER nobody_here"),
        "definer-missing", "'nobody_here'@'%'", "no such account",
    ),
    "event": Fault(
        ("CREATE EVENT `e %s` ON SCHEDULE AT '2037-01-01 00:00:00' DO SELECT 1", "SET GLOBAL event_scheduler = ON"),
        "event-enabled", "e %s", "the server runs events",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBED)
def test_a_fault_is_seen_at_a_glance(copy: Copy, name: str) -> None:
    fault = PROBED[name]
    if fault.only not in ("", copy.server.kind):
        return
    copy.fill()
    manifest = manifest_of(copy.server, copy.name)
    copy.run(*fault.changes)
    try:
        [finding] = probed(copy.server, copy.name, manifest)
    finally:
        copy.run("SET GLOBAL event_scheduler = OFF")
    assert (finding.id, finding.severity) == (fault.id, Severity.ERROR)
    assert finding.subject == fault.subject
    assert fault.words in finding.actual


def test_what_the_source_had_is_a_warning_about_it(copy: Copy) -> None:
    copy.fill()
    copy.run(*PROBED["exhausted"].changes, *PROBED["view"].changes)
    if copy.server.kind == "mariadb":
        copy.run(*PROBED["sequence"].changes)
    manifest = manifest_of(copy.server, copy.name)
    found = [finding for finding in probed(copy.server, copy.name, manifest) if finding.id != "invalid-view"]
    assert found
    assert {finding.severity for finding in found} == {Severity.WARNING}
    closer = examined(copy.server, copy.name, manifest)
    assert told(closer) == []
    kinds = {finding.id for finding in told(closer, Severity.WARNING)}
    assert kinds == {"insert-fails", "view-broken"}
    assert all(finding.actual.endswith(", as in the source") for finding in closer.findings)


def test_accounts_and_indexes_that_the_source_lacks_are_warnings_about_it(copy: Copy) -> None:
    """And no errors of a copy that lacks them too; those that it alone lacks are."""
    copy.fill()
    copy.run(*PROBED["definer"].changes, *PROBED["disabled keys"].changes)
    manifest = manifest_of(copy.server, copy.name)
    found = [finding for finding in manifest.findings if finding.severity is Severity.WARNING]
    assert {(finding.id, finding.subject) for finding in found if finding.id != "outside-snapshot"} == {
        ("definer-missing", "'no ''@ body'@'h %'"),
        ("invalid-index", "by_b of flat"),
    }
    assert probed(copy.server, copy.name, manifest) == []
    copy.run(
        "ALTER TABLE flat ADD KEY (b, a)",
        "ALTER TABLE flat DISABLE KEYS",
        "CREATE DEFINER=nobody_here EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    )
    assert {(f.id, f.subject, f.severity) for f in probed(copy.server, copy.name, manifest)} == {
        ("definer-missing", "'nobody_here'@'%'", Severity.ERROR),
        ("invalid-index", "b of flat", Severity.ERROR),
    }


@pytest.mark.parametrize("kind", ["view", "trigger", "routine", "event"])
def test_what_runs_as_an_account_that_the_source_lacks_is_told(copy: Copy, kind: str) -> None:
    owned = {
        "view": "VIEW v AS SELECT 1 AS n FROM t",
        "trigger": "TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @x = 1",
        "routine": "FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
        "event": "EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    }
    copy.run(
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO t VALUES (1)", "CREATE USER nobody_here",
        f"CREATE DEFINER=nobody_here {owned[kind]}",
    )  # fmt: skip
    broken = [("invalid-view", "v", Severity.WARNING)] if kind == "view" else []  # it may not read t
    found = manifest_of(copy.server, copy.name).findings
    copy.run("DROP USER nobody_here")
    assert [(f.id, f.subject, f.severity) for f in found] == broken
    manifest = manifest_of(copy.server, copy.name)
    assert [(f.id, f.subject, f.severity) for f in manifest.findings] == [
        ("definer-missing", "'nobody_here'@'%'", Severity.WARNING),
        *broken,
    ]
    closer = examined(copy.server, copy.name, manifest)
    assert told(closer) == []
    kinds = {"view": {"view-broken"}, "trigger": {"insert-fails"}}.get(kind, set())
    assert {finding.id for finding in told(closer, Severity.WARNING)} == kinds
    other = msgspec.structs.replace(manifest, findings=())
    assert {finding.id for finding in told(examined(copy.server, copy.name, other))} == kinds


def test_events_may_run_where_none_wait(copy: Copy) -> None:
    copy.run(*PROBED["event"].changes)
    try:
        assert probed(copy.server, copy.name, events_wait=False) == []
    finally:
        copy.run("SET GLOBAL event_scheduler = OFF")


def test_a_sequence_of_the_sources_database(copy: Copy) -> None:
    if copy.server.kind == "mysql":
        return
    copy.fill()
    manifest = manifest_of(copy.server, copy.name)
    other = f"other {secrets.token_hex(4)}"
    copy.server.create_database(other)
    try:
        copy.run(f"CREATE TABLE {quoted(other)}.moved LIKE drawn", f"INSERT INTO {quoted(other)}.moved VALUES (1, 1)")
        [finding] = [f for f in probed(copy.server, other, manifest) if f.id == "sequence-elsewhere"]
        assert finding.subject == "moved.id"
    finally:
        copy.server.drop_database(other)
