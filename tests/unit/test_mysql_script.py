"""Splitting dumps into statements as the mysql client does, in pieces of any length."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbops.engine.mysql.script import Kind, Script, Statement, statements
from dbops.engine.mysql.script_facts import Facts
from dbops.errors import BadBackupError

HEAD = b"""/*M!999999\\- enable the sandbox mode */\x20
-- MariaDB dump 10.20-11.8.9-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: a b
-- ------------------------------------------------------
-- Server version\t11.8.9-MariaDB-0+deb13u1 from Debian

"""
MYSQL_HEAD = b"""-- MySQL dump 10.13  Distrib 9.7.4, for Linux (x86_64)
--
-- Host: localhost    Database: t
-- ------------------------------------------------------
-- Server version\t9.7.4-2
"""
TRAILER = b"\n-- Dump completed on 2026-11-24 12:00:00\n"


def split(data: bytes, size: int = 1 << 20, *, trailer: bool = False) -> list[Statement]:
    return list(statements((data[at : at + size] for at in range(0, len(data), size)), require_trailer=trailer))


def texts(data: bytes) -> list[bytes]:
    return [one.text for one in split(data)]


def kind_of(data: bytes, **options: bool) -> str:
    with pytest.raises(BadBackupError) as error:
        split(data, **options)
    return error.value.kind


NAMED = [
    (b"INSERT INTO `a``b.c` VALUES (1);", Kind.INSERT, "a`b.c", ""),
    (b"INSERT  IGNORE INTO `t` (`a`, `b)`) VALUES (1,2);", Kind.INSERT, "t", ""),
    (b"REPLACE INTO `d`.`t` VALUES (1);", Kind.INSERT, "t", "d"),
    (b"INSERT INTO t VALUES (1);", Kind.INSERT, "t", ""),
    (b"INSERT INTO `\xf0\x9f\x98\x80 \xc3\xbc` VALUES (1);", Kind.INSERT, "😀 ü", ""),
    (b"CREATE TABLE IF NOT EXISTS `t` (a int);", Kind.CREATE_TABLE, "t", ""),
    (b"CREATE TABLE d.t (a int);", Kind.CREATE_TABLE, "t", "d"),
    (b"/*!50001 CREATE VIEW `v` AS SELECT 1 */;", Kind.CREATE_VIEW, "v", ""),
    (
        b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`view`@`table` SQL SECURITY DEFINER */\n"
        b"/*!50001 VIEW `v` AS select 1 AS `1` */;",
        Kind.CREATE_VIEW,
        "v",
        "",
    ),
    (
        b"/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ "
        b"/*!50003 TRIGGER `t r` BEFORE INSERT ON `x` FOR EACH ROW SET @a=1 */;",
        Kind.CREATE_TRIGGER,
        "t r",
        "",
    ),
    (b"CREATE DEFINER=CURRENT_USER() PROCEDURE p() SELECT 1;", Kind.CREATE_PROCEDURE, "p", ""),
    (b"CREATE DEFINER='a'@'b' AGGREGATE FUNCTION f() RETURNS INT RETURN 1;", Kind.CREATE_FUNCTION, "f", ""),
    (b"CREATE OR REPLACE DEFINER=`r` PACKAGE BODY `p` AS END;", Kind.CREATE_PACKAGE_BODY, "p", ""),
    (b"CREATE PACKAGE `p` AS END;", Kind.CREATE_PACKAGE, "p", ""),
    (
        b"/*!50106 CREATE*/ /*!50117 DEFINER=a@localhost*/ /*!50106 EVENT `e` ON SCHEDULE x */;",
        Kind.CREATE_EVENT,
        "e",
        "",
    ),
    (b"CREATE SEQUENCE `s` start with 1;", Kind.CREATE_SEQUENCE, "s", ""),
    (b"DO SETVAL(`s`, 1, 0);", Kind.SETVAL, "s", ""),
    (b"SELECT SETVAL(`s`, 1, 0);", Kind.SETVAL, "s", ""),
    (b"/*!40000 ALTER TABLE `t` DISABLE KEYS */;", Kind.ALTER, "t", ""),
    (b"DROP TABLE IF EXISTS `t`;", Kind.DROP, "t", ""),
    (b"/*!50001 DROP VIEW IF EXISTS `v`*/;", Kind.DROP, "v", ""),
    (b"LOCK TABLES `t` WRITE;", Kind.LOCK, "", ""),
    (b"UNLOCK TABLES;", Kind.UNLOCK, "", ""),
    (b"USE `d`;", Kind.USE, "", ""),
    (
        b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `d` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;",
        Kind.CREATE_DATABASE,
        "d",
        "",
    ),
    (b"SET NAMES utf8mb4;", Kind.SET, "", ""),
    (b"SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1-2';", Kind.REPLICATION, "", ""),
    (b"CHANGE MASTER TO MASTER_LOG_FILE='x';", Kind.REPLICATION, "", ""),
    (b"GRANT ALL ON *.* TO a;", Kind.ACCOUNT, "", ""),
    (b"CREATE USER a;", Kind.ACCOUNT, "", ""),
    (b"DROP USER a;", Kind.ACCOUNT, "", ""),
    (b"COMMIT;", Kind.TRANSACTION, "", ""),
    (b"CREATE LIBRARY `a``b` LANGUAGE JAVASCRIPT AS 'x';", Kind.CREATE_LIBRARY, "a`b", ""),
    (
        b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */\n"
        b"/*!50001 JSON RELATIONAL DUALITY VIEW `v` AS select 1 */;",
        Kind.CREATE_VIEW,
        "v",
        "",
    ),
    (b"ANALYZE TABLE x;", Kind.OTHER, "", ""),
]


@pytest.mark.parametrize(("text", "kind", "name", "database"), NAMED)
def test_what_a_statement_does(text: bytes, kind: Kind, name: str, database: str) -> None:
    for head in (HEAD, MYSQL_HEAD, b""):
        (one,) = split(head + text + b"\n")
        assert (one.kind, one.name, one.database, one.text) == (kind, name, database, text[:-1])


WHOLE = [
    b"SELECT 'a;b';",
    b"SELECT 'it''s; \\'; \\\\';",
    b"SELECT \"a;'b\" , `;';`;",
    b"SELECT 1 /* ; ' */ + 2;",
    b"SELECT 1 -- it's; \n + 2;",
    b"SELECT 1 # it's; \n + 2;",
    b"SELECT 1--1, 3-2, 4/2;",
    b"SELECT 'x\n;\nDELIMITER ;;\n\\! x\n-- Dump completed\n';",
    b"SELECT '\\\\! x', `\\! y`, \"\\\\! z\" /* \\! */;",
    b"/*!50001 SELECT ';' */;",
    b"/*M!100616 SET NOTE_VERBOSITY=0 */;",
]


@pytest.mark.parametrize("text", WHOLE)
def test_what_does_not_end_a_statement(text: bytes) -> None:
    assert texts(text + b"\n-- x;\n/* ; */ SELECT 2 ;\n") == [text[:-1], b"SELECT 2"]


BODY = b"""CREATE PROCEDURE `p;;1`()
BEGIN
  -- it's ;; here
  # and " ;; there
  /* ';; */
  SELECT ';;', ";;", `;;`;
  SELECT 'x
