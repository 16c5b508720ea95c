"""What a statement does to which table, told by its leading words. What is not known here is `unknown`, never fine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from dbops.migrations.sql_text import Kind, Statement, Token


class Shape(NamedTuple):
    """`verb`: `ALTER TABLE`, `CREATE INDEX`, …; '' for a statement that is not known. `table`: the one that it works
    on, with its schema if the statement names one, '' where it is about none. `made`: it makes that table. `tables`:
    all of them, where a statement such as `DROP TABLE a, b` lists several."""

    verb: str
    table: str = ""
    made: bool = False
    tables: tuple[str, ...] = ()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TABLES = {  # words before a table's name -> verb
    ("ALTER", "TABLE"): "ALTER TABLE",
    ("ALTER", "FOREIGN", "TABLE"): "ALTER TABLE",
    ("ALTER", "IGNORE", "TABLE"): "ALTER TABLE",
    ("ALTER", "ONLINE", "TABLE"): "ALTER TABLE",
    ("UPDATE",): "UPDATE",
    ("DELETE", "FROM"): "DELETE",
    ("TRUNCATE", "TABLE"): "TRUNCATE",
    ("TRUNCATE",): "TRUNCATE",
    ("DROP", "TABLE"): "DROP TABLE",
    ("DROP", "TABLES"): "DROP TABLE",
    ("DROP", "FOREIGN", "TABLE"): "DROP TABLE",
    ("DROP", "TEMPORARY", "TABLE"): "DROP TEMPORARY",
    ("RENAME", "TABLE"): "RENAME TABLE",
    ("RENAME", "TABLES"): "RENAME TABLE",
    ("INSERT", "INTO"): "INSERT",
    ("INSERT",): "INSERT",
    ("REPLACE", "INTO"): "INSERT",
    ("LOCK", "TABLE"): "LOCK TABLE",
    ("LOCK", "TABLES"): "LOCK TABLE",
    ("LOCK",): "LOCK TABLE",
    ("CLUSTER", "VERBOSE"): "CLUSTER",
    ("CLUSTER",): "CLUSTER",
    ("REFRESH", "MATERIALIZED", "VIEW"): "REFRESH",
    ("OPTIMIZE", "TABLE"): "OPTIMIZE",
    ("REINDEX", "TABLE"): "REINDEX",
    ("COPY",): "COPY",
}
_LISTS = ("DROP TABLE", "TRUNCATE", "LOCK TABLE")
_PASSED_OVER = ("IF", "EXISTS", "NOT", "ONLY", "CONCURRENTLY", "IGNORE", "LOW_PRIORITY", "ONLINE", "OFFLINE", "QUICK")
_MADE = ("TEMP", "TEMPORARY", "UNLOGGED", "LOCAL", "GLOBAL", "OR", "REPLACE")
_QUIET = _words(
    """ABORT ANALYZE BEGIN COMMENT COMMIT DEALLOCATE DECLARE DISCARD END EXPLAIN FETCH GRANT LISTEN NOTIFY PREPARE
    RELEASE RESET REVOKE ROLLBACK SAVEPOINT SECURITY SET SHOW START UNLISTEN UNLOCK USE VALUES"""
)
"""Leading words of statements that neither rewrite nor block a table of the application."""
_OBJECTS = _words(
    """AGGREGATE CAST COLLATION CONVERSION DATABASE DEFAULT DOMAIN EVENT EXTENSION FOREIGN FUNCTION GROUP LANGUAGE
    LOCATION MATERIALIZED OPERATOR POLICY PROCEDURE PUBLICATION ROLE ROUTINE RULE SCHEMA SEQUENCE SERVER STATISTICS
    SUBSCRIPTION TABLESPACE TEXT TRANSFORM TYPE USER VIEW"""
)
"""What CREATE, ALTER and DROP may name besides tables, indexes and triggers."""
_SAFE_FUNCTIONS = frozenset(
    {"SETVAL", "SET_CONFIG", "PG_CATALOG", "NEXTVAL", "VERSION", "NOW", "COUNT", "CURRENT_SCHEMA"}
)


def shape(statement: Statement) -> Shape:
    """What the statement is. Never raises."""
    words = statement.words
    for length in (3, 2, 1):
        verb = _TABLES.get(words[:length])
        if verb is not None:
            rest = _named(statement.tokens[length:])
            return Shape(verb, _name(rest)[0], tables=table_names(rest) if verb in _LISTS else ())
    if words[:1] == ("VACUUM",):
        return Shape("VACUUM", _after_options(statement))
    if words[:1] == ("REINDEX",):
        return Shape("REINDEX")
    if words[:1] == ("CREATE",):
        return _create(statement)
    if words[:2] == ("DROP", "INDEX"):
        return Shape("DROP INDEX", _on(statement))
    if words[:1] in (("ALTER",), ("DROP",)) and len(words) > 1:
        objects = next((one for one in words[1:4] if one in _OBJECTS or one in ("INDEX", "TRIGGER", "SYSTEM")), "")
        return Shape(f"{words[0]} {objects}", _on(statement) if objects == "TRIGGER" else "") if objects else Shape("")
    if words[:1] == ("SELECT",):
        return Shape("SELECT") if _only_looks(statement) else Shape("")
    if words[:3] == ("BEGIN", "NOT", "ATOMIC"):
        return Shape("")  # a block of MariaDB, with statements of its own
    return Shape(words[0]) if words and words[0] in _QUIET else Shape("")


def object_of(statement: Statement) -> tuple[str, str] | None:
    """Kind and name of what a CREATE makes or a DROP names besides tables, such as `SCHEMA`, `shop`."""
    words = statement.words
    place = next((i for i, one in enumerate(words[:5]) if i and one in _OBJECTS), 0)
    if not place:
        return None
    name = _table(statement.tokens[place + 1 :])
    kind = "SCHEMA" if words[place] == "DATABASE" else words[place]
    return (kind, name.lower()) if name else None


def table_names(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The names of a list such as `a, s.b`."""
    found: list[str] = []
    rest = list(tokens)
    while rest:
        name, used = _name(rest)
        if not name:
            break
        found.append(name)
        rest = rest[used:]
        if not rest or rest[0].text != ",":
            break
        rest = rest[1:]
    return tuple(found)


