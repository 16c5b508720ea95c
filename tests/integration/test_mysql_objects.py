"""Definitions of MySQL's and MariaDB's objects: equal after dump and restore under another name, and else different."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.globals import database_sql, globals_sql
from dbops.engine.mysql.objects import NOT_IN_A_COPY, Definitions, read_definitions
from dbops.engine.mysql.settle import elsewhere, needed_accounts, sort_out
from dbops.engine.mysql.snapshot import open_quiet
from tests.mysql_servers import MysqlServer, installation, servers

HERE = Path(__file__).parent
# No ' in it: mariadb-dump --events takes that for another name.
SOURCE, COPY = "objects of `é`", "copy"
DATABASE = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
ACCOUNTS = ("CREATE USER 'definer'@'%'", "CREATE USER 'reader'@'localhost'", "CREATE ROLE reading")
GRANTS = (
    "GRANT CREATE VIEW, INSERT ON * TO 'definer'@'%' WITH GRANT OPTION",
    "GRANT SELECT ON * TO reading",
    "GRANT SELECT (code), INSERT (code, id), UPDATE ON parent TO 'reader'@'localhost'",
    "GRANT SELECT, TRIGGER ON child TO 'reader'@'localhost' WITH GRANT OPTION",
    "GRANT EXECUTE ON PROCEDURE do_it TO 'reader'@'localhost'",
    "GRANT EXECUTE, ALTER ROUTINE ON FUNCTION twice TO 'definer'@'%' WITH GRANT OPTION",
)

# Done one after the other to the copy: a change, and the kinds that have to differ by it, no others.
CHANGES = [
    ("ALTER TABLE parent COMMENT 'other'", "comment"),
    ("ALTER TABLE parent ROW_FORMAT=COMPACT", "table"),
    ("ALTER TABLE child DEFAULT COLLATE latin1_bin", "table"),
    ("ALTER TABLE isam ENGINE=InnoDB", "table"),
    ("ALTER TABLE packed KEY_BLOCK_SIZE=4", "table index"),
    ("ALTER TABLE merged INSERT_METHOD=FIRST", "table"),
    ("ALTER TABLE parent ALTER nothing SET DEFAULT ''", "column"),
    ("ALTER TABLE parent ALTER word_null SET DEFAULT NULL", "column"),
    ("ALTER TABLE parent MODIFY blank varchar(11) NOT NULL DEFAULT ''", "column"),
    ("ALTER TABLE parent MODIFY blank varchar(11) DEFAULT ''", "column"),
    ("ALTER TABLE parent MODIFY blank varchar(11) CHARACTER SET latin1 DEFAULT ''", "column"),
    ("ALTER TABLE parent MODIFY blank varchar(11) CHARACTER SET latin1 DEFAULT '' COMMENT 'x'", "comment"),
    ("ALTER TABLE parent MODIFY made timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)", "column"),
    ("ALTER TABLE parent MODIFY price decimal(10,3) NOT NULL DEFAULT 1.50", "column"),
    ("ALTER TABLE parent MODIFY total decimal(12,2) GENERATED ALWAYS AS (price * 3) VIRTUAL", "column"),
    ("ALTER TABLE parent MODIFY state enum('new','old','it''s') CHARACTER SET latin1 DEFAULT 'new'", "column"),
    ("ALTER TABLE parent MODIFY calc int DEFAULT (1 + 3)", "column"),
    ("ALTER TABLE parent MODIFY day date NOT NULL DEFAULT '2000-01-02'", "column"),
    ("ALTER TABLE parent ADD COLUMN more int", "column column_order"),
    ("ALTER TABLE parent MODIFY more int FIRST", "column_order"),
    ("ALTER TABLE parent DROP COLUMN more", "column column_order"),
    ("ALTER TABLE parent DROP KEY pre", "index"),
    ("ALTER TABLE parent ADD KEY pre (body(21), made DESC)", "index"),
    ("ALTER TABLE parent DROP KEY pre, ADD KEY pre (body(21), made)", "index"),
    ("ALTER TABLE parent DROP KEY by_code, ADD KEY by_code (code, day)", "index"),
    ("ALTER TABLE child DROP KEY other, ADD KEY other (other, n)", "index"),
    ("ALTER TABLE child DROP FOREIGN KEY child_parent", "foreign_key"),
    ("ALTER TABLE child ADD CONSTRAINT child_parent FOREIGN KEY (parent_id) REFERENCES parent (id)", "foreign_key"),
    ("ALTER TABLE child DROP CONSTRAINT positive", "check"),
    ("ALTER TABLE child ADD CONSTRAINT positive CHECK (n > -1 AND n <> 13)", "check"),
    ("ALTER TABLE listed DROP PARTITION pb", "partition"),
    ("ALTER TABLE keyed COALESCE PARTITION 1", "partition"),
    ("ALTER TABLE keyed REMOVE PARTITIONING", "partition table"),
    ("CREATE OR REPLACE DEFINER='definer'@'%' SQL SECURITY INVOKER VIEW simple AS SELECT id, code FROM parent", "view"),
    ("CREATE OR REPLACE DEFINER='definer'@'%' SQL SECURITY DEFINER VIEW simple AS SELECT id, code FROM parent", "view"),
    (
        "CREATE OR REPLACE DEFINER='reader'@'localhost' VIEW simple AS SELECT id, code FROM parent",
        "owner",
    ),
    ("ALTER ALGORITHM=TEMPTABLE VIEW joined (a, `b c`) AS SELECT id, CONCAT(code, 'é 😁') FROM parent", "view"),
    ("ALTER ALGORITHM=TEMPTABLE VIEW joined (a, `b c`) AS SELECT id, CONCAT(code, 'é 😀') FROM parent", "view"),
    ("ALTER ALGORITHM=MERGE VIEW joined (a, `b c`) AS SELECT id, CONCAT(code, 'é 😀') FROM parent", "view"),
    ("DROP VIEW upon", "view owner"),
    ("ALTER PROCEDURE do_it COMMENT 'other'", "routine"),
    ("ALTER PROCEDURE do_it SQL SECURITY DEFINER", "routine"),
    ("ALTER FUNCTION twice CONTAINS SQL", "routine"),
    ("DROP FUNCTION twice", "routine owner"),
    ("CREATE FUNCTION twice (x bigint) RETURNS int DETERMINISTIC RETURN x * 2", "routine owner"),
    ("DROP TRIGGER after_all", "trigger owner"),
    (
        "CREATE TRIGGER after_all AFTER DELETE ON child FOR EACH ROW DELETE FROM itself WHERE id = OLD.n + 1",
        "trigger owner",
    ),
    ("DROP TRIGGER after_all", "trigger owner"),
    ("CREATE TRIGGER after_all AFTER DELETE ON child FOR EACH ROW SET @a = '😁'", "trigger owner"),
    ("DROP TRIGGER after_all", "trigger owner"),
    ("CREATE TRIGGER after_all AFTER DELETE ON child FOR EACH ROW SET @a = '😀'", "trigger owner"),
    ("ALTER EVENT every_day ON SCHEDULE EVERY 2 DAY STARTS '2035-01-01 03:00:00'", "event"),
    ("ALTER EVENT every_day ON COMPLETION NOT PRESERVE", "event"),
    ("ALTER EVENT every_day COMMENT 'other'", "event"),
    ("ALTER EVENT every_day DO SET @a = 2", "event"),
    ("ALTER EVENT every_day DISABLE", "event_status"),
    ("DROP EVENT off", "event event_status owner"),
    ("ALTER DATABASE COLLATE utf8mb4_bin", "database"),
    ("DROP TABLE packed", "table column column_order index"),
]
OF_MYSQL = [
    ("ALTER TABLE only_mysql ALTER COLUMN hidden SET VISIBLE", "column"),
    ("ALTER TABLE only_mysql ALTER INDEX unseen VISIBLE", "index"),
    ("ALTER TABLE only_mysql ALTER CHECK lax ENFORCED", "check"),
    ("ALTER TABLE only_mysql DROP INDEX functional, ADD INDEX functional ((size + 2))", "index"),
    ("ALTER TABLE only_mysql DROP INDEX place", "index"),
    ("ALTER TABLE only_mysql MODIFY place point NOT NULL SRID 0", "column"),
    ("ALTER TABLE parent DROP INDEX words", "index"),
    ("ALTER TABLE parent ADD FULLTEXT INDEX words (body)", "index"),
    ("ALTER TABLE parent DROP INDEX words", "index"),
    ("ALTER TABLE parent ADD FULLTEXT INDEX words (body) WITH PARSER ngram", "index"),
    ("ALTER TABLE only_mysql STATS_SAMPLE_PAGES=11", "table"),
    ("ALTER LIBRARY other COMMENT 'other'", "routine"),
    ("DROP LIBRARY other", "routine"),
    ("CREATE LIBRARY other LANGUAGE JAVASCRIPT COMMENT 'other' AS 'export let two = 3'", "routine"),
    (
        "CREATE OR REPLACE DEFINER='definer'@'%' JSON RELATIONAL DUALITY VIEW document"
        " AS SELECT JSON_DUALITY_OBJECT('_id': id, 'name': code) FROM parent",
        "view",
    ),
]
WITH_LIBRARIES = re.findall(
    r"^CREATE [^\n]* FUNCTION with_libraries.*?\$\$;;$",
    (HERE / "mysql_objects_mysql.sql").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
OF_MARIADB = [
    ("ALTER SEQUENCE numbers INCREMENT BY 11", "sequence"),
    ("ALTER SEQUENCE numbers NOCYCLE", "sequence"),
    ("ALTER SEQUENCE numbers CACHE 21", "sequence"),
    ("DROP SEQUENCE `down it`", "sequence"),
    ("ALTER TABLE only_mariadb ALTER id SET DEFAULT 1", "column"),
    ("ALTER TABLE only_mariadb MODIFY hidden int DEFAULT 7", "column"),
    ("ALTER TABLE only_mariadb MODIFY short varchar(100)", "column"),
    ("ALTER TABLE only_mariadb MODIFY checked int CHECK (checked > 1)", "check"),
    ("ALTER TABLE only_mariadb ALTER INDEX unseen NOT IGNORED", "index"),
    ("ALTER TABLE only_mariadb DROP PRIMARY KEY, ADD PRIMARY KEY (id)", "index"),
    ("ALTER TABLE only_mariadb DROP PERIOD FOR valid", "table"),
    ("ALTER TABLE only_mariadb PAGE_COMPRESSED=0", "table"),
    ("ALTER TABLE plainly_versioned DROP SYSTEM VERSIONING", "table"),
    ("ALTER TABLE of_aria PAGE_CHECKSUM=0", "table"),
    ("ALTER TABLE of_aria_unchecked PAGE_CHECKSUM=1", "table"),
    ("ALTER DATABASE COMMENT 'a comment'", "database_comment"),
]


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    """A server with the database of mysql_objects.sql, and a copy of it that a dump and a restore made."""
    with MysqlServer(installation(request.param)) as running:
        running.execute(*ACCOUNTS)
        running.create_database(SOURCE, DATABASE)
        for name in ("mysql_objects", f"mysql_objects_{running.kind}"):
            script(running, SOURCE, (HERE / f"{name}.sql").read_text(encoding="utf-8"))
        running.execute(*grants(running), database=SOURCE)
        running.create_database(COPY, DATABASE)
        script(running, COPY, dumped(running))
        yield running


def grants(server: MysqlServer) -> tuple[str, ...]:
    of_library = "GRANT EXECUTE ON LIBRARY `sha``red` TO 'reader'@'localhost' WITH GRANT OPTION"
    return (*GRANTS, of_library) if server.kind == "mysql" else GRANTS


def script(server: MysqlServer, database: str, text: str | bytes) -> None:
    options = ["--default-character-set=utf8mb4", "--comments"]  # without it, MariaDB's client takes them out of bodies
    server.script(text, database, *options)


def dumped(server: MysqlServer) -> bytes:
    own = ["--skip-add-locks", "--dump-history"] if server.kind == "mariadb" else []
    return server.dump(SOURCE, "--default-character-set=utf8mb4", *own)


def read(server: MysqlServer, name: str, *names: str) -> Definitions:
    with Access(server.url(name)).session() as connection:
        return read_definitions(connection, names)


def differences(one: Definitions, other: Definitions) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    assert one.keys() == other.keys()
    pairs = {(kind, name) for kind in one for name in one[kind].keys() | other[kind].keys()}
    found = {(k, n): (one[k].get(n), other[k].get(n)) for k, n in sorted(pairs)}
    return {key: pair for key, pair in found.items() if pair[0] != pair[1]}


def test_each_kind_is_there(server: MysqlServer) -> None:
    found = read(server, SOURCE)
    empty = {kind for kind in found if not found[kind]}
    assert empty == ({"sequence", "database_comment"} if server.kind == "mysql" else {"database_comment"})
    assert SOURCE.replace("`", "``") not in str(found)
    assert found["owner"]["view simple"] == "definer@%"
    assert found["event_status"] == {"every_day": "ENABLED", "off": "DISABLED", "once": "ENABLED"}
    assert "😀" in found["view"]["joined"]


def test_a_copy_under_another_name_is_equal(server: MysqlServer) -> None:
    found = differences(read(server, SOURCE), read(server, COPY, SOURCE))
    assert {key: pair for key, pair in found.items() if key[0] not in NOT_IN_A_COPY} == {}
    assert {kind for kind, _ in found} == {"grant", "database_grant"}


def test_a_copy_may_refer_to_its_source(server: MysqlServer) -> None:
    """As dumps have it: of MariaDB, views of several databases, defaults that draw from a sequence; of MySQL, routines
    with libraries."""
    found = differences(read(server, SOURCE), read(server, COPY))
    referring = {key for key in found if key[0] not in NOT_IN_A_COPY}
    expected = {
        "mysql": {("routine", "function with_libraries")},
        "mariadb": {("view", "with_function"), ("column", "only_mariadb.id")},
    }[server.kind]
    assert referring == expected


def test_a_copy_that_refers_to_itself_is_equal(server: MysqlServer) -> None:
    """Its own name, which the server prints there, is another than the source's."""
    view = "SELECT twice(id) AS t, (SELECT count(*) FROM mysql.user) AS elsewhere FROM parent"
    script(server, COPY, f"CREATE OR REPLACE VIEW with_function AS {view};")
    if server.kind == "mariadb":
        script(server, COPY, "ALTER TABLE only_mariadb ALTER id SET DEFAULT NEXT VALUE FOR numbers;")
    else:
        script(server, COPY, f"DROP FUNCTION with_libraries;\nDELIMITER ;;\n{WITH_LIBRARIES[0]}")
    found = differences(read(server, SOURCE), read(server, COPY))
    assert {key: pair for key, pair in found.items() if key[0] not in NOT_IN_A_COPY} == {}


