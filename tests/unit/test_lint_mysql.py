"""The SQL of pending revisions for MySQL and MariaDB, as far as no server is needed for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.migrations.history import History, read
from dbops.migrations.lint import Linted, lint
from dbops.migrations.lint_facts import Facts, sizes_of
from dbops.migrations.sql_revisions import read_sql
from tests.unit.migration_samples import project

FACTS = Facts(sizes=sizes_of([("", "orders", 9_000_000, 2 << 30), ("", "countries", 200, 1 << 20)]))
CASES = {
    "27 required": (
        "sql-required-column",
        "ALTER TABLE orders ADD COLUMN a INTEGER NOT NULL",
        "ALTER TABLE orders ADD COLUMN a INTEGER DEFAULT 0 NOT NULL, ADD CONSTRAINT c CHECK (a IS NOT NULL)",
    ),
    "27 required in two steps": (
        "sql-required-column",
        "ALTER TABLE orders ADD COLUMN a INTEGER;\nALTER TABLE orders MODIFY a INTEGER NOT NULL",
        "ALTER TABLE orders ADD COLUMN a INTEGER;\nALTER TABLE orders MODIFY a INTEGER NOT NULL DEFAULT 0",
    ),
    "27 its default taken away": (
        "sql-required-column",
        "ALTER TABLE orders ADD a INT NOT NULL DEFAULT '0';\nALTER TABLE orders ALTER COLUMN a DROP DEFAULT",
        "ALTER TABLE orders ADD a INT NOT NULL DEFAULT '0';\nALTER TABLE orders ALTER COLUMN a SET DEFAULT '1'",
    ),
    "28 unique": ("sql-unique", "CREATE UNIQUE INDEX u ON orders (a)", "CREATE INDEX u ON orders (a)"),
    "28 unique key": (
        "sql-unique",
        "ALTER TABLE `orders` ADD UNIQUE KEY u (a)",
        "ALTER TABLE `orders` ADD KEY u (a)",
    ),
    "33 drop column": ("sql-drop", "ALTER TABLE orders DROP COLUMN a", "ALTER TABLE orders DROP INDEX a"),
    "33 drop a column without the word": (
        "sql-drop",
        "ALTER TABLE orders ADD b INT, DROP `key`",
        "ALTER TABLE orders ADD b INT, DROP FOREIGN KEY `key`",
    ),
    "33 drop table": ("sql-drop", "DROP TABLE orders", "DROP VIEW v"),
    "33 change": (
        "sql-rename",
        "ALTER TABLE orders CHANGE `a` `b` INTEGER NULL",
        "ALTER TABLE orders CHANGE `a` `a` INTEGER NULL",
    ),
    "33 drop of a new column": (
        "sql-drop",
        "ALTER TABLE orders ADD n INT;\nALTER TABLE orders CHANGE n m INT;\nALTER TABLE orders DROP n",
        "ALTER TABLE orders ADD n INT;\nALTER TABLE orders CHANGE n m INT;\nALTER TABLE orders DROP m",
    ),
    "33 rename column": (
        "sql-rename",
        "ALTER TABLE orders RENAME COLUMN a TO b",
        "ALTER TABLE orders RENAME INDEX a TO b",
    ),
    "33 rename table": ("sql-rename", "RENAME TABLE orders TO bills", "OPTIMIZE TABLE countries"),
    "36 update": ("sql-no-where", "UPDATE orders SET a = 'no WHERE'", "UPDATE orders SET a = 1 WHERE b = 2"),
    "36 delete": ("sql-no-where", "DELETE FROM orders", "DELETE FROM orders LIMIT 1000"),
    "36 truncate": ("sql-truncate", "TRUNCATE TABLE orders", "ANALYZE TABLE orders"),
    "36 lock": ("sql-lock-table", "LOCK TABLES orders WRITE", "UNLOCK TABLES"),
    "36 trigger": (
        "sql-trigger",
        "CREATE TRIGGER g BEFORE INSERT ON orders FOR EACH ROW BEGIN SET NEW.a = 1; END",
        "CREATE PROCEDURE p() BEGIN SELECT 1; END",
    ),
    "36 optimize": ("sql-rewrite", "OPTIMIZE TABLE orders", "ANALYZE TABLE orders"),
}


@pytest.fixture
def history(tmp_path: Path) -> History:
    return read(project(tmp_path, {"a": None, "b": "a"}))


def linted(history: History, sql: str) -> Linted:
    text = f"-- Running upgrade a -> b\n\n{sql};\n\nUPDATE alembic_version SET version_num='b';\n"
    found, unreadable = read_sql([history["b"]], lambda *_: text, "mariadb", "alembic_version")
    return lint(history, found, unreadable, FACTS, "mariadb")


@pytest.mark.parametrize("case", CASES)
def test_each_case_and_its_innocent_twin(history: History, case: str) -> None:
    rule, guilty, innocent = CASES[case]
    found, twin = linted(history, guilty), linted(history, innocent)
    assert rule in [one.id for one in found.findings]
    assert rule not in [one.id for one in twin.findings]
    assert not found.open
    assert not twin.open


def test_what_is_not_known_is_open(history: History) -> None:
    assert [one.id for one in linted(history, "CALL tidy_up()").open] == ["lint"]
    assert [one.id for one in linted(history, "LOAD DATA INFILE 'x' INTO TABLE orders").open] == ["lint"]
