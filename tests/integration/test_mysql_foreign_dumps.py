"""Dumps by mysqldump and mariadb-dump, of every shape and packing, are loaded and tried out as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dbops.config import Invariant, Policy, Seconds
from dbops.config.urls import Secret
from dbops.engine.mysql.engine import MysqlEngine
from dbops.evidence import Match
from dbops.inventory.take import take
from dbops.model import Failure, Report, Severity, Verdict
from dbops.ops.foreign_trend import Past
from dbops.progress import Silent
from tests.foreign_dumps import PACK, only
from tests.mysql_foreign_dumps import EVERYTHING, drill, drill_with_needs, dump, fill
from tests.mysql_servers import MysqlServer, installation, servers

Truth = dict[str, tuple[int, str]]
ROOT = Path(__file__).parents[2]
DBOPS = [sys.executable, "-c", "import sys; sys.argv[0] = 'dbops'; from dbops.cli import main; main()"]
PROGRAM = {"mysql": "mysqldump", "mariadb": "mariadb-dump"}


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
def made(source: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Each dump is made once."""
    folder = tmp_path_factory.mktemp("dumps")
    cache: dict[tuple[str, ...], Path] = {}

    def make(*arguments: str) -> Path:
        if arguments not in cache:
            cache[arguments] = dump(source, folder / f"dump{len(cache)}.sql", *EVERYTHING, *arguments)
        return cache[arguments]

    return make


def truth_of(server: MysqlServer, database: str) -> Truth:
    with MysqlEngine(server.url(database), password=server.password).snapshot() as snapshot:
        inventory = take(snapshot, "content", 2, Silent())
    return {table.name: (table.rows, table.digest) for table in inventory.tables}


@pytest.fixture(scope="module")
def truth(source: MysqlServer) -> Truth:
    """Rows and digest of every table of `shop` at the source."""
    return truth_of(source, "shop")


def is_whole(report: Report, truth: Truth) -> None:
    """PASS, and the copy holds what the source does; that it may not be called equal is said."""
    assert report.verdict is Verdict.PASS, (report.findings, report.not_evaluated)
    assert report.evidence is not None
    found = {t.name: (t.copy_rows, t.copy_digest) for t in report.evidence.tables if t.schema in ("", "shop.")}
    assert found == truth
    assert {t.match for t in report.evidence.tables} == {Match.UNKNOWN}
    assert "content-equality" in {item.id for item in report.not_evaluated}
    assert {probe.id for probe in report.evidence.probes} >= {"insert", "foreign-keys", "views", "routines"}
    counts = {item.kind: item.copy for item in report.evidence.objects}
    assert counts["trigger"] == 2
    assert counts["event"] == 2


@pytest.mark.parametrize("packing", PACK)
def test_every_packing(
    packing: str,
    made: Callable[..., Path],
    source: MysqlServer,
    sandbox: MysqlServer,
    truth: Truth,
    tmp_path: Path,
) -> None:
    if source.installation.name != "mariadb10.11" and packing not in ("none", "zstd"):
        return  # who has written what is in it makes no difference to a packing
    path = tmp_path / "backup.bin"  # its name says nothing
    path.write_bytes(PACK[packing](made("shop").read_bytes()))
    report, [needs] = drill_with_needs(path, sandbox)
    is_whole(report, truth)
    assert (needs.engine, needs.series) == (source.kind, source.installation.series)
    assert report.provenance["archive_format"] == "plain"
    assert report.provenance["archive_packing"] == packing
    assert report.provenance["source_version"] == source.version
    assert report.provenance["source_database"] == "shop"
    assert report.provenance["dumped_by"].startswith(f"{PROGRAM[source.kind]} {source.version}")
    finding = only(report, "roles-not-in-dump")
    assert (finding.severity, finding.subject) == (Severity.WARNING, "gone@%")


