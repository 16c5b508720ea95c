"""S01 to S06 for MySQL and MariaDB: a backup that was cut, flipped, swapped, edited or lost in the store is found out
by `verify`, and refused by `restore` before anything is touched.

What hangs on no archive (manifests that are edited, backups under other names) is in `test_store_lies` as well.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops.catalog import Catalog
from dbops.errors import BadBackupError
from dbops.model import Manifest, Verdict
from dbops.store.local import LocalStore
from tests.fault import mysql, support
from tests.fault.lies import Place, archive, flip, ids, rehashed, run
from tests.mysql_restoring import Backed, run_restore, unpacked, untouched
from tests.mysql_servers import MysqlServer, installation, servers

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

KINDS = {"sql": (1, ""), "parts": (2, ""), "plain": (1, "none")}
"""Name -> jobs, compression."""
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        mysql.fill(running, "bank", 2000)
        yield running


@pytest.fixture(scope="module")
def source(server: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A store for each kind, with one backup."""
    stores = {}
    for kind, (jobs, compression) in KINDS.items():
        stores[kind] = tmp_path_factory.mktemp(kind)
        support.run(mysql.target(server, "bank", jobs=jobs, compression=compression), stores[kind])
    return stores


@pytest.fixture
def place(source: dict[str, Path], tmp_path: Path) -> Callable[[str], Place]:
    """A private copy of one of the stores."""

    def copy(kind: str) -> Place:
        root = tmp_path / kind
        shutil.copytree(source[kind], root)
        catalog = Catalog(LocalStore(root))
        manifest = catalog.latest(support.NAME)
        return catalog, manifest, root / support.NAME / manifest.id

    return copy


def refused(server: MysqlServer, place: Place, manifest: Manifest, kind: str) -> None:
    """By a restore, before anything is touched."""
    backed = Backed(server, "bank", mysql.target(server, "bank"), place[0], manifest)
    with untouched(server, "bank"), pytest.raises(BadBackupError) as caught:
        run_restore(backed)
    assert caught.value.kind == kind


@kinds
def test_what_is_whole_passes(place: Callable[[str], Place], kind: str) -> None:
    catalog, manifest, _ = place(kind)
    report = run(catalog, manifest)
    assert (report.verdict, report.findings, report.not_evaluated) == (Verdict.PASS, (), ())


@kinds
@pytest.mark.parametrize("lost", [1, 5000])
def test_s01_a_cut_archive_is_found_by_size_and_by_decoding(
    server: MysqlServer, place: Callable[[str], Place], kind: str, lost: int
) -> None:
    here = place(kind)
    catalog, manifest, folder = here
    path = archive(manifest, folder)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - lost)
    report = run(catalog, manifest)
    assert report.verdict is Verdict.FAIL
    assert "artifact-size" in ids(report)
    refused(server, here, manifest, "artifact-size")
    # A forger makes size and hash agree: then it does not decode to its end, but for a newline at its very end.
    found = ids(run(catalog, rehashed(manifest, folder)))
    assert "archive-decode" in found or (kind == "plain" and lost == 1)


@kinds
def test_s02_a_flipped_byte_is_found_by_hash(server: MysqlServer, place: Callable[[str], Place], kind: str) -> None:
    here = place(kind)
    catalog, manifest, folder = here
    path = archive(manifest, folder)
    flip(path)
    report = run(catalog, manifest)
    assert report.verdict is Verdict.FAIL
    assert path.name in next(f.subject for f in report.findings if f.id == "artifact-hash")
    refused(server, here, manifest, "artifact-hash")


def test_s02_in_an_uncompressed_archive_the_rows_tell_too(place: Callable[[str], Place]) -> None:
    """Somebody changes a row and makes every hash agree: the inventory's digest of that table does not."""
    catalog, manifest, folder = place("plain")
    path = archive(manifest, folder)
    data = path.read_bytes()
    changed = data.replace(b"(17,1000,", b"(17,1001,")
    assert changed != data
    path.write_bytes(changed)
    report = run(catalog, rehashed(manifest, folder))
    assert report.verdict is Verdict.FAIL
    assert [(f.id, f.subject) for f in report.findings if f.id.startswith("table")] == [
        ("table-content", f"{manifest.id}/account")
    ]


