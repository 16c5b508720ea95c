"""The small parts of drills of foreign dumps of MySQL and MariaDB: statements, folders, products."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.engine.mysql import foreign_statements as says
from dbops.engine.mysql.foreign_facts import ScriptFacts, completed
from dbops.engine.mysql.foreign_folder import Lines, Role, metadata, parts
from dbops.engine.mysql.foreign_statements import Act, Left, judge
from dbops.engine.mysql.script import Script, Statement
from dbops.engine.mysql.script_words import known
from dbops.errors import BadBackupError, PreflightError
from dbops.ops.foreign_products import product_of


def statement(text: str) -> Statement:
    what = known(text.encode())
    return Statement(what.kind, what.name, text.encode(), 7, what.database)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("INSERT INTO `t` VALUES (1)", Act.ROWS),
        ("INSERT INTO `shop`.`t` VALUES (1)", Act.ROWS),
        ("/*!40000 ALTER TABLE `t` DISABLE KEYS */", Act.ROWS),
        ("ALTER TABLE t ADD PRIMARY KEY (a)", Act.ROWS),
        ("CREATE TABLE `t` (a INT)", Act.RUN),
        ("DROP TABLE IF EXISTS `t`", Act.RUN),
        ("LOCK TABLES `t` WRITE", Act.RUN),
        ("SET @saved_cs_client = @@character_set_client", Act.RUN),
        (
            "/*!50001 CREATE ALGORITHM=UNDEFINED */ /*!50013 DEFINER=`a`@`b` */ /*!50001 VIEW `v` AS SELECT 1 */",
            Act.DEFINE,
        ),
        ("CREATE DEFINER=`a`@`b` PROCEDURE `p`() SELECT 1", Act.DEFINE),
        ("USE `shop`", Act.USE),
        ("CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop`", Act.DATABASE),
        ("ALTER DATABASE `shop` CHARACTER SET latin1 COLLATE latin1_swedish_ci", Act.DEFAULTS),
        ("START TRANSACTION", Act.RUN),
        ("DO SETVAL(`s`, 5, 0)", Act.RUN),
    ],
)
def test_what_runs(text: str, act: Act) -> None:
    assert judge(statement(text), "shop", {"shop"}) == (act, Left.NONE)


@pytest.mark.parametrize(
    ("text", "here", "left"),
    [
        ("SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ ''", "", Left.REPLICATION),
        ("SET @@SESSION.SQL_LOG_BIN= 0", "", Left.REPLICATION),
        ("CHANGE MASTER TO MASTER_LOG_FILE='x'", "", Left.REPLICATION),
        ("STOP SLAVE", "", Left.REPLICATION),
        ("/*!50606 SET GLOBAL INNODB_STATS_AUTO_RECALC=OFF */", "", Left.SERVER),
        ("SET SESSION a = 1, @@global.b = 2", "", Left.SERVER),
        ("FLUSH PRIVILEGES", "", Left.SERVER),
        ("INSTALL PLUGIN x SONAME 'x.so'", "", Left.SERVER),
        ("CREATE FUNCTION f RETURNS INTEGER SONAME 'x.so'", "", Left.SERVER),
        ("CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*x'", "", Left.ACCOUNT),
        ("GRANT ALL ON *.* TO a", "", Left.ACCOUNT),
        ("/*M!100005 SET DEFAULT ROLE NONE FOR 'a'@'%' */", "", Left.ACCOUNT),
        ("SELECT COALESCE(CURRENT_ROLE(),'NONE') into @current_role", "", Left.ACCOUNT),
        ("/*M!100203 EXECUTE IMMEDIATE CONCAT('SET ROLE ', @current_role) */", "", Left.ACCOUNT),
        ("/*!40000 DROP DATABASE IF EXISTS `shop`*/", "", Left.DROP),
        ("CREATE TABLE `user` (a INT)", "mysql", Left.SYSTEM),
        ("INSERT INTO `user` VALUES (1)", "mysql", Left.SYSTEM),
        ("INSERT INTO mysql.user VALUES (1)", "shop", Left.SYSTEM),
        ("LOCK TABLES `user` WRITE", "mysql", Left.SYSTEM),
    ],
)
def test_what_is_left_out(text: str, here: str, left: Left) -> None:
    assert judge(statement(text), here, {"shop"}) == (Act.LEAVE, left)


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "CALL p()",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "INSERT INTO other.t VALUES (1)",
        "CREATE TABLE other.t (a INT)",
        "RENAME TABLE a TO b",
        "KILL 3",
        "ALTER INSTANCE RELOAD TLS",
    ],
)
def test_what_no_dump_program_writes(text: str) -> None:
    with pytest.raises(BadBackupError) as caught:
        judge(statement(text), "shop", {"shop"})
    assert caught.value.kind == "foreign-statement"
    assert "line 7" in caught.value.message


def test_rows_in_text_files_are_named() -> None:
    with pytest.raises(PreflightError):
        judge(statement("/*!40101 LOAD DATA LOCAL INFILE 'x' INTO TABLE t */"), "shop", {"shop"})


def test_what_statements_say() -> None:
    assert says.used(statement("USE `a ``b`")) == "a `b"
    assert says.used(statement("use shop")) == "shop"
    made = says.database_made(
        statement(
            "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `a b` /*!40100 DEFAULT CHARACTER SET latin1 COLLATE"
            " latin1_swedish_ci */ /*!80016 DEFAULT ENCRYPTION='N' */"
        )
    )
    assert made[:4] == ("a b", True, "latin1", "latin1_swedish_ci")
    assert says.account_made(statement("CREATE USER IF NOT EXISTS 'a''b'@'%' IDENTIFIED BY 'x'")) == "a'b@%"
    assert says.account_made(statement("CREATE USER `a`@`h` ACCOUNT LOCK")) == "a@h"
    assert says.account_made(statement("GRANT x TO y")) == ""


HEAD = (
    b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n-- Host: h    Database: shop\n"
    b"-- Server version\t8.0.36\n"
)
SETTINGS = b"/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;\n"
TABLE = b"CREATE TABLE `t` (a INT);\n"
PUT_BACK = b"/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n"
TRAILER = b"-- Dump completed on 2026-11-24  7:30:00\n"


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (HEAD + SETTINGS + TABLE + PUT_BACK + TRAILER, True),
        (HEAD + SETTINGS + TABLE + PUT_BACK, False),
        (HEAD + SETTINGS + TABLE + TRAILER + TABLE, False),
        (SETTINGS + TABLE + PUT_BACK, True),
        (SETTINGS + TABLE, False),
        (SETTINGS + TABLE + PUT_BACK + SETTINGS + TABLE, False),
        (SETTINGS + TABLE + PUT_BACK + TABLE, False),
        (TABLE, True),
    ],
)
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_where_a_dump_ends(data: bytes, whole: bool, size: int) -> None:
    facts = ScriptFacts("x", "mysql")
    for at in range(0, len(data), size):
        facts.feed(data[at : at + size])
    if not whole:
        with pytest.raises(BadBackupError, match="is cut"):
            facts.finish()
        return
    found = facts.finish()
    assert ("end-not-known" in {f.id for f in found.findings}) is (SETTINGS not in data)
    if HEAD in data:
        assert (found.tool, found.server_version, found.series) == ("mysqldump", "8.0.36", "8.0")
        assert [database.name for database in found.databases] == ["shop"]
        assert found.made_at is not None


def test_the_moment_of_the_trailer() -> None:
    assert completed(TRAILER) is not None
    assert completed(b"-- Dump completed\n") is None
    assert completed(b"-- Dump completed on 2026-99-24  7:30:00\n") is None


def test_the_name_of_a_database_that_only_a_default_tells() -> None:
    facts = ScriptFacts("x", "mariadb")
    facts.feed(b"CREATE SEQUENCE `s`;\nCREATE TABLE `t` (a INT DEFAULT nextval(`shop`.`s`));\n")
    assert [database.name for database in facts.finish().databases] == ["shop"]


def test_files_of_a_folder_come_in_the_order_of_a_load(tmp_path: Path) -> None:
    names = [
        *("metadata", "a.b-schema-create.sql", "a.b.t-schema.sql.gz", "a.b.t.00000.sql.zst", "a.b.t.00001.00002.sql"),
        *("a.b.v-schema-view.sql", "a.b.t-schema-triggers.sql", "a.b-schema-post.sql", "a.b.s-schema-sequence.sql"),
        *("c.t.sql", "all-schema-create-tablespace.sql", "a.b.t-schema.checksum"),
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a.b.t.00001.00002.sql").write_bytes(b"xx")
    found = parts(tmp_path)
    assert [(part.role, part.database, part.table) for part in found] == [
        (Role.DATABASE, "a.b", ""),
        (Role.SEQUENCE, "a.b", "s"),
        (Role.TABLE, "a.b", "t"),
        (Role.ROWS, "a.b", "t"),
        (Role.ROWS, "a.b", "t"),
        (Role.ROWS, "c", "t"),
        (Role.POST, "a.b", ""),
        (Role.VIEW, "a.b", "v"),
        (Role.TRIGGERS, "a.b", "t"),
    ]
    assert found[3].path.name == "a.b.t.00001.00002.sql"  # the largest first


def test_metadata_of_the_documentation(tmp_path: Path) -> None:
    """The examples of https://mydumper.github.io/mydumper/docs/html/files.html."""
    (tmp_path / "metadata").write_text(
        "# Started dump at: 2023-06-09 11:47:18\n[master]\nFile = x-bin.000017\nPosition = 241149225\n\n"
        "[`sakila`.`store`]\nRows = 2\ndata_checksum = 3119812626\n\n[`sakila`.`v`]\nis_view = 1\nrows = 0\n\n"
        "[`sakila`]\nschema_checksum = FDF2173B\n# Finished dump at: 2023-06-09 11:47:18\n"
    )
    found = metadata(tmp_path, "x")
    assert found.rows == {("sakila", "store"): 2}
    assert (found.started, found.checksums) == ("2023-06-09 11:47:18", True)
    (tmp_path / "metadata").write_text(
        "Started dump at: 2011-05-05 13:57:17\nSHOW MASTER STATUS:\n\tLog: x\n\nFinished dump at: 2011-05-05 13:57:18\n"
    )
    assert metadata(tmp_path, "x").rows == {}


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_statements_of_mydumper_end_with_a_line(size: int) -> None:
    data = (
        b"/*!40101 SET NAMES binary*/;\n-- a comment;\n\nCREATE TRIGGER x BEGIN SELECT ';'; SELECT 2; \nEND;\n"
        b'INSERT INTO `t` VALUES\n(1,"a;b"),\n(2,"\\n;");\nDROP VIEW v;'
    )
    lines = Lines()
    found = [s for at in range(0, len(data), size) for s in lines.feed(data[at : at + size])] + lines.finish()
    assert [(s.kind.value, s.line) for s in found] == [("set", 1), ("create-trigger", 4), ("insert", 6), ("drop", 9)]
    assert found[1].text.endswith(b"SELECT 2; \nEND")


