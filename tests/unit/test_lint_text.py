"""SQL as statements and words: quotes, comments and bodies of routines told apart; what is not known is unknown."""

from __future__ import annotations

import pytest

from dbops.migrations.sql_shape import Shape, shape
from dbops.migrations.sql_text import split


def one(text: str, dialect: str = "postgres") -> Shape:
    (statement,) = split(text, dialect)
    return shape(statement)


def test_semicolons_in_literals_comments_and_bodies_end_nothing() -> None:
    text = """
    -- a comment; UPDATE t SET x = 1;
    INSERT INTO t VALUES ('a;b', E'it\\'s;', $f$x; y$f$, "q;uoted") /* nested /* ; */ ; */;
    CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
    SELECT 1
    """
    found = split(text, "postgres")
    assert [(shape(each).verb, each.line) for each in found] == [("INSERT", 3), ("CREATE FUNCTION", 4), ("SELECT", 5)]
    assert found[0].literals == ("a;b", "it\\'s;", "x; y")


def test_mysql_has_its_own_quotes_comments_and_blocks() -> None:
    text = """# it's a comment;
    UPDATE `a;b` SET x = "it''s \\"; y" WHERE z = 'a\\';b';
    CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN IF NEW.a THEN SET NEW.b = 1; END IF; SET @x = 1; END;
    /*!40000 ALTER TABLE t DISABLE KEYS */;
    SELECT 1
    """
    verbs = [(shape(each).verb, shape(each).table) for each in split(text, "mysql")]
    assert verbs == [("UPDATE", "a;b"), ("CREATE TRIGGER", "t"), ("ALTER TABLE", "t"), ("SELECT", "")]


@pytest.mark.parametrize(
    ("text", "verb", "table"),
    [
        ('ALTER TABLE IF EXISTS ONLY "My"."T" ADD x int', "ALTER TABLE", "My.T"),
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY Shop.Orders (a)", "CREATE INDEX", "shop.orders"),
        ("create unlogged table if not exists t (a int)", "CREATE TABLE", "t"),
        ("DELETE FROM ONLY t", "DELETE", "t"),
        ("TRUNCATE a, b", "TRUNCATE", "a"),
        ("VACUUM (FULL, ANALYZE) t", "VACUUM", "t"),
        ("VACUUM FULL VERBOSE t", "VACUUM", "t"),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int AS 'x' LANGUAGE sql", "CREATE FUNCTION", ""),
        ("CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()", "CREATE TRIGGER", "t"),
        ("ALTER TYPE e ADD VALUE 'x'", "ALTER TYPE", ""),
        ("SELECT setval('s', 5)", "SELECT", ""),
        ("SELECT create_hypertable('t', 'at')", "", ""),
        ("DO $$ BEGIN DELETE FROM t; END $$", "", ""),
        ("CALL tidy_up()", "", ""),
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", "", ""),
    ],
)
def test_what_a_statement_is(text: str, verb: str, table: str) -> None:
    assert one(text)[:2] == (verb, table)
