"""The steps of the gate that try the application's revisions out: which server, which interpreter, which sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import msgspec

from dbops import app
from dbops.config import Migrations, StoreConfig, Target
from dbops.config.urls import Secret, dialect
from dbops.engine.migrating import Limits
from dbops.engine.scratch import ScratchServer
from dbops.errors import DbopsError
from dbops.keys.keyring import Keyring
from dbops.migrations.history import History
from dbops.migrations.lint_facts import Facts, Size, sizes_of
from dbops.migrations.runner import Outcome, Runner
from dbops.model import EngineInfo, major_version
from dbops.ops.gate_commute import Commuter
from dbops.ops.gate_drift import Drifter
from dbops.ops.gate_lint import Linter
from dbops.ops.gate_steps import Step
from dbops.ops.migration_ground import Ground
from dbops.ops.workshop import Tools, Workshop
from dbops.sandbox.base import Needs

Captured = Callable[[], Mapping[str, Sequence[str]]]
"""Statements by revision."""


@contextmanager
def trying(
    target: Target | None, ground: Ground, store: StoreConfig, sandbox: str | None, captured: Captured | None = None
) -> Iterator[tuple[Step, ...]]:
    """Drift, lint and commutativity, on one scratch server, which is started if one needs it and ends with the block;
    none where there is no target with revisions or no database is looked at. `captured`: what a rehearsal, which was
    before them, has heard."""
    if target is None or target.migrations is None or ground.version is None or not ground.pending:
        yield ()
        return
    migrations = msgspec.structs.replace(target.migrations, directory=ground.history.root)
    engine = app.open_engine(target)
    server = engine.server()
    facts = Facts(sizes=_sizes(store, target), stopped=target.app.stop is not None, version=server.info.server_version)
    with workshop(target, migrations, ground.history, sandbox, server.info) as shop:
        linter = Linter(
            server.info.name,
            lambda url, start, end: Runner(migrations, url).render(start, end),
            shop,
            facts,
            version_table=migrations.version_table,
            captured=captured,
        )
        yield Drifter(shop, engine.migrator().definitions).step(), linter.step(), Commuter(shop).step()


def workshop(
    target: Target, migrations: Migrations, history: History, sandbox: str | None, info: EngineInfo | None
) -> Workshop:
    """Scratch databases of the target's kind. `sandbox` None: as its settings say. `info`: of its server, if that has
    been looked at."""
    # A URL of mysql:// reaches a MariaDB, too: which it is, the server says.
    engine = info.name if info is not None else dialect(target.url.reveal())
    choice = sandbox if sandbox is not None else target.drill.sandbox.reveal()

    def start(stack: ExitStack) -> ScratchServer:
        needs = Needs(
            engine,
            major_version(info.server_version) if info is not None else 0,
            series=info.series if info is not None else "",
            bindir=target.bindir,
            image=target.drill.image,
        )
        chosen = app.open_sandbox(choice, needs).sandbox
        stack.callback(chosen.stop)
        chosen.start()
        named = engine != "postgres" and info is not None
        return app.scratch(
            engine,
            chosen.url,
            encoding=info.encoding if named and info is not None else "",
            collation=info.collation if named and info is not None else "",
            schema=migrations.version_schema or "",
        )

    def upgrade(url: Secret, revision: str) -> Outcome:
        # The proof is what keeps an application that has its URL from elsewhere from migrating that database.
        with app.open_engine(Target(url=url)).migrator().sessions(Limits()) as rules:
            return Runner(migrations, url, rules=rules).upgrade(revision, timeout=float(migrations.timeout))

    def current(url: Secret) -> frozenset[str]:
        rows = app.open_engine(Target(url=url)).version_rows(migrations.version_table, migrations.version_schema)
        return rows.rows

    return Workshop(Tools(start, upgrade, current), history)


def _sizes(store: StoreConfig, target: Target) -> dict[str, Size]:
    """What the tables held in the newest backup; nothing where there is none."""
    if not store.url:
        return {}
    try:
        manifest = app.open_catalog(store, Keyring({target.name: target})).latest(target.name)
    except DbopsError:
        return {}
    return sizes_of((one.schema, one.name, one.rows, one.bytes) for one in manifest.inventory.tables)
