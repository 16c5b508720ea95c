"""Databases of several encodings in one cluster: what belongs to a database is stored in the database's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbops import app
from dbops.config import App
from dbops.model import Verdict
from dbops.ops.restore_aside import drop_old, undo
from dbops.progress import Silent
from tests.restoring import Backed, back_up, databases, run_restore
from tests.servers import Database

COMMENTS = {"LATIN1": "café", "EUC_JP": "日本語"}


@pytest.fixture(params=COMMENTS)
def encoded(request: pytest.FixtureRequest, database: Database, tmp_store: str) -> Iterator[Backed]:
    """A database with a comment that nobody can read from the cluster's other databases, which are in UTF-8."""
    cluster, database = database.cluster, Database(database.cluster, "encoded")
    cluster.psql(f"CREATE DATABASE encoded TEMPLATE template0 ENCODING '{request.param}' LOCALE 'C'")
    words = COMMENTS[request.param]
    database.psql(
        f"CREATE TABLE t (a text); INSERT INTO t VALUES ('{words}'); COMMENT ON DATABASE encoded IS '{words}'"
    )
    yield back_up(database, tmp_store)
    for name in databases(cluster):
        if name.startswith("encoded"):
            cluster.drop_database(name)


def comment(database: Database) -> str:
    return database.psql(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    ).strip()


def test_the_comment_comes_back_and_the_old_database_is_still_ours(encoded: Backed) -> None:
    database = encoded.database
    words = comment(database)
    assert words == COMMENTS[encoded.manifest.engine.encoding]
    assert run_restore(encoded).verdict is Verdict.PASS
    assert comment(database) == words
    restorer = app.open_engine(encoded.target).restorer()
    undo(restorer, "shop", App(), end_sessions=False, clock=app.now, progress=Silent(), confirm=lambda _: True)
    assert comment(database) == words
    drop_old(restorer, "shop", progress=Silent(), confirm=lambda _: True)
    assert {name for name in databases(database.cluster) if name.startswith("encoded")} == {"encoded"}


def test_in_place(encoded: Backed) -> None:
    database = encoded.database
    words = comment(database)
    database.psql("COMMENT ON DATABASE encoded IS 'another'")
    report = run_restore(encoded, in_place=True, safety=lambda: encoded.manifest)
    assert report.verdict is Verdict.PASS, report.findings
    assert comment(database) == words


def test_what_stands_aside_of_one_is_no_hindrance_to_another(
    encoded: Backed, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert run_restore(encoded).verdict is Verdict.PASS
    database.psql("CREATE TABLE t (a int)")
    other = back_up(database, f"file://{tmp_path_factory.mktemp('store')}")
    assert run_restore(other).verdict is Verdict.PASS