@kinds
def test_s03_an_archive_cut_between_two_statements_is_found(
    server: MysqlServer, place: Callable[[str], Place], kind: str
) -> None:
    """The client would load it with status 0; here size and hash agree, too."""
    here = place(kind)
    catalog, manifest, folder = here
    path = archive(manifest, folder)
    text = unpacked(path) if kind != "plain" else path.read_bytes()
    cut = text[: text.index(b";\n", text.index(b"INSERT INTO")) + 2]
    path.write_bytes(zstd.compress(cut) if kind != "plain" else cut)
    forged = rehashed(manifest, folder)
    report = run(catalog, forged)
    assert report.verdict is Verdict.FAIL
    assert "archive-decode" in ids(report)
    refused(server, here, _with_sums(forged, folder), "archive-truncated")


def _with_sums(forged: Manifest, folder: Path) -> Manifest:
    """With the file of hashes that goes with it."""
    sums = "".join(f"{a.sha256}  {a.name}\n" for a in forged.artifacts if a.name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text(sums)
    return rehashed(forged, folder)


def test_s04_artifacts_of_another_backup_are_found(place: Callable[[str], Place], server: MysqlServer) -> None:
    """Of the same database, before a row was changed: a good archive, but not this backup's."""
    here = place("sql")
    catalog, manifest, folder = here
    server.execute("UPDATE account SET balance = balance + 1 WHERE id = 7", database="bank")
    try:
        other = support.run(mysql.target(server, "bank", jobs=1), folder.parents[1])
    finally:
        server.execute("UPDATE account SET balance = balance - 1 WHERE id = 7", database="bank")
    theirs = archive(other, folder.with_name(other.id))
    shutil.copy(theirs, archive(manifest, folder))
    found_by = {"artifact-hash", "artifact-size"} & ids(run(catalog, manifest))
    assert found_by
    refused(server, here, manifest, min(found_by))
    # Its hash is forged: then its rows are not those of the inventory.
    found = run(catalog, rehashed(manifest, folder))
    assert [(f.id, f.subject) for f in found.findings if f.id.startswith("table")] == [
        ("table-content", f"{manifest.id}/account")
    ]


def test_s04_two_parts_that_change_places_are_found(place: Callable[[str], Place]) -> None:
    catalog, manifest, folder = place("parts")
    one, two = sorted((folder / f"backup_{manifest.id}").glob("data-*"))
    middle = one.with_name("x")
    for old, new in ((one, middle), (two, one), (middle, two)):
        old.rename(new)
    assert run(catalog, manifest).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(".sql.zst", "/../../../x.sql.zst"),
        lambda text: json.dumps(json.loads(text) | {"format": 99}),
        lambda text: json.dumps(json.loads(text) | {"target": "another"}),
    ],
    ids=["emptied", "cut", "leads out", "newer", "another target"],
)
def test_s05_an_edited_manifest_is_refused_and_the_others_are_usable(
    server: MysqlServer, place: Callable[[str], Place], edit: Callable[[str], str]
) -> None:
    catalog, manifest, folder = place("parts")
    newer = support.run(mysql.target(server, "bank", inventory="counts"), folder.parents[1])
    path = folder.with_name(newer.id) / "manifest.json"
    path.chmod(0o600)
    text = path.read_text()
    assert edit(text) != text
    path.write_text(edit(text))
    with pytest.raises(BadBackupError):
        catalog.read(support.NAME, newer.id)
    assert catalog.latest(support.NAME).id == manifest.id
    assert run(catalog, manifest).verdict is Verdict.PASS


def test_s06_a_missing_part_and_foreign_files_are_reported(server: MysqlServer, place: Callable[[str], Place]) -> None:
    here = place("parts")
    catalog, manifest, folder = here
    archive(manifest, folder).unlink()
    (folder / f"backup_{manifest.id}" / "data-99.sql.zst").write_bytes(zstd.compress(b"DROP DATABASE bank;"))
    report = run(catalog, manifest)
    assert {"artifact-missing", "foreign-file"} <= ids(report)
    assert report.verdict is Verdict.FAIL
    refused(server, here, manifest, "artifact-missing")


def test_s06_a_foreign_part_alone_is_a_warning_and_is_not_loaded(
    server: MysqlServer, place: Callable[[str], Place]
) -> None:
    here = place("parts")
    catalog, manifest, folder = here
    foreign = folder / f"backup_{manifest.id}" / "data-99.sql.zst"
    foreign.write_bytes(zstd.compress(b"CREATE TABLE evil (a int);\n-- Dump completed\n"))
    report = run(catalog, manifest)
    assert (report.verdict, ids(report)) == (Verdict.PASS, {"foreign-file"})
    backed = Backed(server, "bank", mysql.target(server, "bank"), catalog, manifest)
    assert run_restore(backed, into="copy").verdict is Verdict.PASS
    assert ("evil",) not in server.execute("SHOW TABLES", database="copy")
    server.drop_database("copy")
