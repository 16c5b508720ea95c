"""Dumps of MySQL and MariaDB by other tools that went bad in silence (S03, R03, R08-R10): each is found."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops.model import Failure, Report, Severity, Verdict
from tests.foreign_dumps import PACK, errors, only
from tests.mysql_foreign_dumps import EVERYTHING, drill, dump, fill, mydumper
from tests.mysql_servers import MysqlServer, installation, servers


@pytest.fixture(scope="module", params=servers())
def source(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as server:
        fill(server)
        yield server


@pytest.fixture(scope="module")
def sandbox(source: MysqlServer) -> Iterator[MysqlServer]:
    with MysqlServer(source.installation) as server:
        yield server


@pytest.fixture(scope="module")
def plain(source: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return dump(source, tmp_path_factory.mktemp("plain") / "dump", *EVERYTHING, "shop").read_bytes()


@pytest.fixture
def of(tmp_path: Path, sandbox: MysqlServer) -> Callable[[bytes], Report]:
    """The drill of these bytes."""

    def work(data: bytes) -> Report:
        path = tmp_path / "dump.sql"
        path.write_bytes(data)
        return drill(path, sandbox)

    return work


def is_bad(report: Report, kind: str) -> str:
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP), (
        report.findings,
        report.not_evaluated,
    )
    assert errors(report) == [kind], report.findings
    return only(report, kind).actual


def lacks(report: Report, kind: str) -> str:
    assert (report.verdict, report.failure) == (Verdict.INCONCLUSIVE, Failure.ENVIRONMENT), report.findings
    reasons = {item.id: item.reason for item in report.not_evaluated}
    assert kind in reasons, reasons
    return reasons[kind]


# --- cut and changed ------------------------------------------------------------------------------------------------


def cuts(data: bytes) -> dict[str, int]:
    """Where a dump may be cut, so that what is left looks well or loads."""
    rows = data.index(b"INSERT INTO `invoices`")
    return {
        "between two statements": data.index(b";\n", rows) + 2,
        "before the trailer": data.rindex(b"-- Dump completed"),
        "in the midst of rows": rows + 5000,
        "in the midst of a routine": data.index(b"RETURN n * 2"),
        "in the head": 700,
        "in the trailer": data.rindex(b"Dump completed") + 4,
    }


@pytest.mark.parametrize("where", cuts(b"INSERT INTO `invoices`;\nRETURN n * 2 -- Dump completed"))
def test_s03_a_script_that_was_cut_and_then_packed(
    where: str, plain: bytes, source: MysqlServer, of: Callable[[bytes], Report]
) -> None:
    cut = plain[: cuts(plain)[where]]
    report = of(PACK["gzip"](cut))
    said = is_bad(report, "archive-truncated")
    assert "dump.sql" in said
    assert "start" not in report.phases
    if where in ("between two statements", "before the trailer"):  # the client loads it, status 0
        source.create_database("half")
        source.script(cut, "half")
        source.drop_database("half")


def test_a_dump_without_comments_that_was_cut_lacks_the_settings_of_its_end(
    source: MysqlServer, of: Callable[[bytes], Report], tmp_path: Path
) -> None:
    data = dump(source, tmp_path / "x", *EVERYTHING, "--skip-comments", "shop").read_bytes()
    end = data.index(b";\n", data.index(b"INSERT INTO `invoices`")) + 2
    assert "put back the settings" in is_bad(of(data[:end]), "archive-truncated")
    assert of(data).verdict is Verdict.PASS


def test_a_second_dump_behind_a_whole_one_that_was_cut(plain: bytes, of: Callable[[bytes], Report]) -> None:
    assert is_bad(of(plain + plain[: plain.index(b"CREATE TABLE")]), "archive-truncated")


@pytest.mark.parametrize("packing", ["gzip", "zstd", "xz"])
def test_a_packed_dump_that_was_cut_or_changed(packing: str, plain: bytes, of: Callable[[bytes], Report]) -> None:
    data = PACK[packing](plain)
    assert is_bad(of(data[: len(data) // 2]), "archive-truncated")
    if packing == "zstd":  # as the library packs it, without the checksum that the program adds: values may just change
        return
    changed = bytearray(data)
    changed[len(data) // 2] ^= 0x55
    report = of(bytes(changed))
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP), report.not_evaluated
    assert "start" not in report.phases


def test_an_invalid_view_at_the_source_ends_the_dump(source: MysqlServer, sandbox: MysqlServer, tmp_path: Path) -> None:
    """mysqldump says so, with status 2: `mysqldump | gzip > file` does not."""
    source.create_database("broken")
    source.execute(
        "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT a FROM t", database="broken"
    )
    source.execute("ALTER TABLE t RENAME COLUMN a TO b", database="broken")
    path = tmp_path / "dump.gz"
    login = [f"--user={source.SUPERUSER}", f"--password={source.password}", f"--socket={source.socket}"]
    argv = [source.installation.tool("mysqldump"), "--no-defaults", *login, "broken"]
    done = subprocess.run(argv, capture_output=True)
    source.drop_database("broken")
    assert done.returncode == 2
    path.write_bytes(PACK["gzip"](done.stdout))
    assert is_bad(drill(path, sandbox), "archive-truncated")


# --- no dumps, and dumps of something else --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "word"),
    [
        (b"", "archive-empty", "0 bytes"),
        (PACK["gzip"](b""), "archive-empty", "gzip"),
        (b"<!DOCTYPE html><html><body>504 Gateway Timeout</body></html>", "not-a-dump", "HTML"),
        (b"mysqldump: Got error: 2002: Can't connect to local server\n", "not-a-dump", "lacks the header"),
    ],
    ids=["empty", "packed-empty", "html", "error"],  # gzip writes the time: each process would collect another name
)
def test_what_is_no_dump_is_called_so(data: bytes, kind: str, word: str, of: Callable[[bytes], Report]) -> None:
    assert word in is_bad(of(data), kind)


def test_a_dump_of_the_other_product(plain: bytes, source: MysqlServer, of: Callable[[bytes], Report]) -> None:
    """What only the other product knows is not the dump's fault, and it is said where to drill it."""
    if source.installation.name == "mariadb11.8":
        pytest.skip("it knows MySQL's collations")
    version, collation, word = (
        (b"9.7.4", b"utf8mb4_0900_ai_ci", "MySQL")
        if source.kind == "mariadb"
        else (b"11.8.9-MariaDB", b"utf8mb4_uca1400_ai_ci", "MariaDB")
    )
    line = plain.index(b"-- Server version")
    data = plain[:line] + b"-- Server version\t" + version + plain[plain.index(b"\n", line) :]
    at = data.index(b"CREATE TABLE `customers`")
    data = data[:at] + b"CREATE TABLE x (a TEXT) COLLATE=" + collation + b";\n" + data[at:]
    said = lacks(of(data), "load-on-other-version")
    assert "Unknown collation" in said
    assert f"drill it on {'a MariaDB' if word == 'MariaDB' else 'MySQL'}" in said


