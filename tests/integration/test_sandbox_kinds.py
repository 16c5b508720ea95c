"""A server of each kind as a drill gets it: tuned, quiet, and with no way out to the network."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker.types as docker_types
import psycopg
import pytest

from dbops import app
from dbops.errors import PreflightError
from dbops.sandbox import launch
from dbops.sandbox.base import Needs, Sandbox, SandboxMissingError, running
from dbops.sandbox.container.docker import Docker
from dbops.sandbox.postgres.image import VARIABLE
from tests.conftest import DEFAULT_IMAGE, _default_installation, _docker
from tests.demo_runs import nobody
from tests.sandboxes import IMAGES, KINDS, PID, major_of, need_kind, our_containers, sandbox, value
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


# -- no way out ------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside() -> Iterator[Callable[[Sandbox], list[str]]]:
    """Tries, from inside, to reach a port of this machine; the addresses at which it was reached."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        port = listener.getsockname()[1]

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        threading.Thread(target=accept, daemon=True).start()

        def reached(server: Sandbox) -> list[str]:
            found = []
            for address in _addresses():
                program = f"timeout 5 bash -c 'exec 3<>/dev/tcp/{address}/{port}'"
                with psycopg.connect(server.url("").reveal(), autocommit=True) as connection:
                    connection.execute("CREATE TABLE IF NOT EXISTS taken (line text)")
                    with contextlib.suppress(psycopg.errors.ExternalRoutineException):
                        connection.execute(f"COPY taken FROM PROGRAM $${program}$$".encode())
                        found.append(address)
            return found

        yield reached
        listener.shutdown(socket.SHUT_RDWR)


def _addresses() -> list[str]:
    """All of this machine: its own, those of its bridges, and the loopback."""
    said = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout
    return ["127.0.0.1", *(word for word in said.split() if ":" not in word)]


def test_from_the_restored_database_nothing_is_reached(kind: str, outside: Callable[[Sandbox], list[str]]) -> None:
    with sandbox(kind) as server:
        assert server.about.isolated
        assert outside(server) == []


def test_a_server_that_is_not_cut_off_says_so_and_does_reach_it(
    outside: Callable[[Sandbox], list[str]], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    need_kind("local", request)
    for module in ("dbops.sandbox.postgres.server", "dbops.sandbox.postgres.local"):
        monkeypatch.setattr(f"{module}.can_isolate", lambda: False)
    chosen = app.open_sandbox("local", Needs("postgres", major_of("local")))
    assert [finding.id for finding in chosen.findings] == ["sandbox-network"]
    with running(chosen.sandbox) as server:
        assert not server.about.isolated
        assert outside(server) == _addresses()


def test_a_container_whose_socket_cannot_be_used_is_reached_by_a_port_and_says_so(
    container: None, outside: Callable[[Sandbox], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Docker, "shares_files", False)
    chosen = app.open_sandbox("container", Needs("postgres", 17))
    assert [finding.id for finding in chosen.findings] == ["sandbox-network"]
    with running(chosen.sandbox) as server:
        assert not server.about.isolated
        assert "not cut off" in server.about.source
        assert outside(server) != []


def test_an_engine_that_does_not_see_our_files_is_reached_by_a_port(
    container: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where we are in a container ourselves, with the engine's socket in it."""
    mount = docker_types.Mount
    monkeypatch.setattr(docker_types, "Mount", lambda target, source, **options: mount(target, "/no/such", **options))
    with sandbox("container") as server:
        assert not server.about.isolated
        assert value(server, "SELECT 1") == 1


def test_an_ordinary_user_gets_a_network_of_its_own_too() -> None:
    account = nobody()
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        folder.chmod(0o755)
        program = shutil.copy(launch.__file__, folder)
        interpreter = Path(sys.executable).resolve()
        if not account.can_run(interpreter):
            interpreter = Path("/usr/bin/python3")
        command = ["-", "-", "none", "/bin/sh", "-c", "id -u; cat /proc/net/dev; readlink /proc/self/ns/net"]
        code = (
            "import os, subprocess, sys\n"
            f"argv = [sys.executable, '-I', '-S', {program!r}, str(os.getpid()), *{command!r}]\n"
            "sys.exit(subprocess.run(argv).returncode)"
        )
        done = account.run([str(interpreter), "-c", code], cwd="/")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{account.uid}\n")
        assert re.findall(r"^ *(\w+): ", done.stdout, re.MULTILINE) == ["lo"]
        assert str(Path("/proc/self/ns/net").readlink()) not in done.stdout
    finally:
        shutil.rmtree(folder)


# -- containers ------------------------------------------------------------------------------------------------------


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


# -- a server that the caller gives ----------------------------------------------------------------------------------


@pytest.fixture
def given() -> Iterator[Cluster]:
    with Cluster(_default_installation()) as cluster:
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
