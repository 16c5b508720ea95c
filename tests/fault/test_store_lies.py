"""S01-S06, S09: a store whose content was cut, flipped, swapped, edited, lost or grown old is found out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import StoreConfig, Target
from dbops.config.urls import Secret
from dbops.errors import BadBackupError, StoreError, StoreFullError
from dbops.model import Verdict
from dbops.ops.backup import backup
from dbops.ops.verify import verify_selected
from dbops.progress import Silent
from dbops.store.base import Stored
from dbops.store.local import LocalStore
from tests.fault.lies import Place, archive, flip, ids, rehashed, run
from tests.servers import Cluster

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def source(pg_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Stores with one backup each of the same small database: custom, directory and uncompressed format."""
    url = pg_server.create_database("store_lies")
    with psycopg.connect(url) as connection:
        connection.execute("create table invoices as select i, md5(i::text) note from generate_series(1, 20000) i")
        connection.execute("create table empty (a int)")
    stores = {}
    for kind, jobs, compression in (("custom", 1, ""), ("directory", 2, ""), ("plain", 1, "none")):
        root = tmp_path_factory.mktemp(kind)
        target = Target(url=Secret(url), name="shop", jobs=jobs, compression=compression)
        catalog = app.open_catalog(StoreConfig(url=str(root)))
        backup(app.open_engine(target), catalog, target, clock=app.now, progress=Silent())
        stores[kind] = root
    yield stores
    pg_server.drop_database("store_lies")


@pytest.fixture
def place(source: dict[str, Path], tmp_path: Path) -> Callable[[str], Place]:
    """A private copy of one of the stores: catalog, manifest, and the backup's folder."""

    def copy(kind: str) -> Place:
        root = tmp_path / kind
        shutil.copytree(source[kind], root)
        catalog = app.open_catalog(StoreConfig(url=str(root)))
        manifest = catalog.latest("shop")
        return catalog, manifest, root / "shop" / manifest.id

    return copy


@pytest.mark.parametrize("kind", ["custom", "directory", "plain"])
def test_what_is_whole_passes(place: Callable[[str], Place], kind: str) -> None:
    catalog, manifest, _ = place(kind)
    report = run(catalog, manifest)
    assert (report.verdict, report.findings, report.not_evaluated) == (Verdict.PASS, (), ())
    assert [record.verdict for record in catalog.records.of("shop", manifest.id)] == [Verdict.PASS]


@pytest.mark.parametrize("kind", ["custom", "directory", "plain"])
@pytest.mark.parametrize("lost", [1, 100, 5000])
def test_s01_a_cut_archive_is_found_by_size_and_by_decoding(
    place: Callable[[str], Place], kind: str, lost: int
) -> None:
    catalog, manifest, folder = place(kind)
    path = archive(manifest, folder)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - lost)
    report = run(catalog, manifest)
    assert report.verdict is Verdict.FAIL
    assert "artifact-size" in ids(report)
    if lost > 1:
        assert "archive-decode" in ids(report)


@pytest.mark.parametrize("kind", ["custom", "directory", "plain"])
def test_s02_a_flipped_byte_is_found_by_hash(place: Callable[[str], Place], kind: str) -> None:
    catalog, manifest, folder = place(kind)
    path = archive(manifest, folder)
    flip(path)
    report = run(catalog, manifest)
    assert report.verdict is Verdict.FAIL
    assert "artifact-hash" in ids(report)
    assert path.name in next(f.subject for f in report.findings if f.id == "artifact-hash")


def test_s02_in_an_uncompressed_archive_the_rows_tell_too(place: Callable[[str], Place]) -> None:
    """Somebody changes a row and makes every hash agree: the inventory's digest of that table does not."""
    catalog, manifest, folder = place("plain")
    path = archive(manifest, folder)
    data = path.read_bytes()
    changed = data.replace(b"17\t70efdf2ec9b086079795c442636b55fb", b"17\t70efdf2ec9b086079795c442636b55fc")
    assert changed != data, "the row is there in clear"
    path.write_bytes(changed)
    forged = rehashed(manifest, folder)
    report = run(catalog, forged)
    assert report.verdict is Verdict.FAIL
    assert [(f.id, f.subject) for f in report.findings if f.id.startswith("table")] == [
        ("table-content", f"{manifest.id}/public.invoices")
    ]