@pytest.mark.parametrize(
    "options",
    [
        ("--databases", "shop"),
        ("--add-drop-database", "--databases", "shop"),
        ("--no-create-db", "--databases", "shop"),
        ("--skip-extended-insert", "shop"),
        ("--complete-insert", "--hex-blob", "--replace", "shop"),
        ("--skip-opt", "--create-options", "shop"),
        ("--skip-dump-date", "shop"),
        ("--skip-comments", "shop"),
        ("--default-character-set=utf8mb4", "--skip-tz-utc", "shop"),
        ("--add-drop-trigger", "--add-locks", "--no-autocommit", "shop"),
        ("--max-allowed-packet=1M", "--net-buffer-length=4096", "shop"),
    ],
)
def test_options_that_people_use(
    options: tuple[str, ...], made: Callable[..., Path], sandbox: MysqlServer, truth: Truth
) -> None:
    is_whole(drill(made(*options), sandbox), truth)


def test_a_dump_without_comments_and_settings_is_loaded_with_a_warning(
    made: Callable[..., Path], source: MysqlServer, sandbox: MysqlServer, truth: Truth
) -> None:
    report, [needs] = drill_with_needs(made("--compact", "shop"), sandbox)
    is_whole(report, truth)
    assert only(report, "end-not-known").severity is Severity.WARNING
    assert needs.engine == source.kind
    assert source.kind in only(report, "source-not-named").actual.lower()


@pytest.mark.parametrize("which", [("--databases", "shop", "other"), ("--databases", "other", "shop")])
def test_several_databases_with_a_view_from_one_into_the_other(
    which: tuple[str, ...], made: Callable[..., Path], sandbox: MysqlServer, truth: Truth
) -> None:
    report = drill(made(*which), sandbox)
    is_whole(report, truth)
    assert report.evidence is not None
    rows = {f"{t.schema}{t.name}": t.copy_rows for t in report.evidence.tables}
    assert rows["other.t"] == 2
    assert report.provenance["source_database"] == ", ".join(which[1:])


def test_a_whole_server(made: Callable[..., Path], sandbox: MysqlServer, truth: Truth) -> None:
    report = drill(made("--all-databases", "--flush-privileges"), sandbox)
    is_whole(report, truth)
    left = {finding.subject: finding.actual for finding in report.findings if finding.id == "left-out"}
    assert "tables of the server itself" in left["mysql"]
    assert "roles-not-in-dump" not in {finding.id for finding in report.findings}


def test_accounts_of_a_dump_are_known_and_left_out(
    made: Callable[..., Path], source: MysqlServer, sandbox: MysqlServer, truth: Truth
) -> None:
    if source.kind == "mysql":
        pytest.skip("--system is of mariadb-dump")
    report = drill(made("--system=all", "--databases", "shop"), sandbox)
    is_whole(report, truth)
    left = [finding for finding in report.findings if finding.id == "left-out"]
    assert any("users, roles and grants" in finding.actual for finding in left)
    assert "IDENTIFIED" not in str(left)
    assert "roles-not-in-dump" not in {finding.id for finding in report.findings}


def test_replication_statements_are_left_out(
    made: Callable[..., Path], source: MysqlServer, sandbox: MysqlServer, truth: Truth, tmp_path: Path
) -> None:
    data = made("shop").read_bytes()
    at = data.index(b"-- Table structure")
    more = (
        b"CHANGE MASTER TO MASTER_HOST='elsewhere', MASTER_PASSWORD='hunter2';\nSTART SLAVE;\n"
        b"SET @@GLOBAL.GTID_PURGED='3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5';\n"
        b"/*!50606 SET GLOBAL INNODB_STATS_AUTO_RECALC=OFF */;\nSET GLOBAL max_connections = 3;\n"
    )
    path = tmp_path / "dump"
    path.write_bytes(data[:at] + more + data[at:])
    report = drill(path, sandbox)
    is_whole(report, truth)
    left = {finding.actual: finding.subject for finding in report.findings if finding.id == "left-out"}
    assert any("CHANGE MASTER TO" in subject and "GTID_PURGED" in subject for subject in left.values())
    assert any("SET GLOBAL" in subject for subject in left.values())
    assert "hunter2" not in str(report)


