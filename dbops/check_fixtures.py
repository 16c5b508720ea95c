"""Fixtures of the checks, one run per target. A `conftest.py` imports the names that it wants; nothing loads them else.

from dbops.check_fixtures import *
"""

from __future__ import annotations

import os

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import Config, Target
from dbops.config.file import load
from dbops.config.urls import Secret
from dbops.errors import ConfigError, DbopsError, NothingToCheckError
from dbops.model import Manifest, Report
from dbops.ops.verify import verify
from dbops.progress import Silent

__all__ = ["catalog", "dbops_config", "manifest", "pytest_generate_tests", "target", "verification"]

CONFIG = pytest.StashKey[tuple[Config, str | None]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run of each check per target."""
    if "target" in metafunc.fixturenames:
        metafunc.parametrize("target", _names(metafunc.config), indirect=True, scope="session")


@pytest.fixture(scope="session")
def dbops_config(pytestconfig: pytest.Config) -> Config:
    """The configuration that the checks run with."""
    return _config(pytestconfig)[0]


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, dbops_config: Config) -> Target:
    """A target; its URL is empty when only a store was given."""
    name: str = request.param
    return dbops_config.targets.get(name) or Target(url=Secret(""), name=name)


@pytest.fixture(scope="session")
def catalog(dbops_config: Config) -> Catalog:
    """The store's backups."""
    return app.open_catalog(dbops_config.store)


@pytest.fixture(scope="session")
def manifest(target: Target, catalog: Catalog) -> Manifest:
    """The newest usable backup; without one a check is not evaluated."""
    try:
        return catalog.latest(target.name)
    except NothingToCheckError as error:
        pytest.skip(f"{error.message}: {error.hint}" if error.hint else error.message)


@pytest.fixture(scope="session")
def verification(target: Target, catalog: Catalog, manifest: Manifest) -> Report:
    """The newest backup re-read, hashed and decoded: once for all checks that look at it."""
    try:
        engine = app.archive_engine(manifest.engine.name, bindir=target.bindir)
    except ConfigError:
        engine = None
    return verify(engine, catalog, manifest, jobs=target.jobs, progress=Silent(), clock=app.now)


def _config(config: pytest.Config) -> tuple[Config, str | None]:
    """The configuration and the one target to check: from `invoke check`, or from pytest's own options."""
    if CONFIG not in config.stash:
        environment = dict(os.environ)
        if config.getoption("dbops_config"):
            environment["DBOPS_CONFIG"] = config.getoption("dbops_config")
        chosen = config.getoption("dbops_target")
        try:
            config.stash[CONFIG] = (load(store=config.getoption("dbops_store"), environment=environment), chosen)
        except ConfigError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[CONFIG]


def _names(config: pytest.Config) -> list[str]:
    """The targets to check: the named one, the configured ones, or those that the store holds."""
    found, chosen = _config(config)
    if chosen is not None:
        return [chosen]
    if found.targets:
        return list(found.targets)
    try:
        return list(app.open_catalog(found.store).targets())
    except DbopsError as error:
        raise pytest.UsageError(str(error)) from None
