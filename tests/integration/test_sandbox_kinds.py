"""A server of each kind as a drill gets it: tuned, quiet, and with no way out to the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dbops import app
from dbops.errors import PreflightError
from dbops.sandbox.base import Needs, SandboxMissingError, running
from dbops.sandbox.postgres.image import VARIABLE
from tests.installations import Installation
from tests.sandboxes import IMAGES, KINDS, major_of, need_kind, sandbox, value
from tests.servers import Cluster


@pytest.fixture(autouse=True)
def images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, IMAGES)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    need_kind(request.param, request)
    return str(request.param)


@pytest.fixture
def container(request: pytest.FixtureRequest) -> None:
    need_kind("container", request)


# -- what it is ------------------------------------------------------------------------------------------------------


def test_it_is_what_it_says_and_made_to_restore_fast(kind: str) -> None:
    with sandbox(kind, bytes=10 << 20, jobs=4) as server:
        about = server.about
        assert (about.kind, about.engine, about.tuned, about.isolated) == (kind, "postgres", True, True)
        assert about.version == value(server, "SHOW server_version").split()[0]
        assert int(about.version.split(".")[0]) == major_of(kind)
        for name in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            assert value(server, f"SHOW {name}") == "off", name
        assert value(server, "SHOW wal_level") == "minimal"
        assert server.ephemeral
        value(server, "SELECT count(*) FROM pg_class")


def test_like_production_nothing_is_tuned(kind: str) -> None:
    with sandbox(kind, production_like=True) as server:
        assert not server.about.tuned
        for name in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            assert value(server, f"SHOW {name}") == "on", name
        assert value(server, "SHOW max_logical_replication_workers") == "0"


def test_libraries_are_preloaded(kind: str) -> None:
    with sandbox(kind, preload=("auto_explain", "pg_stat_statements")) as server:
        assert value(server, "SHOW shared_preload_libraries") == "auto_explain,pg_stat_statements"


def test_a_library_that_is_not_there_is_named(kind: str) -> None:
    with pytest.raises(SandboxMissingError, match="no_such_library"), sandbox(kind, preload=("no_such_library",)):
        pytest.fail("it must not start")


def test_a_database_can_be_made_and_reached_by_its_url(kind: str) -> None:
    with sandbox(kind) as server:
        with psycopg.connect(server.url("").reveal(), autocommit=True) as connection:
            connection.execute('CREATE DATABASE "a b/c"')
        assert value(server, "SELECT current_database()", "a b/c") == "a b/c"
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(re.sub(r"//postgres:[^@]+@", "//postgres:wrong@", server.url("").reveal()))


# -- a server that the caller gives ----------------------------------------------------------------------------------


@pytest.fixture
def given(installation: Installation) -> Iterator[Cluster]:
    with Cluster(installation) as cluster:
        yield cluster


def test_an_empty_server_is_taken_and_one_with_data_refused(given: Cluster) -> None:
    needs = Needs("postgres", given.major)
    url = given.create_database("test")
    chosen = app.open_sandbox(url, needs)
    with running(chosen.sandbox) as server:
        assert server.about.kind == "external"
        assert server.about.source == f"127.0.0.1:{given.port}"
        assert value(server, "SELECT current_database()") == "test"
        assert value(server, "SELECT current_database()", "postgres") == "postgres"
        assert not server.ephemeral
    assert given.psql("SELECT 1").strip() == "1", "it is not ours to stop"
    given.create_database("finance")
    with pytest.raises(PreflightError, match="is not empty: it holds finance"), running(chosen.sandbox):
        pass
    given.drop_database("finance")
    given.psql("CREATE TABLE t ()", "test")
    with pytest.raises(PreflightError, match="it holds test"), running(chosen.sandbox):
        pass


def test_another_major_and_a_wrong_password_are_told(given: Cluster) -> None:
    chosen = app.open_sandbox(given.url(), Needs("postgres", given.major + 1))
    assert [finding.id for finding in chosen.findings] == ["sandbox-major", "sandbox-network"]
    with pytest.raises(SandboxMissingError, match="password authentication failed") as caught:
        app.open_sandbox(given.url(password="wrong-geheim"), Needs("postgres", given.major))
    assert "geheim" not in str(caught.value)


def test_the_socket_of_a_local_server_is_ours_alone(kind: str) -> None:
    with sandbox(kind) as server:
        (socket_folder,) = re.findall(r"host=([^&]+)", server.url("").reveal())
        folder = Path(socket_folder.replace("%2F", "/"))
        closed = [path for path in (folder, folder.parent) if path.stat().st_mode & 0o077 in (0, 0o011)]
        assert closed, "somebody else could come in"
