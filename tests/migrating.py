"""Databases with applications on them, to be rehearsed and migrated: one bench for each server."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import Migrations, StoreConfig, Target
from dbops.config.urls import Secret
from dbops.engine.base import Engine
from dbops.migrations.runner import Runner
from dbops.model import Finding, Manifest
from dbops.ops.backup import backup
from dbops.ops.gate_steps import Outcome
from dbops.ops.migration_ground import Ground, read_files
from dbops.ops.rehearse import Rehearser
from dbops.ops.rehearse_facts import Rehearsal
from dbops.progress import Silent
from tests.applications import alembic_project
from tests.installations import find_installations
from tests.mutations.bench import RunningServer, places_on
from tests.mysql_servers import MysqlServer, installation
from tests.needs import need
from tests.restoring import DBOPS, ROOT
from tests.servers import Cluster

FIRST = (
    """
op.create_table('customers', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.String(80)),
                sa.Column('town', sa.String(40)))
op.execute("insert into customers (id, email, town) values (1, 'a@x', 'Olot'), (2, 'b@x', 'Vic'), (3, 'b@x', 'Vic')")
""",
    "op.drop_table('customers')",
)
"""Of a first revision, up and down: three customers, two of them alike."""
MAJOR = 15
NAMES = ("postgres", "mariadb10.11", "mysql9.7")


class Bench:
    """One server. Every database of it that a test makes is gone when the bench is."""

    def __init__(self, server: Cluster | MysqlServer) -> None:
        self.server = server
        self.dialect = "postgres" if isinstance(server, Cluster) else server.kind
        self.password = server.password
        self._others = contextlib.ExitStack()
        self._empty = ""

    def empty(self) -> str:
        """The URL of a server of the same kind that holds nothing: tasks restore into no other."""
        if not self._empty:
            kind: Any = type(self.server)
            self._empty = self._others.enter_context(kind(self.server.installation)).url()
        return self._empty

    def close(self) -> None:
        self._others.close()

    @property
    def postgres(self) -> bool:
        return self.dialect == "postgres"

    def create(self) -> str:
        """A fresh, empty database; its name."""
        name = f"app_{secrets.token_hex(5)}"
        self.server.create_database(name)
        return name

    def url(self, name: str) -> str:
        return self.server.url(name)

    def execute(self, name: str, *statements: str) -> list[tuple[Any, ...]]:
        """Runs statements, each by itself; the rows of the last."""
        if isinstance(self.server, MysqlServer):
            return self.server.execute(*statements, database=name)
        with self.server.connect(name) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return list(cursor.fetchall()) if cursor.description else []

    def value(self, name: str, query: str) -> Any:
        return self.execute(name, query)[0][0]

    def connect(self, name: str) -> Any:
        """A connection of the driver, not in autocommit mode."""
        if isinstance(self.server, MysqlServer):
            return self.server.connect(name, autocommit=False)
        connection = self.server.connect(name)
        connection.autocommit = False
        return connection

    def sandbox(self) -> RunningServer:
        return RunningServer(
            lambda name: self.server.url(name or ("postgres" if self.postgres else "")), self.dialect, ""
        )


@contextlib.contextmanager
def bench(name: str) -> Iterator[Bench]:
    if name != "postgres":
        settings = {"performance-schema": "ON"} if name.startswith("mysql") else {}  # it shows locks
        with MysqlServer(installation(name), settings=settings) as server, contextlib.closing(Bench(server)) as made:
            yield made
        return
    found = next((one for one in find_installations() if one.major == MAJOR), None)
    chosen = found or need(f"no PostgreSQL {MAJOR} server on this machine")
    with Cluster(chosen) as cluster, contextlib.closing(Bench(cluster)) as made:
        yield made


class Subject(NamedTuple):
    """An application with its database and its store."""

    bench: Bench
    name: str
    target: Target
    catalog: Catalog

    @property
    def engine(self) -> Engine:
        return app.open_engine(self.target)

    def back_up(self) -> Manifest:
        made = backup(self.engine, self.catalog, self.target, clock=app.now, progress=Silent())
        assert isinstance(made, Manifest)
        return made

    def ground(self) -> Ground:
        migrations = self.target.migrations
        assert migrations is not None
        history, new = read_files(migrations.directory, None)
        version = self.engine.version_rows(migrations.version_table, migrations.version_schema)
        ledger = self.engine.migrator().ledger()
        return Ground(history, target=self.target.name, new=new, version=version, ledger=ledger)

    def rehearse(self) -> tuple[Outcome, Rehearsal | None]:
        rehearser = Rehearser(
            lambda: self.catalog,
            self.target,
            places_on(self.bench.sandbox(), self.target),
            clock=app.now,
            progress=Silent(),
        )
        return rehearser(self.ground()), rehearser.result

    @property
    def rows(self) -> frozenset[str]:
        return self.engine.version_rows("alembic_version", None).rows


def subject(bench: Bench, scripts: Path, store: Path, **settings: Any) -> Subject:
    """`settings`: of the migrations; those of the target in `target`."""
    name = bench.create()
    of_target = settings.pop("target", {})
    kind = settings.pop("kind", "alembic")
    migrations = Migrations(kind=kind, directory=scripts, **settings)
    url, bindir = Secret(bench.url(name)), bench.server.bindir
    target = Target(url=url, name="shop", bindir=bindir, migrations=migrations, **of_target)
    return Subject(bench, name, target, app.open_catalog(StoreConfig(url=str(store))))


def prepared(bench: Bench, folder: Path, up: str, back: str, **settings: Any) -> Subject:
    """At its first revision, with a second one pending, and a backup."""
    scripts = alembic_project(folder / "app", {"r1": FIRST, "r2": (up, back)})
    made = subject(bench, scripts, folder / "store", **settings)
    assert made.target.migrations is not None
    assert Runner(made.target.migrations, made.target.url).upgrade("r1").finished
    made.back_up()
    return made


Rehearse = Callable[..., tuple[Outcome, Rehearsal]]


def rehearsing(bench: Bench, folder: Path) -> Rehearse:
    """`rehearse(up, back, **settings)`: a revision, on a database as `prepared` makes it."""

    def run(up: str, back: str = "pass", **settings: Any) -> tuple[Outcome, Rehearsal]:
        made = prepared(bench, folder, up, back, **settings)
        outcome, facts = made.rehearse()
        assert facts is not None, outcome
        assert made.rows == {"r1"}  # the database itself is as it was
        return outcome, facts

    return run


def ids(found: Any) -> list[str]:
    return [one.id for one in found]


def named(findings: Any, rule: str) -> Finding:
    """The one finding of a rule."""
    [found] = [one for one in findings if one.id == rule]
    assert isinstance(found, Finding)
    return found


def benches(*names: str) -> Any:
    """A fixture's parameters."""
    return pytest.fixture(scope="module", params=names or NAMES)


