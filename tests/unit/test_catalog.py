"""B02: a backup exists if and only if its manifest does. What the catalog lists, finds, publishes and remembers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from dbops.catalog import Catalog, State
from dbops.errors import ConfigError, NothingToCheckError, StoreError
from dbops.model import Finding, NotEvaluated, Report, Severity, Verdict
from dbops.ops import prune as pruning
from dbops.ops.records import kept
from dbops.progress import Silent
from dbops.report import listing
from dbops.store.local import LocalStore
from tests.unit.samples import MOMENT, a_catalog, a_manifest, keep

DAY = timedelta(days=1)
LATER = MOMENT + 10 * DAY


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return a_catalog(tmp_path / "store")


def later_than_all() -> datetime:
    return datetime.now(UTC) + 2 * DAY


def test_newest_first_and_debris_is_no_backup(catalog: Catalog) -> None:
    old, new = keep(catalog, a_manifest()), keep(catalog, a_manifest(moment=MOMENT + DAY))
    catalog.store.put("shop/20261201T000000Z/backup.dump", b"half")
    catalog.store.put("shop/notes.txt", b"not ours")
    catalog.store.put("README", b"not ours")
    found = catalog.list()
    assert [(item.id, item.state) for item in found] == [
        ("20261201T000000Z", State.DEBRIS),
        (new.id, State.OK),
        (old.id, State.OK),
    ]
    assert found[0].bytes == 4
    assert catalog.latest("shop") == new
    assert list(catalog.targets()) == ["shop"]


def test_one_target_is_not_the_prefix_of_another(catalog: Catalog) -> None:
    keep(catalog, a_manifest("shop"))
    keep(catalog, a_manifest("shop2", MOMENT + DAY))
    assert [item.target for item in catalog.list("shop")] == ["shop"]
    assert catalog.latest("shop").target == "shop"


def test_find_by_id_beginning_and_latest(catalog: Catalog) -> None:
    first, second = keep(catalog, a_manifest()), keep(catalog, a_manifest(moment=MOMENT + DAY))
    assert catalog.find("shop", "latest") == second
    assert catalog.find("shop", first.id) == first
    assert catalog.find("shop", "20261125") == second
    for selector in ("2026", "", "20300101T000000Z"):
        with pytest.raises(ConfigError) as caught:
            catalog.find("shop", selector)
        assert second.id in caught.value.hint, "it names ids that are near"


def test_nothing_to_find_is_inconclusive_and_not_a_mistake(catalog: Catalog) -> None:
    with pytest.raises(NothingToCheckError):
        catalog.latest("shop")
    with pytest.raises(NothingToCheckError):
        catalog.find("shop", "2026")


class Forgetful(LocalStore):
    """A store that keeps other bytes than it was given."""

    def read(self, key: str) -> Iterator[bytes]:
        yield from super().read(key)
        yield b"trailer"


def test_a_manifest_that_reads_back_differently_is_no_backup(tmp_path: Path) -> None:
    catalog = Catalog(Forgetful(tmp_path))
    with pytest.raises(StoreError, match="reads back differently"):
        catalog.publish(a_manifest())
    assert catalog.list() == []


def report(verdict: Verdict) -> Report:
    return Report(task="verify", target="shop", verdict=verdict)


def test_records_show_when_a_backup_was_verified(catalog: Catalog) -> None:
    manifest = keep(catalog, a_manifest())
    catalog.records.add(manifest, report(Verdict.FAIL), LATER)
    catalog.records.add(manifest, report(Verdict.PASS), LATER + DAY)
    catalog.store.put(catalog.key("shop", manifest.id, "drills/20990101T000000Z.json"), b"nonsense")
    catalog.store.put(catalog.key("shop", manifest.id, "drills/../x.json".replace("../", "")), b"{}")
    found = catalog.records.of("shop", manifest.id)
    assert [(record.at, record.verdict) for record in found] == [(LATER + DAY, Verdict.PASS), (LATER, Verdict.FAIL)]
    row = listing.document(listing.collect(catalog, None))["backups"][0]
    assert (row["id"], row["verdict"], row["verified_at"]) == (manifest.id, Verdict.PASS, LATER + DAY)
    assert "PASS 2 d ago by verify" in listing.text(listing.collect(catalog, None), LATER + 3 * DAY, "s")


def test_prune_removes_debris_and_nothing_else(catalog: Catalog) -> None:
    manifest = keep(catalog, a_manifest())
    catalog.store.put("shop/20261201T000000Z/backup_x/1.dat", b"half")
    catalog.store.put("shop/20261202T000000Z/manifest.json", b"broken")
    before = {entry.key for entry in catalog.store.list()}

    def run(now: datetime, agreed: bool) -> list[bool]:
        done = pruning.prune(None, catalog, "shop", clock=lambda: now, progress=Silent(), confirm=lambda _: agreed)
        return [item.keep for item in done.items]

    assert run(datetime.now(UTC), True) == [True, True, True], "it may be a backup that is running"
    assert run(later_than_all(), False) == [True, False, True]
    assert {entry.key for entry in catalog.store.list()} == before, "a dry run deletes nothing"
    assert run(later_than_all(), True) == [True, False, True]
    assert before - {entry.key for entry in catalog.store.list()} == {"shop/20261201T000000Z/backup_x/1.dat"}
    assert catalog.latest("shop") == manifest


def test_a_backup_that_is_finished_while_prune_asks_is_kept(catalog: Catalog) -> None:
    manifest = a_manifest()
    name = manifest.artifacts[0].name
    catalog.store.put(catalog.key("shop", manifest.id, name), b"data")

    def finish(_: object) -> bool:
        catalog.publish(manifest)
        return True

    pruning.prune(None, catalog, "shop", clock=later_than_all, progress=Silent(), confirm=finish)
    data = b"".join(catalog.store.read(catalog.key("shop", manifest.id, name)))
    assert hashlib.sha256(data).hexdigest() == manifest.artifacts[0].sha256


def test_a_record_beside_an_encrypted_backup_shows_no_row(tmp_path: Path) -> None:
    """Everybody who can read the store may read it; the report of the run has it all."""
    catalog = a_catalog(tmp_path / "store")
    found = Finding(
        id="row-differs", severity=Severity.ERROR, subject="people id=4711", expected="name='Ana'", hint="x"
    )
    skipped = NotEvaluated(id="load", reason="Key (name)=(Ana) already exists")
    report = Report(task="drill", target="shop", verdict=Verdict.FAIL, findings=(found,), not_evaluated=(skipped,))
    for encryption, shown in (("none", True), ("age", False)):
        method = msgspec.structs.replace(a_manifest().method, encryption=encryption)
        assert kept(catalog, a_manifest(method=method), report, MOMENT).findings == (found,)
        (entry,) = (entry for entry in catalog.store.list() if "/drills/" in entry.key)
        text = b"".join(catalog.store.read(entry.key))
        assert [word in text for word in (b"4711", b"Ana")] == [shown, shown]
        assert b"row-differs" in text
        assert [record.verdict for record in catalog.records.of("shop", a_manifest().id)] == [Verdict.FAIL]
