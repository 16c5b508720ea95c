"""Fixtures of the checks, one run per target. A `conftest.py` imports the names that it wants; nothing loads them else.

from dbops.check_fixtures import *

`restored` is an open connection to a copy of the newest backup, in a server that is thrown away; `drill` is the report
on that copy, `manifest` the backup, `verification` the report of its files, `catalog` the store, `target` the settings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.checking import judging
from dbops.checking.drills import SharedDrill
from dbops.checking.reporter import history_file
from dbops.config import Config, Target
from dbops.config.file import load
from dbops.config.urls import Secret
from dbops.errors import ConfigError, DbopsError, NothingToCheckError
from dbops.keys.keyring import Keyring
from dbops.language import joined, msg
from dbops.model import Manifest, Report
from dbops.ops.drill import Drill
from dbops.ops.drill_stage import Stage
from dbops.ops.verify import verify
from dbops.progress import Silent

__all__ = [
    "catalog",
    "dbops_config",
    "drill",
    "manifest",
    "pytest_generate_tests",
    "restored",
    "shared_drill",
    "target",
    "verification",
]


class Setup(NamedTuple):
    """What a run of the checks is about. `target` None: all of them; `sandbox` None: as each target's settings say."""

    config: Config
    target: str | None
    sandbox: str | None = None
    history: Path | None = None
    """The figures of earlier drills, for the trend of archives."""
    identity: Path | None = None
    """A key file for encrypted backups, before all that the settings say."""


SETUP = pytest.StashKey[Setup]()
_PARAMETRIZED = pytest.StashKey[bool]()
_NEWEST = pytest.StashKey[dict[str, Manifest | DbopsError]]()
MOST_TABLES = 200
"""Beyond so many, no one reads a list of them: they are judged together."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run of each check per target, and per table where `each_table` is asked for; once, also where both a plugin
    and a `conftest.py` have this hook."""
    if "target" not in metafunc.fixturenames or metafunc.definition.stash.get(_PARAMETRIZED, False):
        return
    metafunc.definition.stash[_PARAMETRIZED] = True
    names = _names(metafunc.config)
    if "each_table" not in metafunc.fixturenames:
        metafunc.parametrize("target", names, indirect=True, scope="session")
        return
    pairs = [(name, table) for name in names for table in _tables(metafunc.config, name)]
    ids = [f"{name}: {table}" if table is not None else name for name, table in pairs]
    metafunc.parametrize(("target", "each_table"), pairs, indirect=["target"], ids=ids, scope="session")


@pytest.fixture(scope="session")
def dbops_config(pytestconfig: pytest.Config) -> Config:
    """The configuration that the checks run with."""
    return _setup(pytestconfig).config


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, dbops_config: Config) -> Target:
    """A target; its URL is empty when only a store was given."""
    name: str = request.param
    return dbops_config.targets.get(name) or Target(url=Secret(""), name=name)


@pytest.fixture(scope="session")
def catalog(target: Target, dbops_config: Config, pytestconfig: pytest.Config) -> Catalog:
    """The store's backups; a check of them is not evaluated for a target whose dumps another tool makes."""
    if target.archives:
        pytest.skip(msg("another tool makes its dumps (archives): they are only drilled"))
    return app.open_catalog(dbops_config.store, Keyring(dbops_config.targets, identity=_setup(pytestconfig).identity))


@pytest.fixture(scope="session")
def manifest(target: Target, catalog: Catalog, pytestconfig: pytest.Config) -> Manifest:  # noqa: ARG001 - it may skip
    """The newest usable backup; without one a check is not evaluated."""
    found = _newest(pytestconfig, target.name)
    if isinstance(found, NothingToCheckError):
        pytest.skip(joined(": ", filter(None, [found.message, found.hint])))
    if isinstance(found, DbopsError):
        raise found
    return found


@pytest.fixture(scope="session")
def verification(target: Target, catalog: Catalog, manifest: Manifest) -> Report:
    """The newest backup re-read, hashed and decoded: once for all checks that look at it."""
    try:
        engine = app.archive_engine(manifest.engine.name, bindir=target.bindir)
    except ConfigError:
        engine = None
    return verify(engine, catalog, manifest, jobs=target.jobs, progress=Silent(), clock=app.now)