def test_a_statement_of_mydumper_that_has_no_end() -> None:
    lines = Lines()
    lines.feed(b"SET a = 1;\nINSERT INTO `t` VALUES\n(1")
    with pytest.raises(BadBackupError, match="line 2"):
        lines.finish()


@pytest.mark.parametrize(
    ("text", "product"),
    [
        (b"-- MySQL dump 10.13  Distrib 8.0.36, for x\n-- Server version\t8.0.36\n", "mysql"),
        (b"-- MySQL dump 10.13  Distrib 8.0.36, for x\n-- Server version\t5.5.5-10.6.18-MariaDB\n", "mariadb"),
        (b"-- MariaDB dump 10.19  Distrib 10.11.1-MariaDB, for x\n-- Server version\t8.0.36\n", "mysql"),
        (b"/*M!999999\\- enable the sandbox mode */ \nCREATE TABLE", "mariadb"),
        (b"/*!50503 SET NAMES utf8mb4 */;\n", "mysql"),
        (
            b"CREATE DATABASE `x` /*!40100 DEFAULT CHARACTER SET latin1 */ /*!80016 DEFAULT ENCRYPTION='N' */;\n",
            "mysql",
        ),
        (b"CREATE DATABASE `x` /*!40100 DEFAULT CHARACTER SET latin1 */;\n", "mariadb"),
        (b"  `a` int(11) NOT NULL,\n", "mariadb"),
        (b"  `a` int NOT NULL,\n", "mysql"),
        (b"hello", ""),
    ],
)
def test_the_product_of_a_dump(text: bytes, product: str) -> None:
    assert product_of(text) == product


def test_scripts_and_folders_know_the_same_statements() -> None:
    text = b"INSERT INTO `t` VALUES (1);\n"
    assert [s[:3] for s in Script().feed(text)] == [s[:3] for s in Lines().feed(text)]