def test_what_settles_a_copy_makes_its_grants_equal(server: MysqlServer) -> None:
    with Access(server.url(SOURCE)).session() as connection:
        texts = sort_out(database_sql(connection), no_owner=False)
    server.execute(*(elsewhere(text, COPY) for text in (*texts.now, *texts.at_swap)))
    assert differences(read(server, SOURCE), read(server, COPY, SOURCE)) == {}
    server.execute(
        f"REVOKE INSERT ON {COPY}.* FROM 'definer'@'%'", f"REVOKE UPDATE ON {COPY}.parent FROM 'reader'@'localhost'"
    )
    found = differences(read(server, SOURCE), read(server, COPY, SOURCE))
    assert set(found) == {("database_grant", "'definer'@'%'"), ("grant", "parent to 'reader'@'localhost'")}


def test_accounts_are_made_locked_and_with_their_roles(server: MysqlServer) -> None:
    server.execute("GRANT reading TO 'reader'@'localhost'", "GRANT SELECT ON *.* TO 'definer'@'%'")
    with Access(server.url(SOURCE)).session() as connection:
        text = globals_sql(connection)
    with open_quiet(Access(server.url(SOURCE)), 1) as snapshot:
        roles = snapshot.roles()
    needed = needed_accounts(text)
    assert tuple(sorted(account.name for account in needed)) == tuple(sorted(roles))
    assert {"'definer'@'%'", "'reader'@'localhost'", "'root'@'localhost'"} <= set(roles)
    assert "IDENTIFIED" not in text
    of = {account.name: account for account in needed}
    assert of["'definer'@'%'"].grants == ("GRANT SELECT ON *.* TO 'definer'@'%'",)
    assert of["'reader'@'localhost'"].grants[0].startswith("GRANT 'reading'")
    server.execute("DROP USER 'definer'@'%'")
    for account in needed:
        server.execute(account.create)
    server.execute(*of["'definer'@'%'"].grants)
    with pytest.raises(Exception, match="locked"):
        server.connect(user="definer", password="")
    with Access(server.url(SOURCE)).session() as connection:  # the grants on the database went with the account
        assert [account.name for account in needed_accounts(globals_sql(connection))] == [a.name for a in needed]
    with Access(server.url(SOURCE)).session() as connection:
        assert "'definer'" not in database_sql(connection)
    server.execute(*grants(server), database=SOURCE)