@pytest.fixture(scope="session")
def shared_drill(
    target: Target,
    request: pytest.FixtureRequest,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SharedDrill]:
    """The drill of the newest backup, begun when its report or its copy is asked for."""
    setup = _setup(pytestconfig)
    folder = tmp_path_factory.getbasetemp()
    if hasattr(pytestconfig, "workerinput"):  # not by the environment: a check may be run inside of another pytest
        folder = folder.parent

    if target.archives:
        begin = _drill_of_archive(setup, target)
    else:
        begin = _drill_of_backup(setup, target, request.getfixturevalue("catalog"), request.getfixturevalue("manifest"))
    with SharedDrill(Path(folder), target.name, begin) as shared:
        yield shared


def _drill_of_backup(setup: Setup, target: Target, catalog: Catalog, manifest: Manifest) -> Callable[[], Stage]:
    places = app.places(target, setup.sandbox)
    return lambda: Drill(catalog, manifest, target, places, clock=app.now, progress=Silent())


def _drill_of_archive(setup: Setup, target: Target) -> Callable[[], Stage]:
    """Of the newest dump; without one the checks are not evaluated."""
    try:
        location = app.find_archive(setup.config, target)
    except NothingToCheckError as error:
        pytest.skip(joined(": ", filter(None, [error.message, error.hint])))
    return lambda: app.foreign_drill(
        setup.config,
        target,
        location,
        sandbox=setup.sandbox,
        history=setup.history,
        identity=setup.identity,
        progress=Silent(),
    )


@pytest.fixture(scope="session")
def drill(shared_drill: SharedDrill) -> Report:
    """What the drill of the newest backup has found. Skips where the environment lacks something for it."""
    report = shared_drill.report()
    judging.usable(report)
    return report


@pytest.fixture(scope="session")
def restored(shared_drill: SharedDrill) -> Iterator[Any]:
    """An open connection (of the engine's driver) to the restored copy: whatever is changed in it is thrown away."""
    report = shared_drill.report()
    judging.usable(report)
    copy = shared_drill.copy()
    if copy is None:
        judging.restored(report)
        raise judging.DrillBrokeError(msg("there is no copy"))
    connection = app.connect(copy.url)
    yield connection
    connection.close()


def _setup(config: pytest.Config) -> Setup:
    """The configuration and the one target to check: from `invoke check`, or from pytest's own options."""
    if SETUP not in config.stash:
        environment = dict(os.environ)
        if config.getoption("dbops_config"):
            environment["DBOPS_CONFIG"] = config.getoption("dbops_config")
        try:
            found = load(store=config.getoption("dbops_store"), environment=environment)
        except ConfigError as error:
            raise pytest.UsageError(str(error)) from None
        config.stash[SETUP] = Setup(
            found, config.getoption("dbops_target"), config.getoption("dbops_sandbox"), history_file(config)
        )
    return config.stash[SETUP]


def _newest(config: pytest.Config, name: str) -> Manifest | DbopsError:
    """A target's newest backup, looked for once: the checks of its tables are those of the backup that is drilled."""
    known = config.stash.setdefault(_NEWEST, {})
    if name not in known:
        try:
            known[name] = app.open_catalog(_setup(config).config.store).latest(name)
        except DbopsError as error:
            known[name] = error
    return known[name]


def _tables(config: pytest.Config, name: str) -> Sequence[str | None]:
    """The tables of a target's newest backup; None stands for all of them at once."""
    target = _setup(config).config.targets.get(name)
    if target is not None and target.archives:
        return (None,)
    found = _newest(config, name)
    tables = () if isinstance(found, DbopsError) else found.inventory.tables
    return [table.label for table in tables] if 0 < len(tables) <= MOST_TABLES else (None,)


def _names(config: pytest.Config) -> list[str]:
    """The targets to check: the named one, the configured ones, or those that the store holds."""
    setup = _setup(config)
    if setup.target is not None:
        return [setup.target]
    if setup.config.targets:
        return list(setup.config.targets)
    try:
        return list(app.open_catalog(setup.config.store).targets())
    except DbopsError as error:
        raise pytest.UsageError(str(error)) from None
