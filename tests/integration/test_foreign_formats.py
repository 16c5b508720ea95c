"""Dumps of every form and packing, made by pg_dump and pg_dumpall, are restored and tried out as they are."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest

from dbops.config import Invariant, Policy, Seconds
from dbops.config.urls import Secret
from dbops.engine.postgres.engine import PostgresEngine
from dbops.evidence import Match
from dbops.inventory.take import take
from dbops.model import Failure, Report, Verdict
from dbops.ops.foreign_trend import Past
from dbops.progress import Silent
from tests.foreign_dumps import ODD_NAMES, PACK, drill, dump, errors, fill, only
from tests.servers import Cluster


@pytest.fixture(scope="module")
def source(pg_server: Cluster) -> Iterator[Cluster]:
    """A server with data, and roles of its own."""
    with Cluster(pg_server.installation) as cluster:
        fill(cluster)
        yield cluster


@pytest.fixture(scope="module")
def sandbox(pg_server: Cluster) -> Iterator[Cluster]:
    with Cluster(pg_server.installation) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def folder(pg_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dumps")


@pytest.fixture(scope="module")
def made(source: Cluster, folder: Path) -> Callable[..., Path]:
    """Each dump is made once."""
    cache: dict[tuple[str, ...], Path] = {}

    def make(*options: str, tool: str = "pg_dump") -> Path:
        key = (tool, *options)
        if key not in cache:
            cache[key] = dump(source, folder / f"dump{len(cache)}", *options, tool=tool)
        return cache[key]

    return make


@pytest.fixture(scope="module")
def truth(source: Cluster) -> dict[tuple[str, str], tuple[int, str]]:
    """Rows and digest of every table of `shop` at the source."""
    with PostgresEngine(source.url("shop")).snapshot() as snapshot:
        inventory = take(snapshot, "content", 2, Silent())
    return {(t.schema, t.name): (t.rows, t.digest) for t in inventory.tables}


def is_whole(report: Report, truth: dict[tuple[str, str], tuple[int, str]]) -> None:
    """PASS, and the copy holds what the source does; that it may not be called equal is said."""
    assert report.verdict is Verdict.PASS, (report.findings, report.not_evaluated)
    assert report.failure is Failure.NONE
    assert report.evidence is not None
    found = {(t.schema, t.name): (t.copy_rows, t.copy_digest) for t in report.evidence.tables}
    assert found == truth
    assert {t.match for t in report.evidence.tables} == {Match.UNKNOWN}
    assert "content-equality" in {item.id for item in report.not_evaluated}
    assert {probe.id for probe in report.evidence.probes} >= {"insert", "foreign-keys"}
    assert list(report.phases) == ["fetch", "start", "restore", "verify", "probe"]
    assert report.evidence.rto_seconds == pytest.approx(sum(report.phases.values()))


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("form", ["plain", "custom", "tar"])
def test_every_form_in_every_packing(
    form: str,
    packing: str,
    made: Callable[..., Path],
    sandbox: Cluster,
    truth: dict[tuple[str, str], tuple[int, str]],
    tmp_path: Path,
) -> None:
    data = PACK[packing](made(f"--format={form}").read_bytes())
    path = tmp_path / "backup.bin"  # its name says nothing
    path.write_bytes(data)
    report = drill(path, sandbox)
    is_whole(report, truth)
    assert ("dated-by-file" in {finding.id for finding in report.findings}) == (form == "plain")
    assert report.provenance["archive_format"] == form
    assert report.provenance["archive_packing"] == packing
    assert report.provenance["source_version"].startswith(str(sandbox.major))
    assert report.provenance["dumped_by"].startswith("pg_dump ")
    assert report.evidence is not None
    assert report.evidence.archive_bytes == len(data)


def test_a_folder_and_a_folder_in_a_tar(
    made: Callable[..., Path],
    sandbox: Cluster,
    truth: dict[tuple[str, str], tuple[int, str]],
    tmp_path: Path,
) -> None:
    directory = made("--format=directory", "--jobs=2")
    is_whole(drill(directory, sandbox), truth)
    for mode in ("w:gz", "w"):
        packed = tmp_path / "packed"
        with tarfile.open(packed, mode) as archive:
            archive.add(directory, "backup-of-monday")
        report = drill(packed, sandbox)
        is_whole(report, truth)
        assert report.provenance["archive_format"] == "directory"


@pytest.mark.parametrize(
    "options",
    [("--create",), ("--create", "--clean"), ("--clean",), ("--clean", "--if-exists"), ("--inserts",), ("-v",)],
)
def test_options_that_people_use(
    options: tuple[str, ...],
    made: Callable[..., Path],
    sandbox: Cluster,
    truth: dict[tuple[str, str], tuple[int, str]],
) -> None:
    report = drill(made(*options), sandbox)
    is_whole(report, truth)
    assert only(report, "roles-not-in-dump").subject == "Read Only, app"


@pytest.mark.parametrize("options", [(), ("--clean",), ("--clean", "--if-exists")])
@pytest.mark.parametrize("packing", ["none", "zstd"])
def test_a_whole_server(
    options: tuple[str, ...],
    packing: str,
    made: Callable[..., Path],
    sandbox: Cluster,
    tmp_path: Path,
    truth: dict[tuple[str, str], tuple[int, str]],
) -> None:
    path = tmp_path / "all"
    path.write_bytes(PACK[packing](made(*options, tool="pg_dumpall").read_bytes()))
    report = drill(path, sandbox)
    assert report.verdict is Verdict.PASS, (report.findings, report.not_evaluated)
    assert report.evidence is not None
    found = {(t.schema, t.name): t.copy_rows for t in report.evidence.tables}
    expected = {(f"shop.{schema}", name): count for (schema, name), (count, _) in truth.items()}
    expected |= {(f"{name}.public", "t"): 7 for name in ODD_NAMES if name != "back\\slash"} | {
        ("back\\slash.public", "t"): 7
    }
    assert found == expected
    assert not [finding for finding in report.findings if finding.id == "roles-not-in-dump"]
    assert report.provenance["dumped_by"].startswith("pg_dumpall ")


def test_the_password_of_the_sandbox_is_not_that_of_the_dump(made: Callable[..., Path], sandbox: Cluster) -> None:
    assert drill(made(tool="pg_dumpall"), sandbox).verdict is Verdict.PASS
    with sandbox.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_roles WHERE rolname = 'app'").fetchone() == (0,)
    assert PostgresEngine(sandbox.url()).server().major == sandbox.major  # over TCP, with its password


def test_roles_alone_are_no_backup_of_a_database(made: Callable[..., Path], sandbox: Cluster) -> None:
    report = drill(made("--globals-only", tool="pg_dumpall"), sandbox)
    assert (report.verdict, report.failure) == (Verdict.INCONCLUSIVE, Failure.ENVIRONMENT)
    assert {item.id for item in report.not_evaluated} == {"no-database"}


def test_invariants_smoke_and_freshness(made: Callable[..., Path], sandbox: Cluster) -> None:
    rule = Invariant(name="no invoice below zero", sql="SELECT count(*) FROM invoices WHERE total < 0")
    wrong = Invariant(name="no customers", sql="SELECT count(*) FROM customers")
    policy = Policy(rpo=Seconds(3600), rto=Seconds(0.001))
    report = drill(made(), sandbox, invariants=(rule, wrong), freshness="invoices.paid_at", policy=policy)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert only(report, "invariant").subject == "no customers"
    assert "rto" in {finding.id for finding in report.findings}
    assert "invoices.paid_at of the copy" in only(report, "rpo").actual if _old() else True
    assert report.provenance["newest_row_by"] == "invoices.paid_at of the copy"
    assert "dated-by-file" not in {finding.id for finding in report.findings}
    report = drill(made(), sandbox, policy=policy)
    assert "which a copy renews" in only(report, "dated-by-file").actual
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.OVER_TARGET)


def _old() -> bool:
    """The newest row is of January 2026."""
    return datetime.now(UTC) > datetime(2026, 1, 10, tzinfo=UTC)


def test_several_databases_leave_the_rules_to_nobody(made: Callable[..., Path], sandbox: Cluster) -> None:
    rule = Invariant(name="x", sql="SELECT 0")
    report = drill(made(tool="pg_dumpall"), sandbox, name="other", invariants=(rule,), freshness="a.b")
    assert {"invariant", "smoke", "freshness"} <= {item.id for item in report.not_evaluated}
    url = Secret("postgresql://h/shop")
    report = drill(made(tool="pg_dumpall"), sandbox, name="other", url=url, invariants=(rule,))
    assert "invariant" not in {item.id for item in report.not_evaluated}


def test_the_age_of_a_dump_is_what_it_says_itself_and_never_after_its_file(
    made: Callable[..., Path], sandbox: Cluster, tmp_path: Path
) -> None:
    path = tmp_path / "copy"
    shutil.copy(made("--format=custom"), path)
    later = datetime.now(UTC) + timedelta(hours=5)
    os.utime(path, (later.timestamp(), later.timestamp()))
    report = drill(path, sandbox)
    assert report.provenance["newest_row_by"] == "the dump says when it was begun"
    assert report.evidence is not None
    assert report.evidence.rpo_seconds is not None
    assert 0 <= report.evidence.rpo_seconds < 1800
    earlier = datetime.now(UTC) - timedelta(hours=5)
    os.utime(path, (earlier.timestamp(), earlier.timestamp()))
    report = drill(path, sandbox)
    assert report.provenance["newest_row_by"] == "the file was last written"
    assert report.evidence is not None
    assert report.evidence.rpo_seconds == pytest.approx(5 * 3600, abs=600)
    os.utime(made("-v"), (later.timestamp(), later.timestamp()))
    assert drill(made("-v"), sandbox).provenance["newest_row_by"] == "the dump says when it was begun"


def test_a_sudden_drop_is_a_warning(made: Callable[..., Path], sandbox: Cluster) -> None:
    big = [Past(f"dump-{n}", 10_000_000, 100_000) for n in range(3)]
    report = drill(made(), sandbox, past=big)
    assert report.verdict is Verdict.PASS
    assert {"rows-dropped", "size-dropped"} <= {finding.id for finding in report.findings}
    small = [Past(f"dump-{n}", 1000, 10) for n in range(3)]
    assert not {f.id for f in drill(made(), sandbox, past=small).findings} & {"rows-dropped", "size-dropped"}


def test_age(
    made: Callable[..., Path], sandbox: Cluster, tmp_path: Path, truth: dict[tuple[str, str], tuple[int, str]]
) -> None:
    pyrage = import_module("pyrage")
    key = pyrage.x25519.Identity.generate()
    identity = tmp_path / "key.txt"
    identity.write_text(f"# created: today\n{key}\n")
    path = tmp_path / "dump.age"
    for form in ("plain", "custom"):
        data = PACK["gzip"](made(f"--format={form}").read_bytes())
        path.write_bytes(pyrage.encrypt(data, [key.to_public()]))
        is_whole(drill(path, sandbox, identity=identity), truth)
        report = drill(path, sandbox)
        assert (report.verdict, report.failure) == (Verdict.INCONCLUSIVE, Failure.ENVIRONMENT)
        assert {item.id for item in report.not_evaluated} == {"encrypted"}
    other = tmp_path / "other.txt"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    assert {i.id for i in drill(path, sandbox, identity=other).not_evaluated} == {"wrong-identity"}
    path.write_bytes(path.read_bytes()[:-2000])  # within an authenticated piece: as good as changed
    assert errors(drill(path, sandbox, identity=identity)) == ["archive-corrupt"]
