"""Sandboxes of MySQL and MariaDB as a drill gets them: tuned, quiet, cut off from the network, and gone afterwards."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import pymysql
import pytest

from dbops import app
from dbops.config.urls import Secret
from dbops.errors import PreflightError
from dbops.folder import sweep
from dbops.sandbox.base import Needs, Sandbox, SandboxError, SandboxMissingError, running
from dbops.sandbox.container.docker import Docker
from dbops.sandbox.mysql.driver import connected
from tests.conftest import _docker
from tests.demo_runs import Place, gone, place
from tests.mysql_installations import IMAGES
from tests.mysql_servers import MysqlServer, installation, servers
from tests.needs import need
from tests.sandboxes import PID, our_containers

VARIABLES = {
    "DBOPS_MYSQL_IMAGE": "dbops-test/mysql:{version}",
    "DBOPS_MARIADB_IMAGE": "dbops-test/mariadb:{version}",
}
CASES = [*(("local", name) for name in servers()), *(("container", name) for name in IMAGES)]
CASES_OF_WHAT_IS_LEFT = [("local", "mariadb10.11"), ("local", "mysql9.7"), ("container", "mariadb11.8")]
"""Each way in which a server is made and ended, once: `tests/fault/test_sandbox_left` has the rest."""
Case = tuple[str, str]


@pytest.fixture(scope="module", autouse=True)
def images() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> Case:
    kind, name = request.param
    installation(name)
    if kind == "container":
        _need_image(name, request)
    return kind, name


@pytest.fixture(scope="module")
def tuned(case: Case) -> Iterator[Sandbox]:
    """One for all tests that only look at it. `lower_case_table_names` is of the source."""
    with sandbox(case, bytes=10 << 20, settings={"lower_case_table_names": "1"}) as server:
        yield server


@pytest.fixture(params=CASES_OF_WHAT_IS_LEFT, ids="-".join)
def left_case(request: pytest.FixtureRequest) -> Case:
    kind, name = request.param
    installation(name)
    if kind == "container":
        _need_image(name, request)
    return kind, name


@pytest.fixture(params=IMAGES)
def container(request: pytest.FixtureRequest) -> str:
    installation(request.param)
    _need_image(request.param, request)
    return str(request.param)


def _need_image(name: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("docker_engine")
    docker = _docker()
    try:
        docker.from_env().images.get(IMAGES[name][1])
    except docker.errors.ImageNotFound:
        need(f"no image {IMAGES[name][1]}: tests/images/build-all makes it")


@pytest.fixture
def somewhere() -> Iterator[Place]:
    with place() as found:
        yield found


def needs(name: str, **more: Any) -> Needs:
    found = installation(name)
    return Needs(found.kind, found.major, series=found.series, bindir=found.bindir)._replace(**more)


@contextmanager
def sandbox(case: Case, **more: Any) -> Iterator[Sandbox]:
    kind, name = case
    with running(app.open_sandbox(kind, needs(name, **more)).sandbox) as server:
        yield server


def values(server: Sandbox, statement: str, database: str = "") -> tuple[Any, ...]:
    with connected(server.url(database)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchone() or ())


def execute(server: Sandbox, *statements: str, database: str = "") -> None:
    with connected(server.url(database)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


# -- what it is ------------------------------------------------------------------------------------------------------


def test_it_is_what_it_says_made_to_restore_fast_and_quiet(case: Case, tuned: Sandbox) -> None:
    about, found = tuned.about, installation(case[1])
    assert (about.kind, about.engine, about.tuned, about.isolated) == (case[0], found.kind, True, True)
    assert about.version.startswith(f"{found.series}.")
    assert values(tuned, "SELECT VERSION()")[0].startswith(about.version)
    assert values(tuned, "SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@performance_schema") == (0, 0, 0)
    assert values(tuned, "SELECT @@innodb_doublewrite")[0] in (0, "OFF")
    assert values(tuned, "SELECT @@event_scheduler, @@local_infile, @@time_zone") == ("OFF", 0, "+00:00")
    assert values(tuned, "SELECT @@max_allowed_packet, @@lower_case_table_names") == (1 << 30, 1)
    assert tuned.ephemeral
    data = values(tuned, "SELECT @@datadir")[0]
    assert data == "/dbops/data/" if case[0] == "container" else "dbops-sandbox-" in data


def test_like_production_nothing_is_tuned_but_events_do_not_run(case: Case) -> None:
    with sandbox(case, production_like=True) as server:
        assert not server.about.tuned
        assert values(server, "SELECT @@innodb_flush_log_at_trx_commit, @@event_scheduler") == (1, "OFF")
        assert values(server, "SELECT @@innodb_doublewrite")[0] in (1, "ON")
        execute(
            server,
            "CREATE DATABASE d",
            "CREATE TABLE d.t (n INT)",
            "CREATE EVENT d.e ON SCHEDULE EVERY 1 SECOND DO INSERT INTO d.t VALUES (1)",
            "DO SLEEP(1.5)",
        )
        assert values(server, "SELECT COUNT(*) FROM d.t") == (0,)


def test_a_database_can_be_made_and_reached_by_its_url_and_the_password_is_needed(tuned: Sandbox) -> None:
    execute(tuned, "CREATE DATABASE `a b/c`")
    assert values(tuned, "SELECT DATABASE(), CURRENT_USER()", "a b/c") == ("a b/c", "root@localhost")
    url = tuned.url("").reveal()
    for wrong in ("root:wrong@", "root@", "nobody@", "@"):
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            with connected(Secret(re.sub(r"root:[^@]+@", wrong, url))):
                pass
    execute(tuned, "CREATE USER u@localhost", "CREATE DEFINER=u@localhost PROCEDURE `a b/c`.p() SELECT 1")


def test_the_socket_is_ours_alone_and_no_port_is_open(case: Case, tuned: Sandbox) -> None:
    (path,) = re.findall(r"unix_socket=([^&]+)", tuned.url("").reveal())
    folder = Path(unquote(path)).parent
    closed = [each for each in (folder, folder.parent) if each.stat().st_mode & 0o077 in (0, 0o011)]
    assert closed, "somebody else could come in"
    if case[0] == "local":
        assert values(tuned, "SELECT @@skip_networking") == (1,)


def test_files_of_the_system_are_not_read(case: Case, tuned: Sandbox) -> None:
    if (case[0], tuned.about.engine) != ("container", "mariadb"):  # there they are the container's own
        assert values(tuned, "SELECT LOAD_FILE('/etc/hostname')") == (None,)


def test_the_log_of_a_server_that_does_not_start_is_told(case: Case) -> None:
    with pytest.raises(SandboxError) as caught, sandbox(case, settings={"innodb_page_size": "5000"}):
        pytest.fail("it must not start")
    assert "page" in f"{caught.value.message} {caught.value.hint}".lower()


def test_another_series_is_told_and_the_nearest_taken() -> None:
    found = installation("mariadb10.11")
    chosen = app.open_sandbox("local", Needs("mariadb", 10, series="10.6", bindir=found.bindir))
    (finding,) = [each for each in chosen.findings if each.id == "sandbox-major"]
    assert (finding.expected, finding.actual) == ("MariaDB 10.6", "MariaDB 10.11")


def test_an_image_of_the_other_product_is_refused(container: str) -> None:
    found = installation(container)
    other = {"mysql": "mariadb", "mariadb": "mysql"}[found.kind]
    image = IMAGES[container][1]
    with pytest.raises(SandboxError):
        with running(app.open_sandbox("container", Needs(other, found.major, image=image)).sandbox):
            pytest.fail("a backup of one product is not restored into the other")


def test_the_password_in_the_environment_of_the_container_is_of_no_use(case: Case, tuned: Sandbox) -> None:
    if case[0] == "local":
        return
    (ours,) = [found for found in our_containers() if found.labels[PID] == str(os.getpid())]
    words = (part.partition("=") for part in ours.attrs["Config"]["Env"])
    (used,) = [text for name, _, text in words if name.endswith("_ROOT_PASSWORD")]
    assert used not in tuned.url("").reveal()
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        with connected(Secret(re.sub(r"root:[^@]+@", f"root:{used}@", tuned.url("").reveal()))):
            pass


# -- the network -----------------------------------------------------------------------------------------------------


@pytest.fixture
def outside() -> Iterator[Callable[[Sandbox], list[str]]]:
    """Tries, from inside, to reach a port of this machine (by replication, which any superuser can start); the
    addresses at which it was reached."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        came = threading.Semaphore(0)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()
                    came.release()

        threading.Thread(target=accept, daemon=True).start()

        def reached(server: Sandbox) -> list[str]:
            return [address for address in _addresses() if _reaches(server, address, listener.getsockname()[1], came)]

        yield reached
        listener.shutdown(socket.SHUT_RDWR)