def test_a_user_who_may_not_see_grants_has_no_list_of_them(server: MysqlServer) -> None:
    server.execute("CREATE USER IF NOT EXISTS 'limited'@'%' IDENTIFIED BY 'secret-1'")
    rights = "SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE"
    quoted = "`" + SOURCE.replace("`", "``") + "`"
    server.execute(f"GRANT {rights} ON {quoted}.* TO 'limited'@'%'")
    access = Access(server.url(SOURCE, user="limited", password="secret-1"))
    with access.session() as connection:
        found = read_definitions(connection)
        assert "ALTER DATABASE CHARACTER SET" in database_sql(connection)
        assert "GRANT" not in database_sql(connection)
    assert not {"grant", "database_grant"} & found.keys()
    everything = read(server, SOURCE)
    assert found["table"] == everything["table"]
    hidden = {name for name, text in found["routine"].items() if text != everything["routine"][name]}
    assert "procedure do_it" in hidden
    server.execute("DROP USER 'limited'@'%'")


def test_changes_show_in_their_kind_and_no_other(server: MysqlServer) -> None:
    own = OF_MYSQL if server.kind == "mysql" else OF_MARIADB
    before = read(server, COPY)
    wrong = []
    for change, kinds in [*own, *CHANGES]:
        server.execute(change, database=COPY)
        now = read(server, COPY)
        found = {kind for kind, _ in differences(before, now)}
        if found != set(kinds.split()):
            wrong.append(f"{change}: {sorted(found)}, expected {kinds}")
        before = now
    assert not wrong, "\n".join(wrong)
