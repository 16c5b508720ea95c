"""B01 to B04, B08 for MySQL and MariaDB: a dump that fails, is cut or leaves things out is never a listed backup."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops.catalog import Catalog
from dbops.errors import BadBackupError, DatabaseError, DbopsError, PreflightError, StoreFullError, ToolError
from dbops.model import Manifest
from dbops.store.local import LocalStore
from tests.fault import mysql, support
from tests.fault.support import At
from tests.mysql_servers import MysqlServer, installation, servers

jobs_and_levels = pytest.mark.parametrize(
    ("jobs", "level"), [(1, "counts"), (1, "archive"), (2, "counts"), (2, "content")]
)


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        mysql.fill(running, "bank", 60_000)  # more than all the buffers on the way hold
        running.create_database("little")
        running.execute("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)", database="little")
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def older(server: MysqlServer, store: Path) -> Manifest:
    return support.run(mysql.target(server, "little", inventory="counts"), store)


def dumping(server: MysqlServer) -> list[int]:
    """Sessions that read the accounts for a dump."""
    rows = server.execute("SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT /*!40001%account%'")
    return [row[0] for row in rows]


# --- B01: what fails --------------------------------------------------------------------------------------------------


@jobs_and_levels
def test_the_session_of_the_dump_is_ended(
    server: MysqlServer, store: Path, older: Manifest, jobs: int, level: str
) -> None:
    def end() -> None:
        for number in support.until(lambda: dumping(server), "it reads"):
            server.execute(f"KILL {number}")

    progress = At("advance", end)
    with pytest.raises((ToolError, DatabaseError)) as caught:
        support.run(mysql.target(server, "bank", jobs=jobs, inventory=level, compression="none"), store, progress)
    assert caught.value.exit_code == 4
    support.only(store, older)
    mysql.no_sessions(server)
    assert not mysql.dump_programs()


@jobs_and_levels
def test_the_dump_program_is_killed(server: MysqlServer, store: Path, older: Manifest, jobs: int, level: str) -> None:
    def kill() -> None:
        for pid in mysql.dump_programs():
            os.kill(pid, signal.SIGKILL)

    progress = At("advance", kill)
    with pytest.raises(ToolError, match="SIGKILL") as caught:
        support.run(mysql.target(server, "bank", jobs=jobs, inventory=level, compression="none"), store, progress)
    assert caught.value.exit_code == 4
    support.only(store, older)
    mysql.no_sessions(server)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('"$REAL" "$@"; exit 3', "status 3"),  # everything was printed
        ('"$REAL" "$@" | head -c 2000', "last line"),  # the pipe's status is that of head
        ('"$REAL" "$@" | sed "/^-- Dump completed/d"', "last line"),  # cut between two statements
        ("exit 0", "last line"),  # nothing was printed
        ('echo "mysqldump: Got error: 1045: Access denied" >&2; exit 2', "Access denied"),
    ],
)
def test_a_dump_that_is_none(
    server: MysqlServer, tmp_path: Path, store: Path, older: Manifest, jobs: int, script: str, said: str
) -> None:
    bindir = mysql.wrapped(server, tmp_path / "bin", script)
    with pytest.raises((ToolError, DatabaseError), match=said) as caught:
        support.run(support.target(server.url("bank"), bindir=bindir, jobs=jobs, inventory="counts"), store)
    assert caught.value.exit_code == 4
    support.only(store, older)


@pytest.mark.parametrize("level", ["content", "archive"])
def test_rows_that_the_program_leaves_out(
    server: MysqlServer, tmp_path: Path, store: Path, older: Manifest, level: str
) -> None:
    """Its status is 0 and its last line is there: only the count tells."""
    bindir = mysql.wrapped(server, tmp_path / "bin", '"$REAL" "$@" | sed "/^INSERT INTO .entry/,/;$/d"')
    with pytest.raises(BadBackupError, match=r"entry: 2 rows in the source") as e:
        support.run(support.target(server.url("bank"), bindir=bindir, jobs=1, inventory=level), store)
    assert e.value.kind == "archive-differs"
    support.only(store, older)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_table_that_the_server_cannot_open_is_named(server: MysqlServer, tmp_path: Path, jobs: int) -> None:
    """And nobody is sent to look for a schema change."""
    server.create_database("torn")
    server.execute("CREATE TABLE part (a INT) ENGINE=MyISAM", "CREATE TABLE fine (a INT)", database="torn")
    server.execute("CREATE TABLE united (a INT) ENGINE=MRG_MyISAM UNION=(part)", database="torn")
    server.execute("ALTER TABLE part ADD b INT", database="torn")
    with pytest.raises((ToolError, DatabaseError), match=r"(?s)united.*1168") as caught:
        support.run(mysql.target(server, "torn", jobs=jobs), tmp_path)
    assert (caught.value.exit_code, caught.value.kind) == (4, "table-broken")
    assert "repair it" in caught.value.hint
    server.drop_database("torn")


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_server_dies(server: MysqlServer, store: Path, older: Manifest, jobs: int) -> None:
    progress = At("advance", server.kill)
    try:
        with pytest.raises(DbopsError) as caught:
            support.run(mysql.target(server, "bank", jobs=jobs, compression="none"), store, progress)
    finally:
        server.start()
    assert caught.value.exit_code == 4
    support.only(store, older)


# --- B02: dbops itself ends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ended_midway(server: MysqlServer, tmp_path: Path, store: Path, jobs: str, number: signal.Signals) -> None:
    (tmp_path / "dbops.toml").write_text(
        f'[targets.shop]\nurl = "{server.url("bank")}"\njobs = {jobs}\n'
        f'bindir = "{mysql.slow(server, tmp_path / "bin")}"\n'
    )
    (tmp_path / "dbops.toml").chmod(0o600)
    environment = {"DBOPS_CONFIG": str(tmp_path / "dbops.toml"), "DBOPS_STORE": store.as_uri()}
    with support.process("backup", "--json", env=environment) as dbops:
        support.until(lambda: (tmp_path / "bin" / "begun").exists() or dbops.poll() is not None, "it dumps")
        dbops.send_signal(number)
        _, err = dbops.communicate(timeout=60)
    assert dbops.returncode == (-9 if number is signal.SIGKILL else 130), err
    support.until(lambda: not dumping(server), "nobody dumps any more")
    mysql.no_sessions(server)
    assert not list(Catalog(LocalStore(store)).backups())
    if number is signal.SIGTERM:
        support.only(store)
    made = support.run(mysql.target(server, "bank", inventory="counts"), store)
    assert [m.id for m in Catalog(LocalStore(store)).backups()] == [made.id]


# --- B03, B04: no room ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_disk_fills_up_midway(server: MysqlServer, small_tmpfs: Callable[[str], Path], jobs: int) -> None:
    folder = small_tmpfs("64m")
    older = support.run(mysql.target(server, "little", inventory="counts"), folder)
    subprocess.run(["mount", "-o", "remount,size=1m", str(folder)], check=True)
    progress = At("phase dump", lambda: None)
    with pytest.raises(StoreFullError) as caught:
        support.run(mysql.target(server, "bank", jobs=jobs, compression="none"), folder, progress)
    assert progress.done
    assert caught.value.exit_code == 4
    support.only(folder, older)
    mysql.no_sessions(server)
    assert not mysql.dump_programs()


def test_too_little_space_from_the_start(server: MysqlServer, small_tmpfs: Callable[[str], Path]) -> None:
    folder = small_tmpfs("1m")
    progress = At("phase dump", lambda: None)
    server.execute("ANALYZE TABLE account", database="bank")
    with pytest.raises(StoreFullError, match="free; the backup needs about") as caught:
        support.run(mysql.target(server, "bank"), folder, progress)
    assert not progress.done
    assert caught.value.kind == "no-space"
    assert list(folder.iterdir()) == []


# --- B08: what the program leaves out ---------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_everything_beside_tables_is_there(server: MysqlServer, store: Path, jobs: int) -> None:
    made = support.run(mysql.target(server, "bank", jobs=jobs), store)
    text = b"".join(mysql.unpacked(store, made))
    for pattern in (b"TRIGGER `?guard", b"PROCEDURE `nothing`", b"FUNCTION `one`", b"EVENT `later`", b"VIEW `total`"):
        assert re.search(pattern, text), pattern
    kinds = made.inventory.objects
    names = {str(o.name) for found in kinds.values() for o in found}
    for name in ("guard", "nothing", "one", "later", "total"):
        assert any(name in known for known in names), names


@pytest.mark.parametrize(
    ("lost", "option"),
    [("routines", "--routines"), ("events", "--events"), ("triggers", "--triggers")],
)
@pytest.mark.parametrize("level", ["counts", "content"])
def test_a_program_that_leaves_them_out(
    server: MysqlServer, tmp_path: Path, store: Path, lost: str, option: str, level: str
) -> None:
    """As `--routines` does for a user who may not see them: status 0, 'Dump completed', none in it."""
    skip = option.replace("--", "--skip-")
    script = f'for a; do shift; [ "$a" = {option} ] && a={skip}; set -- "$@" "$a"; done; exec "$REAL" "$@"'
    bindir = mysql.wrapped(server, tmp_path / "bin", script)
    with pytest.raises(BadBackupError, match=rf"\d {lost} in the source, 0 in the dump") as caught:
        support.run(support.target(server.url("bank"), bindir=bindir, jobs=1, inventory=level), store)
    assert caught.value.kind == "dump-incomplete"
    support.only(store)


@pytest.mark.parametrize("level", ["counts", "content"])
def test_a_program_that_takes_less_than_its_share(server: MysqlServer, tmp_path: Path, store: Path, level: str) -> None:
    """As where it takes one name for another; and nobody counts the rows in its text."""
    script = 'login=$1; shift; case "$*" in *--no-create-info*) set -- --ignore-table=bank.entry "$@";; esac'
    bindir = mysql.wrapped(server, tmp_path / "bin", f'{script}; exec "$REAL" "$login" "$@"')
    with pytest.raises(BadBackupError, match=r"the rows of 1 tables, and dumped those of 0") as caught:
        support.run(support.target(server.url("bank"), bindir=bindir, jobs=2, inventory=level), store)
    assert caught.value.kind == "dump-incomplete"
    support.only(store)


def test_a_program_that_takes_more_than_its_share(server: MysqlServer, tmp_path: Path, store: Path) -> None:
    """A table that comes after the look at their names, and goes before the second one: in the shares, and in no
    table's definition."""
    server.execute("CREATE TABLE passing (id INT)", database="little")
    script = 'for a; do shift; [ "$a" = --ignore-table=little.passing ] || set -- "$@" "$a"; done; exec "$REAL" "$@"'
    bindir = mysql.wrapped(server, tmp_path / "bin", script)
    try:
        with pytest.raises(BadBackupError, match=r"the rows of 1 tables, and dumped those of 2"):
            support.run(support.target(server.url("little"), bindir=bindir, jobs=2, inventory="counts"), store)
    finally:
        server.execute("DROP TABLE passing", database="little")
    support.only(store)