class Project:
    """A folder with `dbops.toml` and `migrations`, and a database on the bench; tasks run on the command line."""

    def __init__(
        self, bench: Bench, folder: Path, *, kind: str = "alembic", directory: Path = Path("migrations")
    ) -> None:
        self.bench, self.folder, self._kind, self._directory = bench, folder, kind, directory
        self.name = bench.create()
        self.empty = bench.empty()
        self.configure()

    def configure(self, more: str = "", migrations: str = "") -> None:
        lines = [
            f"[store]\nurl = '{self.folder / 'store'}'",
            f"[targets.shop]\nurl = '{self.bench.url(self.name)}'",
            f"[targets.shop.drill]\nsandbox = '{self.empty}'",
            f"[targets.shop.migrations]\nkind = '{self._kind}'\ndirectory = '{self._directory}'\n{migrations}",
            more,
        ]
        file = self.folder / "dbops.toml"
        file.touch(0o600)
        file.write_text("\n".join(lines))

    def raw(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.bench.server.bindir}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [*DBOPS, *arguments, "--json"],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def run(self, *arguments: str, code: int | None = 0, **environment: str) -> Any:
        """The document that a task prints. `code` None: any."""
        done = self.raw(*arguments, **environment)
        assert code is None or done.returncode == code, done.stdout + done.stderr
        assert self.bench.password not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def findings(self, *arguments: str, code: int | None = 0) -> list[str]:
        """Ids of those that are more than a note."""
        return [one["id"] for one in self.run(*arguments, code=code)["findings"] if one["severity"] != "info"]

    def execute(self, *statements: str) -> None:
        self.bench.execute(self.name, *statements)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.bench.execute(self.name, query)

    def value(self, query: str) -> Any:
        return self.bench.value(self.name, query)

    def tables(self) -> set[str]:
        """Those of the application."""
        where = "current_schema()" if self.bench.postgres else "database()"
        query = f"SELECT table_name FROM information_schema.tables WHERE table_schema = {where}"
        return {str(name) for (name,) in self.rows(query)} - {"dbops_ledger", "dbops_migration"}
