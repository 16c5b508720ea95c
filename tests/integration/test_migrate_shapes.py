"""Applications as they come: factories with arguments, several databases, asynchronous engines, settings in
`pyproject.toml` alone, and a role that owns its schema and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.applications import ENV, alembic_project, write_revision
from tests.migrating import FIRST, Bench, Project, bench
from tests.migration_apps import FLASK_APP, flask_app

TABLE = "op.create_table('notes', sa.Column('id', sa.Integer, primary_key=True))"
BINDS = """
    app.config["SQLALCHEMY_BINDS"] = {"audit": os.environ["AUDIT_URL"]}
    db.init_app(app)"""
MODELS = """
class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)

class Audit(db.Model):
    __bind_key__ = "audit"
    id = db.Column(db.Integer, primary_key=True)

def create_app"""
ASYNC_ENV = """
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import async_engine_from_config

config = context.config


def run(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def online():
    section = config.get_section(config.config_ini_section, {})
    engine = async_engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


if context.is_offline_mode():
    context.configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(online())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Bench]:
    with bench("postgres") as running:
        yield running


def changed(project: Project, old: str, new: str) -> None:
    """A line of `dbops.toml` that reads otherwise."""
    file = project.folder / "dbops.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_factory_with_arguments(server: Bench, tmp_path: Path) -> None:
    flask_app(tmp_path, {"r1": (None, TABLE)})
    text = FLASK_APP.replace(
        "create_app():", "create_app(kind, *, strict=False):\n    assert (kind, strict) == ('prod', True)"
    )
    (tmp_path / "shop.py").write_text(text)
    project = Project(server, tmp_path, kind="flask-migrate")
    named = "shop:create_app('prod', strict=True)"
    project.configure(migrations=f'app = "{named}"\n')
    assert project.run("migrate", "--yes")["current"] == ["r1"]
    project = Project(server, tmp_path, kind="flask-migrate")
    report = project.run("gate", code=None, FLASK_APP="shop:create_app('dev')")
    assert "AssertionError" in str(report["findings"]) + str(report["not_evaluated"])
    assert project.run("migrate", "--yes", FLASK_APP=named)["current"] == ["r1"]


def test_several_databases_are_refused(server: Bench, tmp_path: Path) -> None:
    """`flask db init --multidb`: its files are judged, the other database is never touched."""
    text = FLASK_APP.replace("\n    db.init_app(app)", BINDS).replace("\ndef create_app", MODELS)
    (tmp_path / "shop.py").write_text(text)
    project, other = Project(server, tmp_path, kind="flask-migrate"), server.create()
    project.configure(migrations='app = "shop:create_app"\n')
    driven = {
        name: server.url(database).replace("postgresql:", "postgresql+psycopg:")
        for name, database in (("DATABASE_URL", project.name), ("AUDIT_URL", other))
    }
    flask = [sys.executable, "-m", "flask", "--app", "shop", "db"]
    for arguments in (["init", "--multidb"], ["migrate", "-m", "both"]):
        subprocess.run(
            [*flask, *arguments], cwd=tmp_path, env={**os.environ, **driven}, check=True, capture_output=True
        )
    audit = {"AUDIT_URL": driven["AUDIT_URL"]}
    assert project.run("gate", "--static")["verdict"] == "PASS"
    assert len(project.run("status")["pending"]) == 1
    report = project.run("migrate", "--yes", "--accept", "to see it refused", code=3, **audit)
    [found] = [one for one in report["findings"] if one["id"] == "rehearsal-elsewhere"]
    assert "--multidb" in found["hint"]
    assert "note" not in project.tables()
    assert server.value(other, "SELECT count(*) FROM pg_tables WHERE tablename = 'audit'") == 0


@pytest.mark.parametrize("sandbox", ["external", "local"])
def test_an_asynchronous_application_with_its_driver_in_the_url(server: Bench, tmp_path: Path, sandbox: str) -> None:
    alembic_project(tmp_path, {"r1": FIRST}, env=ASYNC_ENV)
    project = Project(server, tmp_path)
    changed(project, "'postgresql://", "'postgresql+asyncpg://")
    if sandbox == "local":
        changed(project, f"sandbox = '{project.empty}'", "sandbox = 'local'")
    report = project.run("migrate", "--yes")
    assert report["current"] == ["r1"]
    assert len(report["rehearsal"]["statements"]) == 2
    assert project.value("SELECT count(*) FROM customers") == 3


def test_an_asynchronous_application_that_names_its_driver_itself(server: Bench, tmp_path: Path) -> None:
    """It puts it into the URL that it is given."""
    own = ASYNC_ENV.replace(
        "    engine = ",
        "    url = section['sqlalchemy.url'].replace('postgresql://', 'postgresql+asyncpg://')\n"
        "    section['sqlalchemy.url'] = url\n    engine = ",
    )
    alembic_project(tmp_path, {"r1": FIRST}, env=own)
    project = Project(server, tmp_path)
    project.configure(migrations="driver = 'postgresql'")
    changed(project, f"sandbox = '{project.empty}'", "sandbox = 'local'")
    assert project.run("migrate", "--yes")["current"] == ["r1"]