def test_age(made: Callable[..., Path], sandbox: MysqlServer, truth: Truth, tmp_path: Path) -> None:
    pyrage = import_module("pyrage")
    key = pyrage.x25519.Identity.generate()
    identity = tmp_path / "key.txt"
    identity.write_text(f"# created: today\n{key}\n")
    path = tmp_path / "dump.age"
    path.write_bytes(pyrage.encrypt(PACK["zstd"](made("shop").read_bytes()), [key.to_public()]))
    is_whole(drill(path, sandbox, identity=identity), truth)
    assert {item.id for item in drill(path, sandbox).not_evaluated} == {"encrypted"}


def test_the_age_of_a_dump_is_what_it_says_itself_and_never_after_its_file(
    made: Callable[..., Path], sandbox: MysqlServer, tmp_path: Path
) -> None:
    path = tmp_path / "copy"
    path.write_bytes(made("shop").read_bytes())
    later, earlier = (datetime.now(UTC) + timedelta(hours=hours) for hours in (5, -5))
    os.utime(path, (later.timestamp(), later.timestamp()))
    report = drill(path, sandbox)
    assert report.provenance["newest_row_by"] == "the dump says when it was completed"
    assert report.evidence is not None
    assert report.evidence.rpo_seconds is not None
    assert 0 <= report.evidence.rpo_seconds < 1800
    os.utime(path, (earlier.timestamp(), earlier.timestamp()))
    assert drill(path, sandbox).provenance["newest_row_by"] == "the file was last written"


def test_invariants_freshness_trend_and_a_policy(made: Callable[..., Path], sandbox: MysqlServer) -> None:
    rule = Invariant(name="no invoice below zero", sql="SELECT COUNT(*) FROM invoices WHERE total < 0")
    wrong = Invariant(name="no customers", sql="SELECT COUNT(*) FROM customers")
    policy = Policy(rpo=Seconds(3600), rto=Seconds(0.001))
    past = [Past(f"dump-{n}", 10_000_000, 100_000) for n in range(3)]
    report = drill(
        made("shop"), sandbox, invariants=(rule, wrong), freshness="invoices.paid_at", policy=policy, past=past
    )
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert only(report, "invariant").subject == "no customers"
    assert report.provenance["newest_row_by"] == "invoices.paid_at of the copy"
    assert {"rows-dropped", "size-dropped", "rto"} <= {finding.id for finding in report.findings}


def test_several_databases_leave_the_rules_to_the_one_that_the_target_names(
    made: Callable[..., Path], sandbox: MysqlServer
) -> None:
    rule = Invariant(name="x", sql="SELECT 0")
    path = made("--databases", "shop", "other")
    assert "invariant" in {item.id for item in drill(path, sandbox, name="x", invariants=(rule,)).not_evaluated}
    report = drill(path, sandbox, name="x", url=Secret("mysql://h/shop"), invariants=(rule,))
    assert "invariant" not in {item.id for item in report.not_evaluated}


def test_from_the_shell_into_a_given_server_and_into_a_sandbox(
    made: Callable[..., Path], source: MysqlServer, sandbox: MysqlServer, tmp_path: Path
) -> None:
    environment: dict[str, Any] = {k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_URL", "DBOPS_"))}
    environment["PYTHONPATH"] = str(ROOT)
    plain = made("shop").read_bytes()
    end = plain.rindex(b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE")
    zoned = tmp_path / "zoned.sql"
    event = b"SET time_zone = 'Asia/Tokyo';\nCREATE EVENT early ON SCHEDULE EVERY 1 DAY DO DELETE FROM log;\n"
    zoned.write_bytes(plain[:end] + event + plain[end:])
    choices = {sandbox.url(): made("shop")}
    if source.installation.name == "mariadb10.11":
        choices["local"] = zoned  # a server of the drill's own knows no time zone by itself
    for choice, path in choices.items():
        argv = [*DBOPS, "drill", "--archive", str(path), "--sandbox", choice, "--json"]
        done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert '"verdict": "PASS"' in done.stdout
        assert ("time-zone-given" in done.stdout) == (path is zoned)
