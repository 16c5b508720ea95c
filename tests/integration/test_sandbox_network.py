"""What is restored has no way out to the network; or else that is said."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import docker.types as docker_types
import psycopg
import pytest

from dbops import app
from dbops.sandbox import launch
from dbops.sandbox.base import Needs, Sandbox, running
from dbops.sandbox.container.docker import Docker
from dbops.sandbox.postgres.image import VARIABLE
from tests.demo_runs import nobody
from tests.sandboxes import IMAGES, KINDS, major_of, need_kind, sandbox, value


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
        command = ["-", "-", "none", "3", "/bin/sh", "-c", "id -u; cat /proc/net/dev; readlink /proc/self/ns/net"]
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