def test_settings_in_pyproject_alone_and_folders_with_spaces(server: Bench, tmp_path: Path) -> None:
    root = tmp_path / "my shop"
    scripts = alembic_project(root, {"r1": FIRST})
    (scripts / "versions").rename(root / "all versions")
    (root / "pyproject.toml").write_text(
        '[tool.alembic]\nscript_location = "%(here)s/migrations"\nversion_locations = ["%(here)s/all versions"]\n'
    )
    for directory in (Path("migrations"), Path()):
        project = Project(server, root, directory=directory)
        assert project.run("migrate", "--yes")["current"] == ["r1"], directory


def test_a_version_table_of_another_name_in_another_schema(server: Bench, tmp_path: Path) -> None:
    """Where it is not configured, the rehearsal tells how it would be; where it is, no step of the gate is left out:
    the schema that no revision can make is there on scratch databases, too."""
    own = "connection=connection, version_table='versions', version_table_schema='meta'"
    env = ENV.replace("connection=connection", own)
    assert own in env
    scripts = alembic_project(tmp_path, {"r1": FIRST}, env=env)
    project = Project(server, tmp_path)
    project.execute("CREATE SCHEMA meta")
    report = project.run("migrate", "--yes", code=3)
    [found] = [one for one in report["findings"] if one["severity"] == "error"]
    assert "version_table = 'versions', version_schema = 'meta'" in found["hint"]
    assert "customers" not in project.tables()
    project.configure(migrations="version_table = 'versions'\nversion_schema = 'meta'\n")
    assert project.run("migrate", "--yes")["current"] == ["r1"]
    write_revision(scripts, "r2", "r1", TABLE, "op.drop_table('notes')")
    report = project.run("migrate", "--yes")
    assert report["current"] == ["r2"]
    assert {one["id"] for one in report["not_evaluated"]} == {"commutativity"}


def test_an_application_beside_a_folder_of_folders(server: Bench, tmp_path: Path) -> None:
    """`flask db --directory migrations/main`: the application is not beside the scripts."""
    flask_app(tmp_path, {"r1": (None, TABLE)})
    (tmp_path / "migrations").rename(tmp_path / "main")
    (tmp_path / "migrations").mkdir()
    (tmp_path / "main").rename(tmp_path / "migrations" / "main")
    project = Project(server, tmp_path, kind="flask-migrate", directory=Path("migrations/main"))
    project.configure(migrations='app = "shop:create_app"\n')
    assert project.run("migrate", "--yes")["current"] == ["r1"]


def test_where_to_stop_is_told_by_a_label_or_at_once_not_at_all(server: Bench, tmp_path: Path) -> None:
    scripts = alembic_project(tmp_path, {"r1": FIRST})
    other = write_revision(scripts, "z1", None, TABLE, "op.drop_table('notes')")
    other.write_text(other.read_text().replace("branch_labels = None", "branch_labels = ('audit',)"))
    project = Project(server, tmp_path)
    assert project.run("migrate", "--yes", "--to", "aduit@head", code=2)["error"]["kind"] == "refused"
    assert project.run("rehearse", "--to", "aduit@head", code=2)["error"]["kind"] == "refused"
    assert not (tmp_path / "store" / "shop").exists()  # no backup was made for it
    assert project.run("migrate", "--yes", "--to", "audit@head")["current"] == ["z1"]


def test_a_role_that_owns_its_schema_alone(server: Bench, tmp_path: Path) -> None:
    """It may make no schema for the ledger: that is said before anything else is done, with what helps."""
    scripts = alembic_project(tmp_path, {"r1": FIRST})
    log = tmp_path / "log"
    project = Project(server, tmp_path)
    role, reader = f"owner of {project.name}", f"reader of {project.name}"
    for name in (role, reader):
        server.execute("postgres", f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{server.password}'")
    project.execute(
        f'CREATE SCHEMA app AUTHORIZATION "{role}"',
        f'ALTER ROLE "{role}" IN DATABASE {project.name} SET search_path = app',
    )
    project.configure(f"[targets.shop.app]\nstop = ['touch', '{log}']\n")
    user = server.url(project.name).partition("//")[2].partition(":")[0]
    changed(project, f"//{user}:", f"//{quote(role)}:")
    error = project.run("migrate", "--yes", code=2)["error"]
    assert (error["kind"], log.exists()) == ("no-ledger", False)
    project.execute(*error["hint"].partition("once: ")[2].split("; "))
    assert project.run("migrate", "--yes")["current"] == ["r1"]
    assert project.rows("SELECT id FROM dbops.ledger") == [("r1",)]
    # Who may read the version table, and not the ledger, is told where the database stands.
    project.execute(f'GRANT USAGE ON SCHEMA app TO "{reader}"', f'GRANT SELECT ON app.alembic_version TO "{reader}"')
    write_revision(scripts, "r2", "r1", TABLE)
    changed(project, f"//{quote(role)}:", f"//{quote(reader)}:")
    assert [one["id"] for one in project.run("status")["pending"]] == ["r2"]
