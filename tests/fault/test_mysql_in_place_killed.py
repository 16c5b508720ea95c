"""Fault R02, in place: killed before any of its statements, whether it replaces or puts back, a restore leaves the old
or the new content, whole, or a mark; and with the mark, whatever is run next ends in one of the two."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.engine.mysql import mark
from dbops.errors import DbopsError, PreflightError, RefusedError
from dbops.model import Manifest, Report, Verdict
from dbops.ops.backup import backup
from dbops.progress import Silent
from tests.mysql_mortal import Killed, Mortal
from tests.mysql_restoring import TIMEOUT, back_up, beside, contents, errors, rewritten, run_restore, start, until
from tests.mysql_servers import MysqlServer, installation, servers

SETTINGS = {"event-scheduler": "OFF"}
TABLE = "CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20))"
TRIGGER = "CREATE TRIGGER one AFTER INSERT ON a FOR EACH ROW SET @seen = NEW.id"
EVENT = "CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DO SELECT 1"
OLD = (
    TABLE,
    TRIGGER,
    "CREATE TABLE only_old (id INT PRIMARY KEY)",
    "CREATE VIEW v AS SELECT id FROM a",
    "CREATE PROCEDURE p() SELECT 'old'",
    EVENT,
    "INSERT INTO a (what) VALUES ('old'), ('older')",
)
NEW = (
    TABLE,
    "CREATE TABLE only_new (id INT PRIMARY KEY)",
    "CREATE VIEW v AS SELECT id, what FROM a",
    "CREATE PROCEDURE p() SELECT 'new'",
    EVENT,
    "INSERT INTO a (what) VALUES ('new')",
)


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param), settings=SETTINGS) as running:
        yield running


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Mortal:
    return Mortal(monkeypatch)


def _fewer_rows(text: bytes) -> bytes:
    """What loads, and is not equal: found only when it is compared, and then put back."""
    begin = text.index(b"INSERT INTO `a`")
    return text[:begin] + text[text.index(b";\n", begin) + 2 :]


class Place:
    """A database that holds the old content; backups of it, of the new content, and of the new one that is spoilt."""

    def __init__(self, server: MysqlServer, store: Path) -> None:
        self.server = server
        self._fill(NEW)
        self.new = contents(server, "shop")
        self.bad = rewritten(back_up(server, "shop", store, jobs=1), _fewer_rows)
        self.backed = back_up(server, "shop", store, jobs=1)
        self.become_old()
        self.old = contents(server, "shop")
        self.safety = back_up(server, "shop", store, jobs=1).manifest
        self.safeties = 0

    def _fill(self, statements: tuple[str, ...]) -> None:
        self.server.drop_database("shop")
        self.server.create_database("shop")
        self.server.execute(*statements, database="shop")

    def become_old(self) -> None:
        self._fill(OLD)

    def _safety(self) -> Manifest:
        self.safeties += 1
        return self.safety

    def back_up(self) -> None:
        target = self.backed.target
        backup(app.open_engine(target), self.backed.catalog, target, clock=app.now, progress=Silent())

    def restore(self, manifest: Manifest | None = None) -> Report:
        return run_restore(self.backed, manifest=manifest, in_place=True, safety=self._safety)

    def half(self) -> bool:
        """Whether the content is marked as half of something; else it is one of the two, whole."""
        if (mark.TABLE,) in self.server.execute("SHOW TABLES", database="shop"):
            return True
        assert contents(self.server, "shop") in (self.old, self.new)
        return False


@pytest.fixture
def place(server: MysqlServer, tmp_path: Path) -> Iterator[Place]:
    yield Place(server, tmp_path)
    for name in {"shop", *beside(server, "shop")}:
        server.drop_database(name)


def test_r02_killed_before_any_statement_and_put_back_or_done_next(place: Place, mortal: Mortal) -> None:
    """What it restores is found to be bad, so that it replaces, and puts back. The next run does the same, or more.

    Each server is tried at every third statement: all of them together at each."""
    killed, marked = 0, 0
    for number in range(servers().index(place.server.installation.name), 1000, len(servers())):
        mortal.left = number
        with contextlib.suppress(Killed, DbopsError):
            place.restore(place.bad)
        if not mortal.revive():
            break
        killed, before = killed + 1, place.safeties
        half = place.half()
        if half:
            marked += 1
            with pytest.raises(PreflightError, match="killed half-way"):
                place.back_up()
        if number % 2:
            assert place.restore(place.bad).verdict is Verdict.FAIL, number
            assert contents(place.server, "shop") == place.old, number
        else:
            assert errors(place.restore()) == [], number
            assert contents(place.server, "shop") == place.new, number
            place.become_old()
        # What may be half of something is nothing to go back to.
        assert place.safeties - before == (0 if half else 1), number
    assert contents(place.server, "shop") == place.old
    assert killed > 10
    assert marked > killed / 2


def test_r02_killed_at_the_end_of_a_replacement(place: Place, mortal: Mortal) -> None:
    mortal.left = 1000
    place.restore()
    statements = 1000 - mortal.left
    ends = []
    for number in range(statements - 4, statements):
        place.become_old()
        mortal.left = number
        with contextlib.suppress(Killed, DbopsError):
            place.restore()
        assert mortal.revive()
        ends.append(place.half())
        if ends[-1]:
            assert place.restore().verdict is Verdict.PASS
        assert contents(place.server, "shop") == place.new
    assert ends == [True] * 4


def test_r02_the_safety_backup_of_one_that_was_killed_is_gone(place: Place, mortal: Mortal) -> None:
    mortal.left = 12
    with contextlib.suppress(Killed, DbopsError):
        place.restore()
    assert mortal.revive()
    assert place.half()
    place.backed.catalog.withdraw("shop", place.safety.id)
    with pytest.raises(RefusedError, match=f"safety backup {place.safety.id} cannot be read"):
        place.restore()
    # A restore beside it needs none: what is half goes aside, mark and all, and comes back with it.
    report = run_restore(place.backed)
    assert "half-restored" in {finding.id for finding in report.findings}
    assert contents(place.server, "shop") == place.new
    place.back_up()
    [aside] = place.backed.restorer.asides()
    with place.backed.restorer.lock():
        place.backed.restorer.undo(aside, "20350101T000000Z", end_sessions=False)
    assert place.half()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_r02_the_process_is_killed_with_the_application_stopped(
    place: Place, tmp_path: Path, number: signal.Signals
) -> None:
    """It is started by the run that is killed, if that still can, and else by the next."""
    server, running = place.server, tmp_path / "the application runs"
    running.touch()
    application = f'stop = ["rm", "-f", "{running}"]\nstart = ["touch", "{running}"]'
    # Somebody reads a table of the old content: it cannot be dropped yet.
    with contextlib.closing(server.connect()) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM shop.only_old")
        waits = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'DROP TABLE %only_old%'"
        flags = ("--yes", "--in-place", "--backup", place.backed.manifest.id)
        process = start(place.backed, tmp_path, *flags, application=application)
        until(lambda: server.execute(waits) != [(0,)] or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        assert not running.exists()
        process.send_signal(number)
    process.communicate(timeout=TIMEOUT)
    until(lambda: server.execute(waits) == [(0,)])
    if number is signal.SIGTERM:
        assert process.returncode == 130
        assert not place.half()
        assert contents(server, "shop") == place.old
    else:
        assert place.half()
        assert not running.exists()
        again = start(place.backed, tmp_path, *flags, "--json", application=application)
        output, told = again.communicate(timeout=TIMEOUT)
        assert again.returncode == 0, output + told
        assert "half-restored" in output
        assert contents(server, "shop") == place.new
    assert running.exists()