def test_s03_a_document_cut_at_a_line_is_found_by_hash(place: Callable[[str], Place]) -> None:
    """A SQL file that ends at a statement loads without an error; its hash does not agree."""
    catalog, manifest, folder = place("custom")
    lines = (folder / "globals.sql").read_text().splitlines(keepends=True)
    (folder / "globals.sql").write_text("".join(lines[:-1]))
    report = run(catalog, manifest)
    assert "artifact-size" in ids(report)
    assert report.verdict is Verdict.FAIL


def test_s04_artifacts_swapped_between_backups_are_found(place: Callable[[str], Place]) -> None:
    catalog, manifest, folder = place("custom")
    other = place("plain")[2]
    theirs = next(path for path in other.iterdir() if path.name.startswith("backup_"))
    shutil.copy(theirs, archive(manifest, folder))
    assert run(catalog, manifest).verdict is Verdict.FAIL


def test_s04_a_backup_under_another_name_is_refused(place: Callable[[str], Place]) -> None:
    catalog, manifest, folder = place("custom")
    folder.rename(folder.with_name("20990101T000000Z"))
    with pytest.raises(BadBackupError, match="moved or swapped"):
        catalog.read("shop", "20990101T000000Z")
    shutil.copytree(folder.with_name("20990101T000000Z"), folder.parent.parent / "other" / manifest.id)
    with pytest.raises(BadBackupError, match="moved or swapped"):
        catalog.read("other", manifest.id)


def test_s05_a_changed_manifest_fails_and_the_others_are_still_verified(place: Callable[[str], Place]) -> None:
    catalog, manifest, folder = place("custom")
    newer = folder.with_name("20990101T000000Z")
    shutil.copytree(folder, newer)
    for selector in ("latest", "all"):
        report = verify_selected(
            lambda m: app.archive_engine(m.engine.name),
            catalog,
            "shop",
            selector,
            jobs=1,
            progress=Silent(),
            clock=app.now,
        )
        assert report.verdict is Verdict.FAIL
        assert [(f.id, f.subject) for f in report.findings] == [("manifest-unusable", "20990101T000000Z/manifest.json")]
        assert report.provenance["backups"] == [{"id": manifest.id, "verdict": "PASS"}]


def test_s06_missing_and_foreign_files_are_reported(place: Callable[[str], Place]) -> None:
    catalog, manifest, folder = place("directory")
    archive(manifest, folder).unlink()
    (folder / "evil\x1b[2J.sh").write_text("#!/bin/sh")
    (folder / "SHA256SUMS").write_text("0" * 64 + "  globals.sql\n")
    report = run(catalog, manifest)
    assert {"artifact-missing", "foreign-file", "sums-differ", "artifact-size"} <= ids(report)
    assert report.verdict is Verdict.FAIL
    assert [item.id for item in report.not_evaluated] == ["archive-decode"]
    assert all(finding.subject.isprintable() for finding in report.findings)


@pytest.mark.parametrize("instead", ["symlink", "folder", "pipe"])
def test_s06_what_is_no_file_is_that_backups_failure_and_no_failed_run(
    place: Callable[[str], Place], instead: str
) -> None:
    """A run that ended there would tell nothing of the other backups in the store."""
    catalog, manifest, folder = place("custom")
    for path in (archive(manifest, folder), folder / "SHA256SUMS"):
        aside = path.rename(folder.parent / path.name)
        if instead == "symlink":
            path.symlink_to(aside)
        elif instead == "folder":
            path.mkdir()
        else:
            os.mkfifo(path)
    report = run(catalog, manifest)
    assert (report.verdict, ids(report)) == (Verdict.FAIL, {"artifact-missing"})
    assert [item.id for item in report.not_evaluated] == ["archive-decode"]


def test_s06_a_foreign_file_alone_is_a_warning(place: Callable[[str], Place]) -> None:
    catalog, manifest, folder = place("custom")
    (folder / "notes.txt").write_text("hello")
    report = run(catalog, manifest)
    assert (report.verdict, ids(report)) == (Verdict.PASS, {"foreign-file"})


