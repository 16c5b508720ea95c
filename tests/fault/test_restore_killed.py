"""Fault R02: a restore is killed, interrupted, or loses its server; the application around it."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from dbops import app
from dbops.config import App, Argv
from dbops.engine.postgres import side
from dbops.errors import LockedError, RefusedError, ToolError
from dbops.model import Verdict
from tests.inputs import contents
from tests.restoring import (
    TIMEOUT,
    Backed,
    back_up,
    databases,
    fill,
    run_restore,
    start,
    until,
    untouched,
)
from tests.servers import Cluster, Database


@pytest.fixture
def shop(database: Database, tmp_store: str) -> Backed:
    fill(database)
    return back_up(database, tmp_store)


# -- R02: killed, interrupted, the application ------------------------------------------------------------------------


def _side_sessions(database: Database, query: str) -> Callable[[], bool]:
    """Whether a session in the side database runs a statement like this."""
    side = f"{database.name}_restore_%"
    text = f"SELECT count(*) FROM pg_stat_activity WHERE datname LIKE '{side}' AND query ~* '{query}'"
    connection = database.cluster.connect()
    return lambda: bool(connection.execute(text).fetchone()[0])  # type: ignore[index]


POINTS: dict[str, Callable[[Database], Callable[[], bool]]] = {
    "created": lambda database: lambda: any("_restore_" in name for name in databases(database.cluster)),
    "loading": lambda database: _side_sessions(database, "^(COPY|TRUNCATE|CREATE|ALTER|SET)"),
    "analyzing or comparing": lambda database: _side_sessions(database, "^(ANALYZE|BEGIN|LOCK|SELECT|COPY .* TO)"),
}


@pytest.mark.parametrize("point", POINTS)
def test_r02_killed_before_the_swap(shop: Backed, tmp_path: Path, point: str) -> None:
    database = shop.database
    good = contents(database)
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    reached = POINTS[point](database)
    process = start(shop, tmp_path, "--yes")
    until(lambda: reached() or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
    process.kill()
    process.communicate()
    assert contents(database) == old
    again = start(shop, tmp_path, "--yes", "--json")
    output, told = again.communicate(timeout=TIMEOUT)
    assert again.returncode == 0, told
    assert "leftover-dropped" in output
    assert contents(database) == good
    assert not any("_restore_" in name for name in databases(database.cluster) if name.startswith(database.name))


def test_r02_killed_in_place(shop: Backed, tmp_path: Path) -> None:
    """psql loses its script before the COMMIT that only dbops would have sent."""
    database = shop.database
    good = contents(database)
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    busy = (
        "SELECT count(*) FROM pg_stat_activity"
        f" WHERE datname = '{database.name}' AND backend_xid IS NOT NULL AND query ~* '^(DO|CREATE|COPY|ALTER)'"
    )
    with database.cluster.connect() as watcher:
        process = start(shop, tmp_path, "--yes", "--in-place")
        until(lambda: watcher.execute(busy).fetchone() != (0,) or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        process.kill()
        process.communicate()
        until(lambda: watcher.execute(busy).fetchone() == (0,))
    assert contents(database) == old
    again = start(shop, tmp_path, "--yes", "--in-place", "--backup", shop.manifest.id)
    _, told = again.communicate(timeout=TIMEOUT)
    assert again.returncode == 0, told
    assert contents(database) == good


def test_r02_the_server_is_lost_half_way(new_cluster: Callable[..., Cluster], tmp_store: str, tmp_path: Path) -> None:
    cluster = new_cluster()
    cluster.create_database("shop")
    database = Database(cluster, "shop")
    fill(database)
    backed = back_up(database, tmp_store)
    good = contents(database)
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    reached = POINTS["loading"](database)
    process = start(backed, tmp_path, "--yes")
    until(lambda: reached() or process.poll() is not None)
    cluster.kill()
    _, told = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 4, told
    cluster.start()
    assert contents(database) == old
    report = run_restore(backed)
    assert report.verdict is Verdict.PASS
    assert contents(database) == good
    assert not any("_restore_" in name for name in databases(cluster))


def test_r02_killed_in_the_swap_itself(shop: Backed, tmp_path: Path) -> None:
    """A lock on the side database's own row holds the swap's transaction half-way.

    It is taken while the application is being stopped: what comes before that alters the side database, too.
    """
    database = shop.database
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    stopping, go = tmp_path / "stopping", tmp_path / "go"
    wait = f"touch {stopping}; while ! [ -e {go} ]; do sleep 0.05; done"
    with database.cluster.connect() as blocker:
        process = start(shop, tmp_path, "--yes", application=f'stop = ["sh", "-c", "{wait}"]\nstart = ["true"]\n')
        until(lambda: stopping.exists() or process.poll() is not None)
        side = f"SELECT datname FROM pg_database WHERE datname LIKE '{database.name}_restore_%'"
        (name,) = blocker.execute(side).fetchone() or ("",)
        blocker.autocommit = False
        blocker.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 90')
        go.touch()
        waits = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE query LIKE 'ALTER DATABASE%RENAME%' AND wait_event_type = 'Lock'"
        )
        until(lambda: process.poll() is not None or database.cluster.psql(waits).strip() != "0")
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        process.kill()
        process.communicate()
        blocker.rollback()
    # The server ends the transaction of the dead client when it next writes to it: at the latest when the lock is free.
    until(lambda: database.cluster.psql(waits).strip() == "0")
    names = databases(database.cluster)
    swapped = any("_before_" in each for each in names if each.startswith(database.name))
    assert (contents(database) == old) is not swapped
    assert database.name in names
    assert run_restore(shop).verdict is Verdict.PASS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_r02_interrupted_it_leaves_nothing_and_starts_the_application(
    shop: Backed, tmp_path: Path, number: signal.Signals
) -> None:
    """The signal comes while the application is being stopped."""
    database = shop.database
    stopped, started = tmp_path / "stopped", tmp_path / "started"
    application = f"stop = ['sh', '-c', 'touch {stopped}; sleep 60']\nstart = ['touch', '{started}']\n".replace(
        "'", '"'
    )
    with untouched(database):
        process = start(shop, tmp_path, "--yes", application=application)
        until(lambda: stopped.exists() or process.poll() is not None)
        process.send_signal(number)
        _, told = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 130, told
        assert started.exists()


@pytest.mark.parametrize("point", ["stop", "start"])
@pytest.mark.parametrize("again", ["--yes", "--undo"])
def test_r02_killed_while_the_application_is_stopped_the_next_run_starts_it(
    shop: Backed, tmp_path: Path, point: str, again: str
) -> None:
    """SIGKILL before the swap (in the stop command) and after it (in the start command); nobody starts it then."""
    database, log, slow = shop.database, tmp_path / "log", tmp_path / "slow"
    good = contents(database)
    database.psql("DELETE FROM invoices WHERE id % 2 = 0")
    old = contents(database)
    log.touch()
    slow.touch()

    def command(word: str) -> str:
        """Says that it was begun; at the point it waits, the first time, until its dbops is gone."""
        waits = f"while test -e {slow}; do sleep 0.01; done; exit 1; " if word == point else ""
        begun = f"echo {word} begun >> {log}; "
        return f"{word} = ['sh', '-c', '{begun}if test -e {slow}; then {waits}true; fi; echo {word} done >> {log}']\n"

    application = (command("stop") + command("start")).replace("'", '"')
    process = start(shop, tmp_path, "--yes", application=application)
    until(lambda: f"{point} begun" in log.read_text() or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
    process.kill()
    process.communicate()
    slow.unlink()
    assert "start done" not in log.read_text()
    assert contents(database) == (old if point == "stop" else good)
    flags = ("--undo", "--yes") if again == "--undo" else ("--yes",)
    repeated = start(shop, tmp_path, *flags, application=application)
    _, told = repeated.communicate(timeout=TIMEOUT)
    if (point, again) == ("stop", "--undo"):
        assert repeated.returncode == 5, told  # nothing was swapped, so there is nothing to undo: it says who starts it
        assert "restore again or run its start command" in told
        assert contents(database) == old
        return
    assert repeated.returncode == 0, told
    assert log.read_text().endswith("start done\n")
    assert contents(database) == (old if again == "--undo" else good)


def test_r02_the_application_is_started_when_the_swap_is_refused(shop: Backed, tmp_path: Path) -> None:
    """Its pool is still connected after `stop`."""
    started, database = tmp_path / "started", shop.database
    application = App(stop=Argv(["true"]), start=Argv(["touch", str(started)]))
    with untouched(database):
        with database.connect(application_name="leaky pool"), pytest.raises(RefusedError, match="leaky pool"):
            run_restore(shop, application=application)
        assert started.exists()


def test_r02_the_application_is_down_for_the_swap_alone_and_its_commands_are_checked(
    shop: Backed, tmp_path: Path
) -> None:
    log, database = tmp_path / "log", shop.database
    query = f"SELECT count(*) FROM pg_database WHERE datname LIKE '{database.name}_%'"

    def say(word: str) -> Argv:
        psql = f"{database.cluster.installation.tool('psql')} -XAtc \"{query}\" '{database.cluster.socket_url()}'"
        return Argv(["sh", "-c", f"echo {word} $({psql}) >> {log}"])

    application = App(stop=say("stop"), start=say("start"), health=say("health"))
    assert run_restore(shop, application=application).verdict is Verdict.PASS
    assert log.read_text().split() == ["stop", "1", "start", "1", "health", "1"]
    with pytest.raises(ToolError) as error:
        run_restore(shop, application=App(stop=Argv(["false"]), start=say("again")))
    assert error.value.kind == "app-stop"
    assert "again" in log.read_text()


def test_r02_a_second_restore_at_once_is_refused(shop: Backed) -> None:
    with app.open_engine(shop.target).restorer().lock(), untouched(shop.database):
        with pytest.raises(LockedError, match=f"another restore of {shop.database.name}"):
            run_restore(shop)


def test_r02_killed_while_the_server_makes_the_side_database(shop: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends its CREATE DATABASE, and nobody is there to mark what it made: the next restore removes it."""
    sides = re.compile(rf"{shop.database.name}_restore_")

    class KilledError(BaseException):
        """What comes after it does not happen."""

    def die(*_: object, **__: object) -> str:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(side, "whoami", die)
        patched.setattr(side.PostgresSide, "drop", die)
        with pytest.raises(KilledError):
            run_restore(shop)
    (left,) = filter(sides.match, databases(shop.database.cluster))
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        Database(shop.database.cluster, left).connect()
    report = run_restore(shop)
    assert ("leftover-dropped", left) in {(finding.id, finding.subject) for finding in report.findings}
    assert not list(filter(sides.match, databases(shop.database.cluster)))


def test_r02_only_marked_databases_are_leftovers(shop: Backed) -> None:
    """Somebody's own database may bear such a name."""
    name = f"{shop.database.name}_restore_20200101T000000Z"
    shop.database.cluster.create_database(name)
    assert run_restore(shop).verdict is Verdict.PASS
    assert name in databases(shop.database.cluster)
    shop.database.cluster.drop_database(name)
