"""Hostile names and text: a backup holds them, its manifest and catalog survive them, and a copy is the same (B19)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from dbops import manifests
from dbops.catalog import Catalog
from dbops.errors import DatabaseError
from dbops.store.local import LocalStore
from tests.fault.copies import restored, same
from tests.fault.support import only, process, run, target, verified
from tests.installations import Installation
from tests.servers import Cluster, Database

NAMES = {
    "quotes": "a \"b\" 'c'",
    "newlines": "one\ntwo\r\nthree",
    "backslashes": "a\\b\\\\c\\n",
    "comment": "x -- y /* z",
    "statement": "a; DROP TABLE b; --",
    "dollars": "$$ $1 $body$",
    "percent": "%s %% %I %(x)s {}",
    "unicode": "données 数据 😀 \u202e",
    "reserved": "select",
    "bytes63": "é" * 31 + "x",
    "dots": "a.b.c",
    "brackets": "a(b)[c],d",
    "colon": ":var :'x' \\gexec",
    "copy": "t (a) FROM stdin;",
    "progress": "x\npg_dump: finished item 1 TABLE DATA y",
    "tab": "\ttab\x01\x1b[31m",
}


@pytest.fixture(scope="module")
def cluster(installation: Installation) -> Iterator[Cluster]:
    with Cluster(installation) as cluster:
        yield cluster


def create(cluster: Cluster, name: str) -> Database:
    """A database, schema, table, column, sequence, index, constraint, type, function, view and role of one name."""
    cluster.create_database(name)
    me = sql.Identifier(name)
    other, third = sql.Identifier(name[:20] + "_2"), sql.Identifier(name[:20] + "_3")
    with cluster.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(me))
        connection.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(me, sql.Literal(name)))
    database = Database(cluster, name)
    commands = """
        CREATE SCHEMA {me};
        SET search_path = {me};
        CREATE TYPE {other} AS ENUM ({text}, 'b');
        CREATE TABLE {me} ({me} serial CONSTRAINT {third} PRIMARY KEY, {other} text, "text" {other} DEFAULT {text});
        CREATE INDEX {other} ON {me} ({other}) WHERE {other} <> {text};
        INSERT INTO {me} ({other}) VALUES ({text}), (NULL), (''), (E'\\\\.'), (E'a\\n\\\\.\\nb'),
            (E'\\t\\b\\f\\v\\x01');
        CREATE VIEW "view" AS SELECT {me} AS "é", {text} AS {other} FROM {me};
        CREATE FUNCTION {me}({me} int) RETURNS text LANGUAGE sql AS {body};
        COMMENT ON TABLE {me} IS {text};
        COMMENT ON DATABASE {me} IS {text};
        GRANT SELECT ON {me} TO {me};
        ALTER TABLE {me} OWNER TO {me};
        ALTER DATABASE {me} SET search_path = {me}, public;
        ALTER DATABASE {me} SET "app.user" = {text};
        ALTER ROLE {me} IN DATABASE {me} SET "app.user" = {text}
    """
    body = sql.Literal(f"SELECT {sql.Literal(name).as_string()}::text")
    with database.connect() as connection:
        for command in commands.split(";\n"):
            connection.execute(
                sql.SQL(command).format(me=me, other=other, third=third, text=sql.Literal(name), body=body)
            )
        rows = sql.SQL("INSERT INTO {0}.{0} ({1}) SELECT {2} || n FROM generate_series(1, 100) n")
        connection.execute(rows.format(me, other, sql.Literal(name)))
    return database


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_goes_round(cluster: Cluster, tmp_path: Path, name: str, jobs: int) -> None:
    try:
        create(cluster, name)
        made = run(target(cluster.url(name), jobs=jobs), tmp_path)
        assert [(t.schema, t.name, t.rows) for t in made.inventory.tables] == [(name, name, 106)]
        assert made.inventory.roles == tuple(sorted({name, "postgres"}))
        only(tmp_path, made)
        verified(tmp_path)
        (listed,) = Catalog(LocalStore(tmp_path)).backups()
        assert listed == made
        assert manifests.decode([manifests.encode(made)], made.target, made.id) == made
        copy = restored(made, tmp_path, cluster, "copy")
        same(made, copy)
    finally:
        cluster.drop_database("copy")
        cluster.drop_database(name)
        with cluster.connect() as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_hostile_database_on_the_command_line(cluster: Cluster, tmp_path: Path) -> None:
    """Nothing of a name reaches the terminal as a control sequence, and stdout stays one document."""
    name = NAMES["tab"]
    try:
        create(cluster, name)
        for flags in (["--json"], []):
            arguments = ["backup", "--url", cluster.url(name), "--store", str(tmp_path), *flags]
            with process(*arguments) as dbops:
                out, err = dbops.communicate(timeout=60)
            assert dbops.returncode == 0, err
            assert "\x1b" not in out + err
            if flags:
                assert json.loads(out)["engine"]["database"] == name
    finally:
        cluster.drop_database(name)
        with cluster.connect() as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


# -- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("encoding", "name", "value"),
    [
        ("LATIN1", "où ça", "déjà vu £"),
        ("LATIN9", "œuvre €", "cœur € Š"),
        ("EUC_JP", "表 日本", "日本語のデータ"),
        ("WIN1251", "таблица", "данные №"),
        ("SQL_ASCII", "plain", "plain"),
    ],
)
def test_an_encoding_goes_round(
    cluster: Cluster, tmp_path: Path, encoding: str, name: str, value: str, jobs: int
) -> None:
    with cluster.connect() as connection:
        connection.execute(f"CREATE DATABASE encoded TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'".encode())
    database = Database(cluster, "encoded")
    try:
        with database.connect(client_encoding="UTF8") as connection:
            table = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE TABLE {} ({} text)").format(table, sql.Identifier(name + "2")))
            insert = sql.SQL("INSERT INTO {} SELECT {} || n FROM generate_series(1, 50) n")
            connection.execute(insert.format(table, sql.Literal(value)))
            if encoding == "SQL_ASCII":  # any bytes are text here, also those that are not UTF-8
                connection.execute(r"INSERT INTO plain VALUES (E'\xe9\xff\x80'), (E'\xc3\xa9')")
        made = run(target(database.url, jobs=jobs), tmp_path)
        assert made.engine.encoding == encoding
        (table_found,) = made.inventory.tables
        assert table_found.name == name
        verified(tmp_path)
        copy = restored(made, tmp_path, cluster, "copy")
        same(made, copy)
    finally:
        for each in ("copy", "encoded"):
            cluster.drop_database(each)


@pytest.mark.parametrize("jobs", [1, 2])
def test_bytes_that_are_no_utf8_in_a_name(cluster: Cluster, tmp_path: Path, jobs: int) -> None:
    """In an SQL_ASCII database a name can be any bytes. Refused, and never a listed backup that lacks it."""
    with cluster.connect() as connection:
        connection.execute("CREATE DATABASE encoded TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    database = Database(cluster, "encoded")
    try:
        with database.connect(client_encoding="SQL_ASCII") as connection:
            connection.execute(b'CREATE TABLE "t\xe9\xff" (a int); INSERT INTO "t\xe9\xff" VALUES (1)')
        with pytest.raises(DatabaseError) as caught:
            run(target(database.url, jobs=jobs), tmp_path)
        assert "SQL_ASCII" in caught.value.hint
        only(tmp_path)
    finally:
        cluster.drop_database("encoded")
