"""Small applications with migrations, run by this interpreter: Alembic alone, and Flask-Migrate."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from dbops import app
from dbops.config import Migrations, Target
from dbops.config.urls import Secret
from dbops.engine.migrating import Limits
from dbops.engine.scratch import ScratchServer
from dbops.migrations.history import History, read
from dbops.migrations.runner import Outcome, Runner
from dbops.ops.workshop import Tools, Workshop
from dbops.sandbox.base import Needs, Sandbox, running
from tests.mysql_servers import installation
from tests.needs import need
from tests.sandboxes import local_majors

ENV = """
import os
from alembic import context
from sqlalchemy import create_engine

if context.is_offline_mode():
    context.configure(url=os.environ["DATABASE_URL"], literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
MAKO = '''"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision: str = ${repr(up_revision)}
down_revision: Union[str, Sequence[str], None] = ${repr(down_revision)}
branch_labels: Union[str, Sequence[str], None] = ${repr(branch_labels)}
depends_on: Union[str, Sequence[str], None] = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
'''
FLASK_APP = """
import os
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate()

def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    db.init_app(app)
    migrate.init_app(app, db)
    return app
"""
Down = str | tuple[str, ...] | None
Bodies = Mapping[str, tuple[Down, str]]
"""Revision -> (its parents, the lines of `upgrade`)."""


def alembic_app(root: Path, revisions: Bodies) -> Migrations:
    """An application that has `alembic.ini` beside the folder `migrations`."""
    folder = root / "migrations"
    (folder / "versions").mkdir(parents=True)
    (root / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (folder / "env.py").write_text(ENV)
    (folder / "script.py.mako").write_text(MAKO)
    write(folder / "versions", revisions)
    return Migrations(kind="alembic", directory=folder, python=Path(sys.executable))


def flask_app(root: Path, revisions: Bodies) -> Migrations:
    """One that has run `flask db init`."""
    package = find_spec("flask_migrate")
    assert package is not None
    assert package.origin is not None
    template = Path(package.origin).parent / "templates" / "flask"
    folder = root / "migrations"
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        (folder / name).write_text((template / name).read_text())
    (folder / "alembic.ini").write_text((template / "alembic.ini.mako").read_text())
    (root / "shop.py").write_text(FLASK_APP)
    write(folder / "versions", revisions)
    return Migrations(kind="flask-migrate", directory=folder, python=Path(sys.executable), app="shop:create_app")


def write(versions: Path, revisions: Bodies) -> None:
    for name, (down, lines) in revisions.items():
        body = "\n    ".join(line for line in lines.strip().splitlines()) or "pass"
        head = f'"""{name}"""\nfrom alembic import op\nimport sqlalchemy as sa\n\n'
        head += f"revision: str = {name!r}\ndown_revision = {down!r}\n\n\n"
        (versions / f"{name}_x.py").write_text(f"{head}def upgrade():\n    {body}\n\n\ndef downgrade():\n    pass\n")


@contextlib.contextmanager
def workshop(settings: Migrations, server: Sandbox, history: History | None = None) -> Iterator[Workshop]:
    """On a sandbox that runs already."""

    def start(_: ExitStack) -> ScratchServer:
        return app.scratch(server.about.engine, server.url)

    def upgrade(url: Secret, revision: str) -> Outcome:
        with app.open_engine(Target(url=url)).migrator().sessions(Limits()) as rules:
            return Runner(settings, url, rules=rules).upgrade(revision, timeout=120)

    def current(url: Secret) -> frozenset[str]:
        return app.open_engine(Target(url=url)).version_rows("alembic_version", None).rows

    with Workshop(Tools(start, upgrade, current), history or read(settings.directory)) as made:
        yield made


@contextlib.contextmanager
def local_server(kind: str) -> Iterator[Sandbox]:
    """`postgres`, or a name of `mysql_servers`."""
    if kind == "postgres":
        if not local_majors():
            need("no PostgreSQL server is installed")
        needs = Needs("postgres", local_majors()[0])
    else:
        found = installation(kind)
        needs = Needs(found.kind, found.major, series=found.series, bindir=found.bindir)
    with running(app.open_sandbox("local", needs).sandbox) as server:
        yield server