# --- what a dump may not do (R09) -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [rb"\! touch {}", b"system touch {}", b"source {}", rb"\. {}", b"tee {}", b"DELIMITER \\!", b"pager touch {}"],
)
def test_r09_a_command_of_the_client_is_refused_before_anything_runs(
    line: bytes, plain: bytes, of: Callable[[bytes], Report], tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    at = plain.index(b"-- Table structure for table `customers`")
    report = of(plain[:at] + line.replace(b"{}", bytes(proof)) + b"\n" + plain[at:])
    assert f"line {plain.count(b'%c' % 10, 0, at) + 1} " in is_bad(report, "client-command")
    assert "start" not in report.phases
    assert not proof.exists()


@pytest.mark.parametrize(
    "statement",
    [
        b"SELECT 'x' INTO OUTFILE '/tmp/dbops-proof'",
        b"LOAD DATA INFILE '/etc/passwd' INTO TABLE customers",
        b"UPDATE customers SET name = 'x'",
        b"CALL touch(1)",
        b"SHUTDOWN",
        b"INSERT INTO elsewhere.t VALUES (1)",
    ],
)
def test_what_no_dump_program_writes_is_refused(statement: bytes, plain: bytes, of: Callable[[bytes], Report]) -> None:
    at = plain.index(b"-- Table structure for table `invoices`")
    report = of(plain[:at] + statement + b";\n" + plain[at:])
    assert report.verdict is not Verdict.PASS
    known = {"foreign-statement", "format-unsupported"}
    assert known & {*errors(report), *(item.id for item in report.not_evaluated)}
    assert not Path("/tmp/dbops-proof").exists()


def test_r08_events_of_a_dump_never_run(
    plain: bytes, source: MysqlServer, of: Callable[[bytes], Report], sandbox: MysqlServer
) -> None:
    """Not even on a server whose scheduler runs, while the copy is looked at."""
    sandbox.execute("CREATE DATABASE IF NOT EXISTS watch", "CREATE TABLE IF NOT EXISTS watch.fired (at TIMESTAMP)")
    end = plain.rindex(b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE")
    event = (
        b"CREATE EVENT eager ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE ENABLE"
        b" DO INSERT INTO watch.fired VALUES (NOW());\n"
    )
    sandbox.execute("SET GLOBAL event_scheduler = ON")
    try:
        report = of(plain[:end] + event + plain[end:])
        time.sleep(1.2)
        fired = sandbox.execute("SELECT COUNT(*) FROM watch.fired")
    finally:
        sandbox.execute("SET GLOBAL event_scheduler = OFF", "DROP DATABASE watch")
    assert report.verdict is Verdict.PASS, report.findings
    assert fired == [(0,)]


# --- errors of the load (R03) ---------------------------------------------------------------------------------------


def test_r03_an_error_in_the_midst_names_its_line_and_no_data(
    plain: bytes, source: MysqlServer, of: Callable[[bytes], Report]
) -> None:
    at = plain.index(b"-- Table structure for table `log`")
    secret = b"INSERT INTO `customers` VALUES (1,'hunter2 and other data','ok',NULL);\n"
    data = plain[:at] + secret + plain[at:]
    source.create_database("forced")
    source.script(data, "forced", "--force")  # the old way: errors, and status 0
    source.drop_database("forced")
    report = of(data)
    said = is_bad(report, "restore-failed")
    assert f"line {plain.count(b'%c' % 10, 0, at) + 1} of dump.sql" in said
    assert "rows of customers: duplicate entry" in said
    assert "hunter2" not in str(report)


def test_a_definition_that_fails_is_named(plain: bytes, of: Callable[[bytes], Report]) -> None:
    at = plain.index(b"-- Table structure for table `log`")
    report = of(plain[:at] + b"CREATE TABLE `hunted` (a INT DEFAULT 'hunter2');\n" + plain[at:])
    said = is_bad(report, "restore-failed")
    assert "create table hunted" in said
    assert "hunter2" not in str(report)


def test_a_view_of_a_table_that_the_dump_lacks(source: MysqlServer, sandbox: MysqlServer, tmp_path: Path) -> None:
    report = drill(dump(source, tmp_path / "x", "other"), sandbox)
    assert "create view both_of_them" in is_bad(report, "restore-failed")
    assert "needs the database shop" in only(report, "restore-failed").hint


def test_a_lock_that_stops_the_client(tmp_path: Path) -> None:
    """MariaDB locks the table and not the sequence that its default draws from."""
    with MysqlServer(installation("mariadb10.11")) as server, MysqlServer(server.installation) as sandbox:
        fill(server, lock=True)
        path = dump(server, tmp_path / "x", *EVERYTHING, "shop")
        server.create_database("again")
        with pytest.raises(RuntimeError, match="1100"):
            server.script(path.read_bytes(), "again")
        report = drill(path, sandbox)
        assert is_bad(report, "lock-in-the-way")
        assert only(report, "lock-in-the-way").subject == "ticket"
        assert report.evidence is not None
        assert next(t.copy_rows for t in report.evidence.tables if t.name == "ticket") == 2
        assert drill(dump(server, tmp_path / "y", "--skip-add-locks", "shop"), sandbox).verdict is Verdict.PASS


# --- definers (R10) -------------------------------------------------------------------------------------------------


def test_r10_a_definer_that_is_not_there_is_made_for_the_drill_and_reported(
    plain: bytes, of: Callable[[bytes], Report]
) -> None:
    report = of(plain)
    assert report.verdict is Verdict.PASS, report.findings
    finding = only(report, "roles-not-in-dump")
    assert (finding.severity, finding.subject) == (Severity.WARNING, "gone@%")
    assert "roles" in {item.id for item in report.not_evaluated}


def test_r10_no_account_is_made_that_would_be_taken_for_us(plain: bytes, of: Callable[[bytes], Report]) -> None:
    """The server would take our own next session for root@127.0.0.1, or for the anonymous user."""
    for name in (b"`root`@`127.0.0.1`", b"``@`%`"):
        data = plain.replace(b"DEFINER=`gone`@`%`", b"DEFINER=" + name)
        assert data != plain
        report = of(data)
        assert report.verdict is Verdict.PASS, report.findings
        assert only(report, "definer-replaced").severity is Severity.WARNING


def test_mydumper_of_debian_writes_routines_of_mysql_that_do_not_load(tmp_path: Path) -> None:
    with MysqlServer(installation("mysql9.7")) as server, MysqlServer(server.installation) as sandbox:
        server.create_database("shop")
        server.execute("CREATE TABLE t (a INT)", "CREATE FUNCTION one() RETURNS INT NO SQL RETURN 1", database="shop")
        folder = mydumper(server, tmp_path / "f", "--database", "shop")
        report = drill(folder, sandbox)
        if report.verdict is Verdict.PASS:  # a newer one than Debian's 0.10
            return
        assert "of shop-schema-post.sql: set" in is_bad(report, "restore-failed")
        assert "mydumper 0.10" in only(report, "restore-failed").hint