class Remote(LocalStore):
    """A store whose objects must be fetched."""

    def local_path(self, key: str) -> Path | None:
        return None


@pytest.mark.parametrize("kind", ["custom", "directory", "plain"])
def test_a_remote_backup_is_fetched_decoded_and_leaves_nothing_here(
    place: Callable[[str], Place], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, manifest, folder = place(kind)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    catalog = Catalog(Remote(folder.parent.parent))
    assert run(catalog, manifest).verdict is Verdict.PASS
    with archive(manifest, folder).open("r+b") as file:
        file.truncate(1000)
    assert {"artifact-size", "archive-decode"} <= ids(run(catalog, manifest))
    assert list(scratch.iterdir()) == []


def test_too_little_room_for_the_copy_is_said_before_anything_is_fetched(
    place: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, manifest, folder = place("custom")
    usage = shutil.disk_usage(folder)._replace(free=manifest.bytes - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreFullError, match="free") as caught:
        run(Catalog(Remote(folder.parent.parent)), manifest)
    assert "TMPDIR" in caught.value.hint


class ReadOnly(LocalStore):
    """A store that may only be read."""

    def put(self, key: str, data: bytes) -> Stored:
        raise StoreError("access denied")


def test_a_read_only_store_is_verified_with_a_warning(place: Callable[[str], Place]) -> None:
    _, manifest, folder = place("custom")
    report = run(Catalog(ReadOnly(folder.parent.parent)), manifest)
    assert (report.verdict, ids(report)) == (Verdict.PASS, {"record-not-kept"})


def test_without_the_tool_the_hashes_are_judged_and_the_rest_is_named(place: Callable[[str], Place]) -> None:
    catalog, manifest, _ = place("custom")
    report = run(catalog, manifest, decode=False)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert [item.id for item in report.not_evaluated] == ["archive-decode"]


CHECKS = """
[store]
url = "{root}"
[targets.shop]
url = "postgresql://nobody@localhost:1/none"
[targets.shop.policy]
rpo = "{rpo}"
"""


def check(pytester: pytest.Pytester, root: Path, rpo: str) -> pytest.RunResult:
    """`invoke check` in a process of its own, in an empty folder with a dbops.toml."""
    (pytester.path / "dbops.toml").write_text(CHECKS.format(root=root, rpo=rpo))
    program = "import sys; sys.argv = ['dbops', 'check']; from dbops.cli import main; main()"
    return pytester.runpython_c(program)


@pytest.mark.parametrize("age", [timedelta(hours=1), timedelta(days=3)])
def test_s09_check_fails_on_the_age_of_the_newest_row(
    place: Callable[[str], Place], pytester: pytest.Pytester, age: timedelta
) -> None:
    """The files are of now; only the newest row is old."""
    catalog, manifest, folder = place("custom")
    newest = datetime.now(UTC) - age
    freshness = msgspec.structs.replace(manifest.freshness, newest=newest, basis="public.invoices.at")
    catalog.publish(msgspec.structs.replace(manifest, freshness=freshness))
    result = check(pytester, folder.parent.parent, "24h")
    assert result.ret == (3 if age > timedelta(days=1) else 0), result.stdout.str()
    assert (pytester.path / "reports" / "junit.xml").is_file()
    if result.ret:
        result.stdout.fnmatch_lines(["*newest-backup-is-within-the-rpo*"])


def test_check_fails_on_a_cut_archive(place: Callable[[str], Place], pytester: pytest.Pytester) -> None:
    _, manifest, folder = place("custom")
    with archive(manifest, folder).open("r+b") as file:
        file.truncate(1000)
    result = check(pytester, folder.parent.parent, "24h")
    assert result.ret == 3
    result.stdout.fnmatch_lines(["*every-artifact-is-intact*", "*archive-decodes-to-its-end*"])


def test_check_of_an_empty_store_is_inconclusive(pytester: pytest.Pytester, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    assert check(pytester, tmp_path / "store", "24h").ret == 5


def test_check_of_a_store_that_cannot_be_read_is_a_failed_operation(pytester: pytest.Pytester, tmp_path: Path) -> None:
    assert check(pytester, tmp_path / "nothing" / "here", "24h").ret == 4