def after(statement: Statement, *words: str) -> tuple[Token, ...]:
    """The tokens after the first place where these words follow each other; none if they do not."""
    texts = [one.text if one.kind is not Kind.TEXT else "" for one in statement.tokens]
    for place in range(len(texts) - len(words) + 1):
        if texts[place : place + len(words)] == [*words]:
            return statement.tokens[place + len(words) :]
    return ()


def _create(statement: Statement) -> Shape:
    words = statement.words
    place = 1
    while place < len(words) and words[place] in _MADE:
        place += 1
    if words[place : place + 1] == ("TABLE",):
        return Shape("CREATE TABLE", _table(statement.tokens[place + 1 :]), made=True)
    if words[place : place + 2] == ("MATERIALIZED", "VIEW"):
        return Shape("CREATE MATERIALIZED", _table(statement.tokens[place + 2 :]), made=True)
    if "INDEX" in words[place : place + 3]:
        return Shape("CREATE INDEX", _on(statement))
    if "TRIGGER" in words[place : place + 4] and "EVENT" not in words[place : place + 1]:
        return Shape("CREATE TRIGGER", _on(statement))
    known = next((one for one in words[place : place + 6] if one in _OBJECTS), "")
    return Shape(f"CREATE {known}") if known else Shape("")


def _table(tokens: Sequence[Token]) -> str:
    return _name(_named(tokens))[0]


def _named(tokens: Sequence[Token]) -> list[Token]:
    """From the name on."""
    rest = list(tokens)
    while rest and rest[0].kind is Kind.WORD and rest[0].text in _PASSED_OVER:
        rest = rest[1:]
    return rest


def _on(statement: Statement) -> str:
    return _table(after(statement, "ON"))


def _after_options(statement: Statement) -> str:
    """Of `VACUUM (FULL) t` and `VACUUM FULL t`."""
    options = ("VACUUM", "FULL", "VERBOSE", "ANALYZE", "FREEZE")
    return _name([one for one in statement.outer if one.kind is not Kind.WORD or one.text not in options])[0]


def _name(tokens: Sequence[Token]) -> tuple[str, int]:
    """A name that the tokens begin with, `schema.name` or `name`, and how many tokens it takes."""
    parts: list[str] = []
    used = 0
    while used < len(tokens) and tokens[used].kind in (Kind.WORD, Kind.NAME):
        parts.append(tokens[used].named)
        used += 1
        if used < len(tokens) and tokens[used].text == "." and tokens[used].kind is Kind.SIGN:
            used += 1
        else:
            break
    return ".".join(parts), used


def _only_looks(statement: Statement) -> bool:
    """A SELECT that calls no function of the application's own: what such a function does is not in sight."""
    for one, following in pairwise(statement.tokens):
        if one.kind is Kind.WORD and following.text == "(" and one.text not in _SAFE_FUNCTIONS | _SYNTAX:
            return False
    return True


_SYNTAX = _words(
    """SELECT FROM WHERE AND OR NOT IN EXISTS ANY ALL AS ON USING VALUES BY CASE WHEN THEN ELSE UNION JOIN OVER FILTER
    MAX MIN SUM AVG COALESCE NULLIF LOWER UPPER LENGTH CAST ROW ARRAY CONCAT IFNULL IF TO_REGCLASS DISTINCT HAVING LIMIT
    CURRVAL LASTVAL EXTRACT SUBSTRING TRIM REPLACE GREATEST LEAST ROUND ABS VARCHAR CHAR NUMERIC DECIMAL
    PG_GET_SERIAL_SEQUENCE"""
)
