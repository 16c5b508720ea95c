"""`status` and `gate` on MySQL and MariaDB: cases 14 to 16, and a version table in another database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbops import app
from dbops.sandbox.base import Sandbox
from tests.migration_apps import local_server
from tests.unit.migration_samples import project
from tests.unit.test_cli import dbops

TABLE = "CREATE TABLE {0} (version_num varchar(32) PRIMARY KEY)"


@pytest.fixture(scope="module", params=["mariadb10.11", "mysql9.7"])
def server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with local_server(request.param) as running:
        yield running


def test_where_the_database_is(tmp_path: Path, server: Sandbox) -> None:
    project(tmp_path, {"a": None, "b": "a", "c": "b"}, downgrade="op.x()")
    scratch = app.scratch(server.about.engine, server.url)
    url = scratch.create("shop").reveal()
    scratch.create("elsewhere")

    def shown(task: str, *extra: str, code: int = 0) -> Any:
        lines = [f'[targets.shop]\nurl = "{url}"', "[targets.shop.migrations]", 'kind = "alembic"']
        (tmp_path / "dbops.toml").write_text("\n".join([*lines, 'directory = "migrations"', *extra, ""]))
        done = dbops(tmp_path, task, "--target", "shop", "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def place(*rows: str) -> None:
        assert session.run("DELETE FROM alembic_version") is None
        for row in rows:
            assert session.run(f"INSERT INTO alembic_version VALUES ('{row}')") is None

    with scratch.session("shop") as session:
        report = shown("status")
        assert (report["current"], report["standing"], len(report["pending"])) == ([], "behind", 3)
        assert session.run(TABLE.format("alembic_version")) is None
        place("a")
        report = shown("status")
        assert (report["current"], [one["id"] for one in report["pending"]]) == (["a"], ["b", "c"])
        place("c")
        assert shown("gate")["verdict"] == "PASS"
        place("zz")
        assert shown("gate", code=3)["findings"][0]["id"] == "migration-database-unknown"
        place("a", "b")
        assert "migration-database-overlap" in [one["id"] for one in shown("status", code=3)["findings"]]
        assert session.run(TABLE.format("elsewhere.versions")) is None
        assert session.run("INSERT INTO elsewhere.versions VALUES ('b')") is None
        other = ('version_table = "versions"', 'version_schema = "elsewhere"')
        assert shown("status", *other)["current"] == ["b"]
