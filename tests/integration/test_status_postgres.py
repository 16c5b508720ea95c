"""`status` and `gate` on a server: the version table wherever it is, of whatever name, with whatever rights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dbops.engine.postgres.engine import PostgresEngine
from dbops.errors import DatabaseError
from tests.servers import Database
from tests.unit.migration_samples import project
from tests.unit.test_cli import dbops

TABLE = "CREATE TABLE {0} (version_num varchar(32) PRIMARY KEY); INSERT INTO {0} VALUES ('{1}');"


@pytest.fixture
def configured(any_database: Database, tmp_path: Path) -> Any:
    """Runs a task of the target `shop`, whose code has a, b and c."""
    project(tmp_path, {"a": None, "b": "a", "c": "b"}, downgrade="op.x()")

    def run(task: str, *extra: str, code: int = 0) -> Any:
        lines = [f'[targets.shop]\nurl = "{any_database.url}"', "[targets.shop.migrations]", 'kind = "alembic"']
        (tmp_path / "dbops.toml").write_text("\n".join([*lines, 'directory = "migrations"', *extra, ""]))
        done = dbops(tmp_path, task, "--target", "shop", "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    return run


def test_where_the_database_is(configured: Any, any_database: Database) -> None:
    report = configured("status")
    assert (report["current"], report["standing"], len(report["pending"])) == ([], "behind", 3)
    any_database.psql(TABLE.format("alembic_version", "a"))
    report = configured("status")
    assert (report["current"], [one["id"] for one in report["pending"]]) == (["a"], ["b", "c"])
    assert report["provenance"]["version_table"] == "public.alembic_version"
    left_open = [one["id"] for one in configured("gate", code=5)["not_evaluated"]]
    assert left_open[:3] == ["rehearsal", "lint", "lint"]  # there is no store, and b and c cannot be run
    any_database.psql("UPDATE alembic_version SET version_num = 'c'")
    assert configured("gate")["verdict"] == "PASS"
    any_database.psql("UPDATE alembic_version SET version_num = 'zz'")
    assert configured("gate", code=3)["findings"][0]["id"] == "migration-database-unknown"


def test_another_name_and_schema(configured: Any, any_database: Database) -> None:
    any_database.psql('CREATE SCHEMA "my app"; ' + TABLE.format('"my app"."Versions"', "b"))
    assert configured("status")["current"] == []
    assert configured("status", 'version_table = "Versions"')["current"] == ["b"]
    assert configured("status", 'version_table = "Versions"', 'version_schema = "my app"')["current"] == ["b"]
    assert configured("status", 'version_table = "Versions"', 'version_schema = "public"')["current"] == []


def test_several_tables_of_that_name_are_not_guessed_between(configured: Any, any_database: Database) -> None:
    any_database.psql(
        TABLE.format("alembic_version", "a") + "CREATE SCHEMA other; " + TABLE.format("other.alembic_version", "b")
    )
    error = configured("status", code=4)["error"]
    assert error["kind"] == "version-table-ambiguous"
    assert "other, public" in error["message"]
    assert "version_schema" in error["hint"]
    assert configured("status", 'version_schema = "other"')["current"] == ["b"]


def test_a_table_of_that_name_that_is_another(any_database: Database) -> None:
    any_database.psql("CREATE TABLE alembic_version (id int); CREATE VIEW v AS SELECT 1")
    assert not PostgresEngine(any_database.url).version_rows("alembic_version", None).found
    any_database.psql("DROP TABLE alembic_version; CREATE TEMP TABLE alembic_version (version_num text)")
    assert not PostgresEngine(any_database.url).version_rows("alembic_version", None).found


def test_no_right_to_read_it(any_database: Database) -> None:
    any_database.psql(TABLE.format("alembic_version", "a") + "CREATE ROLE reader LOGIN PASSWORD 'reading'")
    try:
        url = any_database.cluster.url(any_database.name, user="reader", password="reading")
        with pytest.raises(DatabaseError, match="permission denied") as raised:
            PostgresEngine(url).version_rows("alembic_version", None)
        assert "grant the missing right" in raised.value.hint
    finally:
        any_database.psql("DROP ROLE reader")
