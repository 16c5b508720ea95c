"""Folders of mydumper: those that the real program of this machine (0.10) writes, and folders of the shape that the
documentation of later versions describes (0.14.1 and on), made of the same files."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dbops.model import Failure, Report, Severity, Verdict
from tests.foreign_dumps import PACK, errors, only
from tests.integration.test_mysql_foreign_dumps import Truth, truth_of
from tests.mysql_foreign_dumps import drill, drill_with_needs, fill, mydumper
from tests.mysql_servers import MysqlServer, installation

NAMES = ("mariadb10.11", "mysql9.7")


@pytest.fixture(scope="module", params=NAMES)
def source(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as server:
        fill(server, lock=True)
        server.execute("RENAME TABLE `a ``b``; c` TO `a b; c`", database="shop")  # mydumper 0.10 quotes no backtick
        if server.kind == "mysql":  # mydumper 0.10 writes statements of its routines that are none: see test_..._faults
            server.execute("DROP FUNCTION twice", "DROP PROCEDURE touch", "DROP FUNCTION of_gone", database="shop")
        yield server


@pytest.fixture(scope="module")
def sandbox(source: MysqlServer) -> Iterator[MysqlServer]:
    with MysqlServer(source.installation) as server:
        yield server


@pytest.fixture(scope="module")
def made(source: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("folders")
    cache: dict[tuple[str, ...], Path] = {}

    def make(*arguments: str) -> Path:
        if arguments not in cache:
            cache[arguments] = mydumper(source, folder / f"folder{len(cache)}", *arguments)
        return cache[arguments]

    return make


@pytest.fixture(scope="module")
def truth(source: MysqlServer) -> Truth:
    return truth_of(source, "shop")


def is_whole(report: Report, truth: Truth) -> None:
    assert report.verdict is Verdict.PASS, (report.findings, report.not_evaluated)
    assert report.evidence is not None
    found = {t.name: (t.copy_rows, t.copy_digest) for t in report.evidence.tables if t.schema in ("", "shop.")}
    assert found == truth
    counts = {item.kind: item.copy for item in report.evidence.objects}
    assert (counts["trigger"], counts["event"]) == (2, 2)
    assert {probe.id for probe in report.evidence.probes} >= {"insert", "foreign-keys", "views"}


def as_documented(folder: Path, to: Path, truth: Truth, *, pack: str = "") -> Path:
    """A folder of the shape that mydumper 0.14.1 and later write, by their documentation: `metadata` with comments and
    sections that count rows, files that are packed with zstd, stand-ins for names that would not do for a file."""
    to.mkdir()
    odd = "a b; c"
    for path in folder.iterdir():
        if path.name == "metadata":
            continue
        name = path.name.replace(f"shop.{odd}", "shop.mydumper_0")
        data = path.read_bytes()
        (to / (name + {"zstd": ".zst", "gzip": ".gz"}.get(pack, ""))).write_bytes(PACK[pack or "none"](data))
    lines = ["# Started dump at: 2026-11-24 02:00:00", "[config]", "quote-character = BACKTICK", "", "[source]"]
    lines += ["# File = binlog.000001", "# Position = 4", ""]
    for name, (rows, _) in truth.items():
        table = "mydumper_0" if name == odd else name
        lines += [f"[`shop`.`{table}`]", f"real_table_name={name}", f"rows = {rows}", "data_checksum = 3119812626", ""]
    lines += ["[`shop`.`open_invoices`]", "is_view = 1", "rows = 7", "", "[`shop`]", "schema_checksum = FDF2173B"]
    lines += ["# Finished dump at: 2026-11-24 02:00:05"]
    (to / "metadata").write_text("\n".join(lines) + "\n")
    return to


@pytest.mark.parametrize(
    "options",
    [
        ("--database", "shop"),
        ("--database", "shop", "--compress"),
        ("--database", "shop", "--rows", "300", "--statement-size", "20000", "--complete-insert"),
        ("--database", "shop", "--build-empty-files", "--insert-ignore"),
    ],
)
def test_what_the_real_mydumper_writes(
    options: tuple[str, ...], made: Callable[..., Path], source: MysqlServer, sandbox: MysqlServer, truth: Truth
) -> None:
    folder = made(*options)
    report, [needs] = drill_with_needs(folder, sandbox)
    is_whole(report, truth)
    assert needs.engine == source.kind
    assert report.provenance["archive_format"] == "scripts"
    assert report.provenance["dumped_by"] == "mydumper"
    assert report.provenance["newest_row_by"] == "the dump says when it was begun"
    assert only(report, "source-not-named").severity is Severity.INFO
    assert "rows-counted" in {item.id for item in report.not_evaluated}
    assert only(report, "roles-not-in-dump").subject == "gone@%"


def test_a_whole_server(made: Callable[..., Path], source: MysqlServer, sandbox: MysqlServer, truth: Truth) -> None:
    """Its own databases are left out; a view looks from one database into the other."""
    arguments = () if source.kind == "mariadb" else ("--regex", r"^(?!(sys|performance_schema)\.)")
    report = drill(made("--events", *arguments), sandbox, jobs=3)
    is_whole(report, truth)
    assert report.provenance["source_database"] == "other, shop"
    assert any(f.id == "left-out" and "mysql" in f.subject for f in report.findings)


def test_a_folder_in_a_tar(made: Callable[..., Path], sandbox: MysqlServer, truth: Truth, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(made("--database", "shop", "--compress"), "backup-of-monday")
    report = drill(packed, sandbox)
    is_whole(report, truth)
    assert report.provenance["archive_format"] == "scripts"
    assert report.provenance["archive_packing"] == "gzip"


@pytest.mark.parametrize("pack", ["", "zstd", "gzip"])
def test_the_shape_that_later_versions_document(
    pack: str, made: Callable[..., Path], sandbox: MysqlServer, truth: Truth, tmp_path: Path
) -> None:
    report = drill(as_documented(made("--database", "shop"), tmp_path / "f", truth, pack=pack), sandbox, jobs=3)
    is_whole(report, truth)
    ids = {item.id for item in report.not_evaluated}
    assert "rows-counted" not in ids
    assert "mydumper-checksums" in ids


def test_rows_that_a_later_mydumper_has_counted_are_counted_again(
    made: Callable[..., Path], sandbox: MysqlServer, truth: Truth, tmp_path: Path
) -> None:
    """A file of rows that is not there, and one that was cut between two statements: neither shows otherwise."""
    folder = as_documented(made("--database", "shop", "--statement-size", "20000"), tmp_path / "f", truth)
    (folder / "shop.customers.sql").unlink()
    rows = folder / "shop.invoices.sql"
    data = rows.read_bytes()
    rows.write_bytes(data[: data.rindex(b";\n", 0, len(data) - 2) + 2])
    report = drill(folder, sandbox)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    found = {f.subject: (f.expected, f.actual) for f in report.findings if f.id == "rows-differ"}
    assert set(found) == {"shop.customers", "shop.invoices"}
    assert found["shop.customers"] == (f"{truth['customers'][0]} rows, as mydumper counted", "0 rows")


def test_a_table_that_is_not_there_is_named(
    made: Callable[..., Path], sandbox: MysqlServer, truth: Truth, tmp_path: Path
) -> None:
    folder = as_documented(made("--database", "shop"), tmp_path / "f", truth)
    for path in folder.glob("shop.twins*"):
        path.unlink()
    assert only(drill(folder, sandbox), "rows-differ").actual == "the table is not there"


@pytest.mark.parametrize("end", ["metadata without its last line", "metadata.partial", "no metadata"])
def test_a_mydumper_that_was_killed(end: str, made: Callable[..., Path], sandbox: MysqlServer, tmp_path: Path) -> None:
    folder = tmp_path / "f"
    shutil.copytree(made("--database", "shop"), folder)
    text = (folder / "metadata").read_text()
    (folder / "metadata").unlink()
    if end == "metadata.partial":
        (folder / end).write_text(text.partition("Finished")[0])
    elif end.startswith("metadata"):
        (folder / "metadata").write_text(text.partition("Finished")[0])
    report = drill(folder, sandbox)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    assert errors(report) == ["archive-truncated"]


def test_a_file_that_was_cut(made: Callable[..., Path], sandbox: MysqlServer, tmp_path: Path) -> None:
    for number, options in enumerate([("--database", "shop"), ("--database", "shop", "--compress")]):
        folder = tmp_path / f"f{number}"
        shutil.copytree(made(*options), folder)
        rows = next(folder.glob("shop.invoices.sql*"))
        rows.write_bytes(rows.read_bytes()[:-40])
        report = drill(folder, sandbox)
        assert errors(report) == ["archive-truncated"]
        assert rows.name in only(report, "archive-truncated").actual
        assert "start" not in report.phases


def test_an_error_names_its_file_and_line_and_no_data(
    made: Callable[..., Path], sandbox: MysqlServer, tmp_path: Path
) -> None:
    folder = tmp_path / "f"
    shutil.copytree(made("--database", "shop"), folder)
    with (folder / "shop.customers.sql").open("ab") as file:
        file.write(b'INSERT INTO `customers` VALUES\n(1,"hunter2 and other data","ok",NULL);\n')
    report = drill(folder, sandbox, jobs=3)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)
    said = only(report, "restore-failed").actual
    assert "of shop.customers.sql: rows of customers: duplicate entry" in said
    assert "hunter2" not in str(report)


def test_a_command_of_the_client(made: Callable[..., Path], sandbox: MysqlServer, tmp_path: Path) -> None:
    for number, line in enumerate([b"\\! touch /tmp/x;\n", b"system touch /tmp/x;\n", b"source /etc/passwd;\n"]):
        folder = tmp_path / f"f{number}"
        shutil.copytree(made("--database", "shop"), folder)
        with (folder / "shop.customers-schema.sql").open("ab") as file:
            file.write(line)
        assert errors(drill(folder, sandbox)) == ["client-command"]


def test_rows_without_schemas(source: MysqlServer, sandbox: MysqlServer, tmp_path: Path) -> None:
    folder = mydumper(source, tmp_path / "f", "--database", "shop", "--no-schemas")
    report = drill(folder, sandbox)
    assert errors(report) == ["no-schemas"], report.findings


def test_what_cannot_be_read_is_named(made: Callable[..., Path], sandbox: MysqlServer, tmp_path: Path) -> None:
    tab, shell, text, quotes = (tmp_path / name for name in ("tab", "shell", "text", "quotes"))
    for folder in (tab, shell):
        folder.mkdir()
    (tab / "t.sql").write_text("-- MySQL dump 10.13\n")
    (tab / "t.txt").write_text("1\t2\n")
    (shell / "@.json").write_text("{}")
    shutil.copytree(made("--database", "shop"), text)
    rows = "LOAD DATA LOCAL INFILE 'shop.customers.00000.dat' REPLACE INTO TABLE `customers`;\n"
    (text / "shop.customers.sql").write_text(rows)
    shutil.copytree(made("--database", "shop"), quotes)
    said = (quotes / "metadata").read_text()
    (quotes / "metadata").write_text(f"[config]\nquote-character = DOUBLE_QUOTE\n{said}")
    for folder, word in ((tab, "--tab"), (shell, "MySQL Shell"), (text, "text files"), (quotes, "DOUBLE_QUOTE")):
        report = drill(folder, sandbox)
        assert (report.verdict, report.failure) == (Verdict.INCONCLUSIVE, Failure.ENVIRONMENT), report.findings
        reasons = {item.id: item.reason for item in report.not_evaluated}
        assert word in reasons["format-unsupported"]


def test_the_moment_of_the_dump(made: Callable[..., Path], sandbox: MysqlServer, truth: Truth, tmp_path: Path) -> None:
    folder = as_documented(made("--database", "shop"), tmp_path / "f", truth)
    text = (folder / "metadata").read_text()
    at = datetime(2025, 1, 2, 3, 4, 5).astimezone()
    (folder / "metadata").write_text(text.replace("2026-11-24 02:00:00", "2025-01-02 03:04:05"))
    report = drill(folder, sandbox)
    assert report.provenance["newest_row_at"] == at.astimezone(UTC).isoformat()


def test_an_empty_file_in_a_packed_folder(
    made: Callable[..., Path], sandbox: MysqlServer, truth: Truth, tmp_path: Path
) -> None:
    folder = tmp_path / "f"
    shutil.copytree(made("--database", "shop", "--compress"), folder)
    (folder / "shop.log.sql.gz").write_bytes(gzip.compress(b""))
    is_whole(drill(folder, sandbox), truth)
