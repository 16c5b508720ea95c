"""Containers as sandboxes: where the data lies, what becomes of the password, when the server counts as ready."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dbops import app
from dbops.sandbox.base import Needs, SandboxMissingError
from dbops.sandbox.postgres.image import VARIABLE
from tests.conftest import DEFAULT_IMAGE, _docker
from tests.sandboxes import IMAGES, KINDS, PID, major_of, need_kind, our_containers, sandbox, value


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


def test_data_that_fits_lies_in_memory(container: None) -> None:
    with sandbox("container", bytes=10 << 20) as server:
        where = value(server, "SHOW data_directory")
        assert value(server, "SELECT pg_read_file('/proc/mounts') ~ ' /dbops tmpfs '")
        assert where == "/dbops/data"
    with sandbox("container", bytes=0) as server:
        assert value(server, "SHOW data_directory") != "/dbops/data"


def test_a_disk_that_is_too_small_is_an_obstacle(kind: str) -> None:
    with pytest.raises(SandboxMissingError, match=r"about \d+ TB of disk are needed in /"):
        app.open_sandbox(kind, Needs("postgres", major_of(kind), bytes=1 << 50))


def test_an_image_that_cannot_be_had_is_an_obstacle(container: None) -> None:
    with pytest.raises(SandboxMissingError, match="dbops-test/no-such:17 is not here, and cannot be fetched"):
        app.open_sandbox("container", Needs("postgres", 17, image="dbops-test/no-such:17"))


def test_without_an_engine_there_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    with pytest.raises(SandboxMissingError, match="container: no Docker engine answers"):
        app.open_sandbox("container", Needs("postgres", 17))


def test_the_password_in_the_environment_of_the_container_is_of_no_use(container: None) -> None:
    with sandbox("container") as server:
        (ours,) = [found for found in our_containers() if found.labels[PID] == str(os.getpid())]
        words = (part.partition("=") for part in ours.attrs["Config"]["Env"])
        (used,) = [text for name, _, text in words if name == "POSTGRES_PASSWORD"]
        assert used not in server.url("").reveal()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(re.sub(r"//postgres:[^@]+@", f"//postgres:{used}@", server.url("").reveal()))


@pytest.fixture
def official_like(container: None, tmp_path: Path) -> Iterator[str]:
    """An image whose entrypoint gives its first server our own arguments, as the official one does, and takes its time
    with what lies in docker-entrypoint-initdb.d."""
    ours = (Path(__file__).parents[1] / "images/pg-entrypoint.sh").read_text()
    line = "\"-c listen_addresses='' -k /run/postgresql\" start"
    assert line in ours
    theirs = ours.replace(line, "\"$(printf '%q ' \"$@\") -c listen_addresses=''\" start")
    for name, text in (
        ("entrypoint", theirs),
        ("slow.sh", 'export PGPASSWORD="$POSTGRES_PASSWORD"; sleep 2; echo "CREATE TABLE late ()" | p -d postgres\n'),
        (
            "Dockerfile",
            f"FROM {DEFAULT_IMAGE}\n"
            "COPY entrypoint /usr/local/bin/docker-entrypoint.sh\nCOPY slow.sh /docker-entrypoint-initdb.d/\n",
        ),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    client, tag = _docker().from_env(), "dbops-test/postgres-slow:17"
    client.images.build(path=str(tmp_path), tag=tag, rm=True)
    yield tag
    client.images.remove(tag, force=True)


def test_the_server_that_an_entrypoint_sets_things_up_with_is_not_taken_for_ready(official_like: str) -> None:
    with sandbox("container", image=official_like) as server:
        assert value(server, "SELECT to_regclass('late') IS NOT NULL")
        time.sleep(1)
        assert value(server, "SELECT 1") == 1