INSERT INTO `t` VALUES (1);
DELIMITER ;
\\\\! x
';
END"""


def test_bodies_in_delimiter_blocks() -> None:
    data = HEAD + b"DELIMITER ;;\n" + BODY + b" ;;\nSELECT 2;;\nDELIMITER ;\nSELECT 3;\ndelimiter //\nSELECT 4;//\n"
    for size in (1, 2, 3, 1 << 20):
        assert [one.text for one in split(data, size)] == [BODY, b"SELECT 2", b"SELECT 3", b"SELECT 4;"]
    assert split(data)[0].name == "p;;1"


@pytest.mark.parametrize(
    "text",
    [
        b"CREATE FUNCTION f() RETURNS int LANGUAGE JAVASCRIPT\nAS $$ return 'a' // don't ; \" ` \\! $x$ \n$$",
        b"CREATE LIBRARY `l` LANGUAGE JAVASCRIPT AS  $a_1$ it's $$ ; $a_1$",
        b"CREATE LIBRARY `l` LANGUAGE javascript AS $1234567890$ it's $$ $JAVASCRIPT$ ; $1234567890$",
        b"CREATE LIBRARY `l` LANGUAGE JAVASCRIPT AS $a_rather_long_name_of_a_tag$ it's; $a_rather_long_name_of_a_tag$",
        b"CREATE PROCEDURE p() SELECT a$$b, $$, 1 AS$$ FROM t$",
        b"CREATE PROCEDURE p() SELECT a AS $x$ FROM t$",
        b"CREATE PROCEDURE p() LANGUAGE SQL SELECT a AS $x$, b AS $$ FROM t",
        b"CREATE PROCEDURE p AS $v$ INT",
    ],
)
def test_bodies_in_dollars(text: bytes) -> None:
    """Of routines in other languages (MySQL 9): nothing in them is SQL."""
    for size in (1, 2, 5, 1 << 20):
        assert [one.text for one in split(text + b";\nSELECT 2;\n", size)] == [text, b"SELECT 2"]


def test_a_body_in_dollars_without_its_end() -> None:
    with pytest.raises(BadBackupError) as caught:
        split(b"CREATE LIBRARY l LANGUAGE JAVASCRIPT AS $$ x;\n")
    assert caught.value.kind == "archive-truncated"


def test_backslashes_as_the_sql_mode_has_them() -> None:
    """Routines come under their own sql_mode: `mysqldump` sets it before each, and back after it."""
    data = (
        b"/*!50003 SET sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES' */ ;\nDELIMITER ;;\n"
        b"CREATE PROCEDURE p() SELECT '\\';;\nDELIMITER ;\n"
        b"/*!50003 SET sql_mode = @saved_sql_mode */ ;\nSELECT '\\';';\n"
    )
    assert texts(data)[1] == b"CREATE PROCEDURE p() SELECT '\\'"
    assert texts(data)[3] == b"SELECT '\\';'"


GUILTY = [
    (b"\\! id\n", 1),
    (b"SELECT 1;\n\\! id;\n", 2),
    (b"SELECT 1 \\! id\n;", 1),
    (b"SELECT 1;\n\n  \\. file\n", 3),
    (b"SELECT 1\\G\n", 1),
    (b"SELECT 1;\nsystem id;\n", 2),
    (b"system id\nSELECT 1;\n", 1),
    (b"SELECT 1;\nsource /x\n", 2),
    (b"-- x\n/* y\n*/ tee /x;\n", 3),
    (b"pager cat\n;", 1),
    (b"EDIT;\n", 1),
    (b"DELIMITER x\n", 1),
    (b"DELIMITER \\\n", 1),
    (b"DELIMITER\nSELECT 1;", 1),
    (b"SELECT 1; delimiter abc\n", 1),
    (b"/*!999999\\! id */\n;", 1),
    (b"/*!50001 \\! id */\n;", 1),
    (b"INSERT INTO `t` VALUES (1);\n\\! id\nINSERT INTO `t` VALUES (1);\n", 2),
    (b"DELIMITER ;;\nSELECT 1;\n\\! id\n;;\n", 3),
]


@pytest.mark.parametrize(("text", "line"), GUILTY)
def test_commands_of_the_client_are_refused(text: bytes, line: int) -> None:
    for head in (HEAD, b""):
        for size in (1, 1 << 20):
            with pytest.raises(BadBackupError) as error:
                split(head + text, size)
            assert error.value.kind == "client-command"
            at = line + head.count(b"\n")
            assert f"line {at} " in error.value.message
            assert "id" not in error.value.message.split()


def test_the_head_of_a_dump() -> None:
    for head, facts in (
        (HEAD, Facts("mariadb-dump", "11.8.9-MariaDB", "11.8.9-MariaDB-0+deb13u1 from Debian", "a b")),
        (MYSQL_HEAD, Facts("mysqldump", "9.7.4", "9.7.4-2", "t")),
        (b"-- Host: x\nSELECT 1;\n-- MySQL dump 10.13  Distrib 9.7.4, for Linux\n", Facts()),
    ):
        script = Script()
        script.feed(head)
        script.finish()
        assert script.facts == facts


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n \n", b"\r\n"])
def test_the_trailer(end: bytes) -> None:
    assert split(HEAD + b"SELECT 1;\n-- Dump completed" + end, trailer=True)
    assert split(HEAD + b"SELECT 1;" + TRAILER.rstrip() + end, 1, trailer=True)


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"SELECT 1;\n",
        HEAD + b"SELECT 1;" + TRAILER + b"SELECT 2;\n",
        HEAD + b"SELECT 1;" + TRAILER + b"-- more\n",
        HEAD + b"SELECT 1;\n-- Dump comple",
        HEAD + b"SELECT '\n-- Dump completed\n';\n",
        b"",
    ],
)
def test_a_missing_trailer(data: bytes) -> None:
    split(data)
    assert kind_of(data, trailer=True) == "archive-truncated"


@pytest.mark.parametrize(
    "data",
    [
        b"SELECT 1",
        b"SELECT 'a;\n",
        b"/* x",
        b"INSERT INTO `t` VALUES (1),(",
        b"INSERT INTO `t` VALUES ('a;",
        b"/*!50001 x ;",
    ],
)
def test_a_cut_statement(data: bytes) -> None:
    for head in (HEAD, b""):
        if data.endswith(b"x ;"):
            continue  # a versioned comment does not keep the delimiter from ending a statement
        assert kind_of(head + data) == "archive-truncated"


def test_line_numbers() -> None:
    data = HEAD + b"SELECT 1;\n\n/* a\n */ SELECT\n 2; SELECT 3;\nINSERT INTO `t` VALUES\n(1),\n(2);\nSELECT 4;\n"
    first = HEAD.count(b"\n") + 1
    for size in (1, 5, 1 << 20):
        assert [one.line - first for one in split(data, size)] == [0, 3, 4, 5, 8]


def test_strings_with_raw_newlines_of_other_tools() -> None:
    """Only mysqldump and mariadb-dump are known to escape them; anything else is read sign by sign."""
    text = b"INSERT INTO `t` VALUES (1,'a;\n'),(2,'b');"
    (one,) = split(b"-- phpMyAdmin SQL Dump\n" + text + b"\n")
    assert (one.text, one.escaped) == (text[:-1], False)
    fast = split(MYSQL_HEAD + text.replace(b"\n", b"\\n") + b"\n")
    assert [(s.text, s.escaped) for s in fast] == [(text[:-1].replace(b"\n", b"\\n"), True)]


def test_names_that_look_like_an_end() -> None:
    text = b"INSERT INTO `a;\nb` (`c;\n) VALUES (`) VALUES (1,'x');"
    (one,) = split(MYSQL_HEAD + text + b"\n")
    assert (one.name, one.text) == ("a;\nb", text[:-1])


PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\\'\"`;-/#*\x00"), max_size=20).map(str.strip)
STRING = st.text(st.characters(codec="utf-8"), max_size=20).map(
    lambda t: "'" + re.sub(r"([\\'])", r"\\\1", t).replace("\n", "\\n") + "'"
)
NAME = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=10).map(
    lambda t: "`" + t.replace("`", "``") + "`"
)
COMMENT = st.text(st.characters(codec="utf-8", exclude_characters="*"), max_size=20).map(lambda t: f"/* {t} */")
OTHERS = st.lists(st.one_of(PLAIN, STRING, NAME, COMMENT), max_size=6).map(lambda p: "SELECT " + " ".join([*p, "1"]))
INSERTS = st.builds(
    lambda name, rows: f"INSERT INTO {name} VALUES " + ",".join(f"({row},{row})" for row in rows),
    NAME,
    st.lists(STRING, min_size=1, max_size=4),
)


@settings(max_examples=150)
@given(
    st.lists(st.one_of(OTHERS, INSERTS), max_size=6),
    st.sampled_from([HEAD, MYSQL_HEAD, b"", b"DELIMITER ;;\n"]),
    st.integers(1, 40),
)
def test_joined_statements_come_apart_again(parts: list[str], head: bytes, size: int) -> None:
    end = b";;\n" if head.startswith(b"DELIMITER") else b";\n"
    wanted = [part.encode() for part in parts]
    found = split(head + b"".join(one + end for one in wanted) + TRAILER, size, trailer=True)
    assert [one.text for one in found] == wanted