def _reaches(server: Sandbox, address: str, port: int, came: threading.Semaphore) -> bool:
    maria = server.about.engine == "mariadb"
    where = {"HOST": f"'{address}'", "PORT": str(port), "USER": "'u'", "PASSWORD": "'p'", "CONNECT_RETRY": "60"}
    prefix, change = ("MASTER", "CHANGE MASTER TO") if maria else ("SOURCE", "CHANGE REPLICATION SOURCE TO")
    replica, error = ("SLAVE", "Last_IO_Errno") if maria else ("REPLICA", "Last_IO_Errno")
    execute(server, f"{change} {', '.join(f'{prefix}_{name}={value}' for name, value in where.items())}")
    execute(server, f"START {replica}")
    until = time.monotonic() + 30
    try:
        while not came.acquire(timeout=0.05):
            assert time.monotonic() < until
            with connected(server.url("")) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute(f"SHOW {replica} STATUS")
                row = cursor.fetchone()
            if row and int(row[error]):
                return came.acquire(blocking=False)
        return True
    finally:
        execute(server, f"STOP {replica}", f"RESET {replica} ALL")


def _addresses() -> list[str]:
    """All of this machine: its own, those of its bridges, and the loopback."""
    said = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout
    return ["127.0.0.1", *(word for word in said.split() if ":" not in word)]


