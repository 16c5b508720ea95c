"""S04, S05: a manifest is hostile until it has been read. Each refusal names the reason, and nothing else breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbops import manifests
from dbops.catalog import Catalog, State
from dbops.errors import BadBackupError, ConfigError
from dbops.model import Manifest
from tests.unit.samples import a_catalog, a_manifest, keep

Change = Callable[[dict[str, Any]], object]
GOOD = manifests.encode(a_manifest())


def changed(change: Change) -> bytes:
    document = json.loads(GOOD)
    change(document)
    return json.dumps(document).encode()


def read(data: bytes) -> Manifest:
    return manifests.decode([data], "shop", a_manifest().id)


def test_the_unchanged_manifest_is_read() -> None:
    assert read(GOOD) == a_manifest()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update(format=2), "newer format"),
        (lambda m: m.update(format=0), "format 0"),
        (lambda m: m.update(format="1"), "format"),
        (lambda m: m.update(target="other"), "moved or swapped"),
        (lambda m: m.update(id="20200101T000000Z"), "moved or swapped"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m.pop("inventory"), "inventory"),
        (lambda m: m.update(artifacts=[]), "no artifacts"),
        (lambda m: m["artifacts"].append(m["artifacts"][0]), "twice"),
        (lambda m: m["artifacts"].append(m["artifacts"][0] | {"name": m["artifacts"][0]["name"] + "/x"}), "twice"),
        (lambda m: m["artifacts"][0].update(bytes=-1), "negative"),
        (lambda m: m["artifacts"][0].update(bytes="4"), "bytes"),
        (lambda m: m["artifacts"][0].update(sha256="00"), "SHA-256"),
        (lambda m: m["artifacts"][0].update(sha256="Z" * 64), "SHA-256"),
        (lambda m: m["inventory"]["tables"][0].update(rows=-1), "negative"),
        (lambda m: m["inventory"]["tables"].append(m["inventory"]["tables"][0]), "twice"),
        (lambda m: m.update(snapshot_at="2026-11-24T02:45:00"), "time zone"),
        (lambda m: m.update(snapshot_at="yesterday"), "snapshot_at"),
        (lambda m: m["tool"].update(version="newest"), "no version"),
        (lambda m: m["engine"].update(server_version=""), "no version"),
        (lambda m: m["inventory"]["tables"][0].update(rows=4), "it was edited"),
        (lambda m: m["inventory"].update(digest=""), "it was edited"),
    ],
)
def test_a_changed_manifest_is_refused_with_the_reason(change: Change, reason: str) -> None:
    with pytest.raises(BadBackupError, match=reason):
        read(changed(change))


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/x",
        "a/../../x",
        "a//b",
        "./a",
        "a\\b",
        "a\nb",
        "a\0b",
        "",
        ".",
        "manifest.json",
        "drills/1",
        "\x1b[2J",
    ],
)
def test_no_artifact_name_leads_out_of_the_backup(name: str) -> None:
    with pytest.raises(BadBackupError) as caught:
        read(changed(lambda m: m["artifacts"][0].update(name=name)))
    assert caught.value.message.isprintable(), "the name cannot steer a terminal"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"format": 1}', GOOD[:-20], GOOD + b"x", b"1e999"],
)
def test_what_is_not_a_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(BadBackupError):
        read(data)


def test_an_endless_manifest_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "LIMIT_BYTES", 1000)
    given_out: list[int] = []

    def endless() -> Any:
        while len(given_out) < 10_000:
            given_out.append(1)
            yield b" " * 100

    with pytest.raises(BadBackupError, match="larger"):
        manifests.decode(endless(), "shop", "20260101T000000Z")
    assert len(given_out) < 20


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_order(data: bytes) -> None:
    with pytest.raises(BadBackupError):
        read(data)


@given(st.data())
def test_a_manifest_with_any_byte_changed_is_read_or_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD) - 1))
    read_or_refused(GOOD[:at] + data.draw(st.binary(min_size=1, max_size=1)) + GOOD[at + 1 :])


def read_or_refused(data: bytes) -> None:
    try:
        manifest = read(data)
    except BadBackupError:
        return
    assert (manifest.target, manifest.id) == ("shop", a_manifest().id)


def test_what_would_be_refused_is_never_published(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path / "store")
    with pytest.raises(BadBackupError):
        catalog.publish(a_manifest(artifacts=()))
    assert list(catalog.store.list()) == []


def test_one_bad_manifest_leaves_the_other_backups_usable(tmp_path: Path) -> None:
    catalog = a_catalog(tmp_path / "store")
    good = keep(catalog, a_manifest())
    for day, data in ((25, b"{}"), (26, changed(lambda m: m.update(format=99))), (27, GOOD)):
        newer = a_manifest(moment=datetime(2026, 11, day, tzinfo=UTC))
        catalog.store.put(catalog.key("shop", newer.id, "manifest.json"), data)
    states = [item.state for item in catalog.list("shop")]
    assert states == [State.BROKEN, State.NEWER, State.BROKEN, State.OK]
    assert catalog.latest("shop") == good


@pytest.mark.parametrize("target", ["../other", "/", "a/b", "..", ""])
def test_no_target_name_leads_out_of_the_store(tmp_path: Path, target: str) -> None:
    with pytest.raises(ConfigError):
        Catalog(a_catalog(tmp_path / "store").store).latest(target)
