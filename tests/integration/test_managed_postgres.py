"""As on a managed server: nobody is a superuser. The role has what such services document for theirs: CREATEDB,
CREATEROLE, pg_monitor and pg_signal_backend, and is a member of the roles that own something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.config import StoreConfig, Target
from dbops.config.urls import Secret
from dbops.errors import PreflightError
from dbops.model import Severity, Verdict
from dbops.ops.drill import drill
from dbops.progress import Silent
from tests.conftest import installed
from tests.fault import support
from tests.rounds import complaints, restored, whole_round
from tests.servers import Cluster

MASTER = """
CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD 'm';
GRANT pg_monitor, pg_signal_backend TO master;
CREATE ROLE app; GRANT app TO master;
CREATE ROLE reader; CREATE ROLE auditor;
"""
"""`reader` was only granted something, and `auditor` is only named by a policy."""
CONTENT = """
SET ROLE master;
CREATE SCHEMA shop;
GRANT ALL ON SCHEMA shop TO app;
CREATE TABLE shop.customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
INSERT INTO shop.customers (name) SELECT 'customer ' || n FROM generate_series(1, 500) n;
GRANT SELECT ON shop.customers TO reader;
ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY looks ON shop.customers TO auditor USING (true);
CREATE VIEW shop.names AS SELECT name FROM shop.customers;
"""
OF_APP = """
SET ROLE app;
CREATE TABLE shop.orders AS SELECT n AS id FROM generate_series(1, 100) n;
"""


@pytest.fixture(scope="module", params=[15, 17])
def managed(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with Cluster(installed(request.param)) as cluster:
        cluster.psql(MASTER)
        yield cluster


@pytest.fixture
def make(managed: Cluster) -> Iterator[Callable[[str], Target]]:
    def made(content: str) -> Target:
        managed.psql("CREATE DATABASE shop OWNER master TEMPLATE template0")
        managed.psql(content, "shop")
        return Target(url=Secret(managed.url("shop", user="master", password="m")), name="shop")

    yield made
    for name in managed.psql("SELECT datname FROM pg_database WHERE datname LIKE 'shop%'").split():
        managed.drop_database(name)


def test_backup_and_restore(make: Callable[[str], Target], tmp_path: Path) -> None:
    whole_round(make(CONTENT), tmp_path)


def test_in_place(make: Callable[[str], Target], tmp_path: Path) -> None:
    target = make(CONTENT)
    made = support.run(target, tmp_path)
    report = restored(target, tmp_path, made, in_place=True)
    wrong = [finding for finding in report.findings if finding.severity is not Severity.INFO]
    assert (report.verdict, wrong) == (Verdict.PASS, []), wrong


def test_what_belongs_to_another_role_cannot_be_given_to_it(make: Callable[[str], Target], tmp_path: Path) -> None:
    """Told beforehand, and not when pg_restore has come to it; without owners it works."""
    target = make(CONTENT + OF_APP)
    made = support.run(target, tmp_path)
    with pytest.raises(PreflightError, match="other-owner: app: ") as caught:
        restored(target, tmp_path, made)
    assert "REASSIGN OWNED" in caught.value.hint
    report = restored(target, tmp_path, made, no_owner=True)
    assert report.verdict is Verdict.PASS, report.findings


def test_what_belongs_to_a_stranger_cannot_be_given_to_it(
    make: Callable[[str], Target], managed: Cluster, tmp_path: Path
) -> None:
    target = make(CONTENT)
    managed.psql("ALTER TABLE shop.customers OWNER TO reader", "shop")
    made = support.run(Target(url=Secret(managed.url("shop")), name="shop"), tmp_path)
    with pytest.raises(PreflightError, match="foreign-role: reader: "):
        restored(target, tmp_path, made)


def test_a_drill_on_a_server_where_nobody_is_superuser(
    make: Callable[[str], Target], managed: Cluster, tmp_path: Path
) -> None:
    target = make(CONTENT)
    made = support.run(target, tmp_path)
    managed.drop_database("shop")  # a drill wants an empty server
    catalog = app.open_catalog(StoreConfig(url=str(tmp_path)))
    places = app.places(target, managed.url("postgres", user="master", password="m"))
    report = drill(catalog, made, target, places, clock=app.now, progress=Silent())
    assert report.verdict is Verdict.PASS, report.not_evaluated


def test_doctor_says_the_cause_alone(make: Callable[[str], Target], managed: Cluster) -> None:
    make(CONTENT)
    managed.psql("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN PASSWORD 's'")
    found = complaints(Target(url=Secret(managed.url("shop", user="stranger", password="s")), name="shop"))
    assert found
    assert all(finding.id.startswith(("cannot-read-", "row-level-")) for finding in found), found