def test_from_the_restored_database_nothing_is_reached(tuned: Sandbox, outside: Callable[[Sandbox], list[str]]) -> None:
    """R08."""
    assert tuned.about.isolated
    assert outside(tuned) == []


@pytest.mark.parametrize("name", servers())
def test_a_server_that_is_not_cut_off_says_so_and_does_reach_it(
    name: str, outside: Callable[[Sandbox], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("dbops.sandbox.mysql.server", "dbops.sandbox.mysql.local"):
        monkeypatch.setattr(f"{module}.can_isolate", lambda: False)
    chosen = app.open_sandbox("local", needs(name))
    assert [finding.id for finding in chosen.findings] == ["sandbox-network"]
    with running(chosen.sandbox) as server:
        assert not server.about.isolated
        assert outside(server) == _addresses()


def test_a_container_whose_socket_cannot_be_used_is_reached_by_a_port_and_says_so(
    container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Docker, "shares_files", False)
    chosen = app.open_sandbox("container", needs(container))
    assert [finding.id for finding in chosen.findings] == ["sandbox-network"]
    with running(chosen.sandbox) as server:
        assert not server.about.isolated
        assert "not cut off" in server.about.source
        assert values(server, "SELECT 1") == (1,)


# -- a server that the caller gives ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", servers())
def test_an_empty_server_is_taken_and_one_with_data_refused(name: str) -> None:
    with MysqlServer(installation(name)) as given:
        wanted = needs(name)
        url = given.create_database("test")
        other = {"mysql": "mariadb", "mariadb": "mysql"}[given.kind]
        misnamed = url.replace(f"{given.kind}://", f"{other}://")  # the server says what it is
        for each in (url, given.socket_url("test"), misnamed):
            chosen = app.open_sandbox(each, wanted)
            assert [finding.id for finding in chosen.findings] == ["sandbox-network"]
            with running(chosen.sandbox) as server:
                assert (server.about.kind, server.about.engine) == ("external", given.kind)
                assert server.about.version == given.version
                assert values(server, "SELECT DATABASE()") == ("test",)
                assert values(server, "SELECT DATABASE()", "mysql") == ("mysql",)
                assert not server.ephemeral
        assert given.execute("SELECT 1") == [(1,)], "it is not ours to stop"
        given.create_database("finance")
        with pytest.raises(PreflightError, match="is not empty: it holds finance"), running(chosen.sandbox):
            pass
        given.drop_database("finance")
        given.execute("CREATE PROCEDURE test.p() SELECT 1")
        with pytest.raises(PreflightError, match="it holds test"), running(chosen.sandbox):
            pass
        with pytest.raises(SandboxMissingError, match="and the backup is one of"):
            app.open_sandbox(url, wanted._replace(engine=other))
        with pytest.raises(SandboxMissingError, match="Access denied") as caught:
            app.open_sandbox(given.url(password="wrong-geheim"), wanted)
        assert "geheim" not in str(caught.value)


# -- what is left of it ----------------------------------------------------------------------------------------------

_CODE = """
import sys
from pathlib import Path
from dbops import app
from dbops.sandbox.base import Needs, running
needs = Needs({engine!r}, {major}, series={series!r}, bindir=Path({bindir!r}), settings={settings!r})
sandbox = app.open_sandbox({kind!r}, needs).sandbox
print("starting", flush=True)
if {bare}:
    sandbox.start()
    sandbox.start = lambda: None
with running(sandbox) as server:
    print("started", server.url("").reveal(), flush=True)
    sys.stdin.readline()
"""
NOTHING: Mapping[str, str] = MappingProxyType({})


class Child:
    """A run that holds one sandbox until it gets a line, or a signal."""

    def __init__(self, where: Place, case: Case, *, settings: Mapping[str, str] = NOTHING, bare: bool = False) -> None:
        kind, name = case
        found = installation(name)
        facts = {"engine": found.kind, "major": found.major, "series": found.series, "bindir": str(found.bindir)}
        code = _CODE.format(kind=kind, settings=dict(settings), bare=bare, **facts)
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
            env=where.environment({**VARIABLES, "TESTCONTAINERS_RYUK_DISABLED": "false"}),
        )

    def until(self, word: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise AssertionError(f"ended without {word!r}: {self.end()}")

    def end(self, line: str = "\n") -> str:
        """Its last words, once it has ended."""
        return self.process.communicate(line, timeout=120)[1]

    def left(self, case: Case, where: Place) -> list[str]:
        ours = [c for c in our_containers() if c.labels[PID] == str(self.process.pid)] if case[0] == "container" else []
        return where.left() + [f"container {c.name}" for c in ours]


def test_success_leaves_nothing(left_case: Case, somewhere: Place) -> None:
    case = left_case
    child = Child(somewhere, case)
    child.until("started")
    assert child.left(case, somewhere) != []
    assert child.end() == ""
    assert child.process.returncode == 0
    assert gone(lambda: child.left(case, somewhere)) == []


def test_failure_leaves_nothing(left_case: Case, somewhere: Place) -> None:
    case = left_case
    child = Child(somewhere, case, settings={"innodb_page_size": "5000"}, bare=True)
    assert "SandboxError" in child.end()
    assert child.process.returncode == 1
    assert gone(lambda: child.left(case, somewhere)) == []


@pytest.mark.parametrize("after", [0.3, 2.5])
def test_an_interrupted_start_leaves_nothing(left_case: Case, after: float, somewhere: Place) -> None:
    case = left_case
    child = Child(somewhere, case, bare=after < 2)
    child.until("starting")
    time.sleep(after)
    child.process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.end("")
    assert gone(lambda: child.left(case, somewhere)) == []


@pytest.mark.parametrize("moment", ["starting", "started"])
def test_what_a_killed_run_leaves_is_removed_by_the_next(left_case: Case, moment: str, somewhere: Place) -> None:
    case = left_case
    child = Child(somewhere, case)
    child.until(moment)
    until = time.monotonic() + 60
    while not child.left(case, somewhere):
        assert time.monotonic() < until
        time.sleep(0.02)
    child.process.kill()
    child.process.wait()
    assert child.left(case, somewhere) != []
    following = Child(somewhere, case)
    url = following.until("started")
    with connected(Secret(url)):
        pass
    assert following.end() == ""
    assert gone(lambda: child.left(case, somewhere) + following.left(case, somewhere)) == []
    sweep(somewhere.temporary)


@pytest.mark.parametrize("name", servers())
def test_a_server_ends_with_the_run_that_is_killed(name: str, somewhere: Place) -> None:
    """Without waiting for the next one: only files stay."""
    child = Child(somewhere, ("local", name))
    child.until("started")
    assert somewhere.processes() != []
    child.process.kill()
    child.process.wait()
    assert gone(somewhere.processes) == []
    sweep(somewhere.temporary)
    assert somewhere.left() == []
