"""How MySQL and MariaDB would carry out an ALTER: they are asked, and the answer is the one that a person would get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbops import app
from dbops.engine.scratch import ScratchServer
from dbops.migrations.lint_facts import Facts
from dbops.migrations.lint_probe import Probed, Way, faults, probe
from dbops.migrations.sql_revisions import transactions
from dbops.migrations.sql_text import split
from dbops.model import Severity
from dbops.sandbox.base import Sandbox
from tests.migration_apps import local_server

TABLES = (
    "CREATE TABLE c (id INT PRIMARY KEY)",
    "CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT NOT NULL DEFAULT 0, s VARCHAR(50), w VARCHAR(200), KEY k (a)) "
    "CHARACTER SET utf8mb4",
)
MARIADB = {
    "ALTER TABLE t ADD COLUMN x INT": Way.INSTANT,
    "ALTER TABLE t ADD COLUMN x INT NOT NULL DEFAULT 5": Way.INSTANT,
    "ALTER TABLE t DROP COLUMN s": Way.INSTANT,
    "ALTER TABLE t CHANGE s z VARCHAR(50)": Way.INSTANT,
    "ALTER TABLE t MODIFY s VARCHAR(60)": Way.INSTANT,
    "ALTER TABLE t ALTER COLUMN a SET DEFAULT 3": Way.INSTANT,
    "ALTER TABLE t MODIFY s VARCHAR(10)": Way.COPY,
    "ALTER TABLE t MODIFY a BIGINT": Way.COPY,
    "ALTER TABLE t MODIFY a INT NOT NULL": Way.REBUILD,
    "ALTER TABLE t CONVERT TO CHARACTER SET latin1": Way.COPY,
    "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES c (id)": Way.COPY,
    "ALTER TABLE t ADD FULLTEXT INDEX ft (w)": Way.BLOCKS,
    "CREATE INDEX i ON t (b)": Way.ONLINE,
    "DROP INDEX k ON t": Way.ONLINE,
}
MYSQL = {
    "ALTER TABLE t ADD COLUMN x INT": Way.INSTANT,
    "ALTER TABLE t DROP COLUMN s": Way.INSTANT,
    "ALTER TABLE t MODIFY a BIGINT": Way.COPY,
    "ALTER TABLE t MODIFY s VARCHAR(60)": Way.ONLINE,
    "ALTER TABLE t MODIFY s VARCHAR(10)": Way.COPY,
    "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES c (id)": Way.COPY,
    "ALTER TABLE t ADD FULLTEXT INDEX ft (w)": Way.BLOCKS,
    "CREATE INDEX i ON t (b)": Way.ONLINE,
}


@pytest.fixture(scope="module", params=["mariadb10.11", "mysql9.7"])
def server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with local_server(request.param) as running:
        yield running


def asked(server: Sandbox, sql: str, facts: Facts | None = None) -> list[Probed]:
    scratch: ScratchServer = app.scratch(server.about.engine, server.url)
    scratch.create("probe")
    try:
        with scratch.session("probe") as session:
            for text in TABLES:
                assert session.run(text) is None
            steps = tuple(transactions(split(sql, "mysql")))
            return list(probe(session, steps, server.about.engine, facts or Facts()))
    finally:
        scratch.drop("probe")


def test_each_way_is_told(server: Sandbox) -> None:
    known = MARIADB if server.about.engine == "mariadb" else MYSQL
    assert {sql: asked(server, sql)[0].way for sql in known} == known


def test_each_statement_finds_what_the_ones_before_have_left(server: Sandbox) -> None:
    first, second = asked(server, "ALTER TABLE t ADD COLUMN x INT; ALTER TABLE t MODIFY x BIGINT;")
    assert (first.way, second.way) == (Way.INSTANT, Way.COPY)


def test_a_new_table_is_not_asked_about(server: Sandbox) -> None:
    sql = "CREATE TABLE n (a INT); ALTER TABLE n MODIFY a BIGINT"
    assert asked(server, sql, Facts(made=frozenset({"n"}))) == []


def test_what_does_not_run_is_not_judged(server: Sandbox) -> None:
    (one,) = asked(server, "ALTER TABLE t DROP COLUMN nothing")
    assert one.way is None
    assert one.refusal is not None
    assert "nothing" in one.refusal.text


def test_a_copy_and_writes_that_wait_are_findings(server: Sandbox) -> None:
    found = list(
        faults(asked(server, "ALTER TABLE t MODIFY a BIGINT; ALTER TABLE t ADD FULLTEXT INDEX f (w)"), Facts())
    )
    assert [one.rule for one in found] == ["sql-copies", "sql-blocks"]
    assert found[0].severity is Severity.WARNING, "its size is not known"
    assert list(faults(asked(server, "ALTER TABLE t ADD COLUMN x INT; CREATE INDEX i ON t (b)"), Facts())) == []