@pytest.mark.parametrize(
    ("rights", "kind"),
    [
        ("SELECT, SHOW VIEW, TRIGGER ON bank.*", "cannot-read-database"),
        ("SELECT, SHOW VIEW, EVENT ON bank.*", "cannot-read-database"),
        ("SELECT, TRIGGER, EVENT ON bank.*", "cannot-read-database"),
        ("SELECT ON bank.account", "cannot-read-database"),
        ("SELECT, SHOW VIEW, TRIGGER, EVENT ON bank.*", "cannot-see-routines"),
        ("SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON bank.*", "cannot-read-routine"),
    ],
)
def test_a_user_who_does_not_see_all_is_refused(server: MysqlServer, store: Path, rights: str, kind: str) -> None:
    with mysql.user(server, rights) as login, pytest.raises(PreflightError) as caught:
        support.run(mysql.target(server, "bank", **login), store)
    assert caught.value.kind == kind
    assert "GRANT" in caught.value.hint
    assert not store.exists() or not list(store.iterdir())


def test_an_event_that_the_program_would_never_get_past(server: MysqlServer, store: Path) -> None:
    body = "CREATE EVENT two ON SCHEDULE EVERY 1 DAY DO BEGIN INSERT INTO t VALUES (';;'); END"
    server.execute(body, database="little")
    try:
        if server.version.startswith("11.8"):
            support.run(mysql.target(server, "little"), store)
            return
        with pytest.raises(PreflightError) as caught:
            support.run(mysql.target(server, "little"), store)
        assert caught.value.kind == "endless-event"
        assert "two" in caught.value.message
    finally:
        server.execute("DROP EVENT two", database="little")


# --- B12: what no snapshot holds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "level"), [(1, "archive"), (2, "content")])
def test_a_table_without_transactions_that_is_written_meanwhile(
    server: MysqlServer, store: Path, jobs: int, level: str
) -> None:
    """The dump reads it after the inventory has: the backup says that it is outside, and is one."""
    server.execute("CREATE TABLE hits (n INT) ENGINE=MyISAM", "INSERT INTO hits VALUES (1)", database="bank")
    stop = threading.Event()

    def write() -> None:
        with contextlib.closing(server.connect("bank")) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("INSERT INTO hits VALUES (1)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = support.run(mysql.target(server, "bank", jobs=jobs, inventory=level), store)
    finally:
        stop.set()
        writer.join()
        server.execute("DROP TABLE hits", database="bank")
    outside = [finding for finding in made.findings if finding.id == "outside-snapshot"]
    assert [(finding.subject, finding.severity.value) for finding in outside] == [("hits", "warning")]
    assert {table.name for table in made.inventory.tables} >= {"hits", "account"}
