"""What statements take away without naming it, or put out of the running release's sight, and what only looks so."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.migrations.history import History, read
from dbops.migrations.lint import Linted
from tests.unit import test_lint_mysql as mysql
from tests.unit import test_lint_postgres as postgres
from tests.unit.migration_samples import project

TEMPORARY = "CREATE TABLE t (a integer);\n"
POSTGRES = {
    # case: (rule, where it is so, where it is not)
    "a schema": ("sql-drop", "DROP SCHEMA app CASCADE;", "DROP SCHEMA IF EXISTS app;"),
    "a schema of its own": (
        "sql-drop",
        "CREATE SCHEMA work;\nDROP SCHEMA IF EXISTS app CASCADE;",
        "CREATE SCHEMA work;\nDROP SCHEMA IF EXISTS work CASCADE;",
    ),
    "columns of a type": ("sql-drop", "DROP TYPE status CASCADE;", "DROP TYPE status;"),
    "columns of an extension": ("sql-drop", "DROP EXTENSION hstore CASCADE;", "DROP FUNCTION f() CASCADE;"),
    "a table behind a new one": ("sql-drop", TEMPORARY + "DROP TABLE t, orders;", TEMPORARY + "DROP TABLE t;"),
    "rows behind a new table": ("sql-truncate", TEMPORARY + "TRUNCATE t, orders;", TEMPORARY + "TRUNCATE t;"),
    "a new table and one that takes its name": (
        "sql-drop",
        TEMPORARY + "DROP TABLE t, t2;\nDROP TABLE t;",
        TEMPORARY + "CREATE TABLE t2 (a integer);\nDROP TABLE t, t2;",
    ),
    "a table in another schema": (
        "sql-rename",
        "ALTER TABLE orders SET SCHEMA archive;",
        TEMPORARY + "ALTER TABLE t SET SCHEMA archive;",
    ),
    "a schema's name": ("sql-rename", "ALTER SCHEMA app RENAME TO old;", "ALTER SCHEMA app OWNER TO shop;"),
    "a value of a type": (
        "sql-rename",
        "ALTER TYPE status RENAME VALUE 'a' TO 'b';",
        "ALTER TYPE status RENAME TO status_old;\nCREATE TYPE status AS ENUM ('a', 'b');\nDROP TYPE status_old;",
    ),
    "a view": (
        "sql-rename",
        "ALTER VIEW v RENAME TO w;",
        "CREATE VIEW v AS SELECT 1;\nALTER VIEW v RENAME TO w;",
    ),
    "a column that is numbered": (
        "sql-rewrite",
        "ALTER TABLE orders ADD COLUMN n serial;",
        "CREATE SEQUENCE s;\nALTER TABLE orders ADD COLUMN n bigint;\nALTER TABLE orders ADD serial integer;",
    ),
    "an expression": (
        "sql-rewrite",
        "ALTER TABLE orders ALTER COLUMN a SET EXPRESSION AS (b + 1);",
        "ALTER TABLE orders ALTER COLUMN a DROP EXPRESSION;",
    ),
    "a condition that every row meets": (
        "sql-no-where",
        "UPDATE orders SET a = 1 WHERE (true);",
        "UPDATE orders SET a = 1 WHERE active;",
    ),
    "a condition of constants": (
        "sql-no-where",
        "DELETE FROM orders WHERE 1 = 1 RETURNING id;",
        "DELETE FROM orders WHERE 1 = 1 AND a = 2;",
    ),
    "a value of an enum in a comment": (
        "sql-enum-new",
        "ALTER TYPE status ADD VALUE 'paid';\nALTER TABLE orders ALTER st SET DEFAULT 'paid';",
        "ALTER TYPE status ADD VALUE 'paid';\nCOMMENT ON TYPE status IS 'paid';",
    ),
}
MYSQL = {
    "a database": ("sql-drop", "DROP DATABASE shop", "CREATE DATABASE work;\nDROP SCHEMA work"),
    "a table under its other word": ("sql-drop", "DROP TABLES orders", "DROP TEMPORARY TABLE orders"),
    "a table's name under its other word": ("sql-rename", "RENAME TABLES orders TO bills", "DROP EVENT orders"),
    "a table that is replaced": (
        "sql-drop",
        "CREATE OR REPLACE TABLE orders (a INT)",
        "CREATE OR REPLACE TABLE fresh (a INT)",
    ),
    "a replaced table of its own": (
        "sql-drop",
        "CREATE TABLE t (a INT);\nCREATE OR REPLACE TABLE orders (a INT)",
        "CREATE TABLE t (a INT);\nCREATE OR REPLACE TABLE t (b INT)",
    ),
    "a partition": (
        "sql-drop",
        "ALTER TABLE orders DROP PARTITION p",
        "ALTER TABLE orders ADD PARTITION (PARTITION p VALUES LESS THAN (9))",
    ),
    "rows of a partition": (
        "sql-drop",
        "ALTER TABLE orders TRUNCATE PARTITION p",
        "ALTER TABLE orders ANALYZE PARTITION p",
    ),
    "a file": ("sql-drop", "ALTER TABLE orders DISCARD TABLESPACE", "ALTER TABLE orders COMMENT 'drop tablespace'"),
    "old versions of rows": (
        "sql-drop",
        "ALTER TABLE orders DROP SYSTEM VERSIONING",
        "ALTER TABLE orders ADD SYSTEM VERSIONING",
    ),
    "a column, online": (
        "sql-drop",
        "ALTER ONLINE TABLE orders DROP COLUMN a",
        "ALTER ONLINE TABLE orders DROP INDEX a",
    ),
    "required in a list": (
        "sql-required-column",
        "ALTER TABLE orders ADD COLUMN (a INT NULL, b DECIMAL(9, 2) NOT NULL)",
        "ALTER TABLE orders ADD (a INT NULL, b DECIMAL(9, 2) NOT NULL DEFAULT 0)",
    ),
    "a column of a list": (
        "sql-drop",
        "ALTER TABLE orders ADD (a INT, b INT);\nALTER TABLE orders DROP c",
        "ALTER TABLE orders ADD (a INT, b INT);\nALTER TABLE orders DROP a, DROP b",
    ),
    "a condition that is a number": (
        "sql-no-where",
        "DELETE FROM orders WHERE 1",
        "DELETE FROM orders WHERE 0",
    ),
}


@pytest.fixture
def history(tmp_path: Path) -> History:
    return read(project(tmp_path, {"a": None, "b": "a"}))


def rules(linted: Linted) -> list[str]:
    assert not linted.open
    return [one.id for one in linted.findings]


@pytest.mark.parametrize("case", POSTGRES)
def test_each_case_and_its_innocent_twin_on_postgres(history: History, case: str) -> None:
    rule, guilty, innocent = POSTGRES[case]
    assert rule in rules(postgres.linted(history, guilty))
    assert rule not in rules(postgres.linted(history, innocent))


@pytest.mark.parametrize("case", MYSQL)
def test_each_case_and_its_innocent_twin_on_mysql(history: History, case: str) -> None:
    rule, guilty, innocent = MYSQL[case]
    assert rule in rules(mysql.linted(history, guilty))
    assert rule not in rules(mysql.linted(history, innocent))


def test_a_block_of_mariadb_is_not_known(history: History) -> None:
    """Its statements are not those of the script, and what begins it is no transaction."""
    found = mysql.linted(history, "BEGIN NOT ATOMIC DELETE FROM orders; IF 1 THEN SELECT 1; END IF; END;\nSELECT 1")
    assert [one.id for one in found.open] == ["lint"]
    assert "BEGIN NOT ATOMIC" in found.open[0].reason
    assert found.open[0].reason.count("SELECT 1") == 1


def test_a_value_that_was_used_on_a_server_is_allowed_there(history: History) -> None:
    """The same text in a column of another type is no use of it: where the revision ran, the server has said so."""
    sql = "ALTER TYPE status ADD VALUE 'paid';\nUPDATE orders SET note = 'paid' WHERE id = 1;"
    assert "sql-enum-new" in rules(postgres.linted(history, sql))
    assert "sql-enum-new" not in rules(postgres.linted(history, sql, rewritten={"b": frozenset()}))
