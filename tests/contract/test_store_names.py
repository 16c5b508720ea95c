"""Keys, listings and deletion: what every store promises about names."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dbops.errors import ConfigError, StoreError
from dbops.store.readback import read_back
from tests.contract.backends import Backend, get, keys, pour

pytest_plugins = ["tests.contract.s3_servers"]

HOSTILE = ["", "/etc/passwd", "../out", "a/../../out", "a/..", ".", "a//b", "a/./b", "a/", "a\\b", "a\0b", "a\nb"]
UNUSUAL = ["a b/c d", "ключ/données/表", "quote'\"&<>%20+?#", ".hidden/.part", "a" * 200, "x=1;y", "emoji 🐘"]


def test_delete(backend: Backend) -> None:
    backend.store.put("a/b", b"1")
    backend.store.put("a/c", b"2")
    backend.store.delete("a/b")
    backend.store.delete("a/b")
    backend.store.delete("never/there")
    assert keys(backend.store) == ["a/c"]
    backend.store.delete("a/c")
    assert keys(backend.store) == []


def test_list_by_prefix(backend: Backend) -> None:
    for key in ("a/1", "a/2/x", "ab/3", "b/4"):
        backend.store.put(key, b"")
    assert keys(backend.store) == ["a/1", "a/2/x", "ab/3", "b/4"]
    assert keys(backend.store, "a/") == ["a/1", "a/2/x"]
    assert keys(backend.store, "a") == ["a/1", "a/2/x", "ab/3"]
    assert keys(backend.store, "a/2") == ["a/2/x"]
    assert keys(backend.store, "a/2/x") == ["a/2/x"]
    assert keys(backend.store, "c/") == []


@pytest.mark.parametrize("backend", ["local", "seaweedfs"], indirect=True)
def test_list_more_than_one_page(backend: Backend) -> None:
    count = 1001  # a page of S3 has 1000
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: backend.store.put(f"many/{i:04}", b""), range(count)))
    assert keys(backend.store, "many/") == [f"many/{i:04}" for i in range(count)]


@pytest.mark.parametrize("key", UNUSUAL, ids=range(len(UNUSUAL)))
def test_unusual_keys(backend: Backend, key: str) -> None:
    stored = pour(backend.store, key, b"unusual")
    assert keys(backend.store) == [key]
    read_back(backend.store, stored)
    backend.store.delete(key)
    assert keys(backend.store) == []


@pytest.mark.parametrize("key", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_keys_are_refused(backend: Backend, key: str, tmp_path: Path) -> None:
    """S05: names come from manifests, and nothing outside the store may be read or written."""
    source = tmp_path / "source"
    source.write_bytes(b"mine")
    for action in (
        lambda: backend.store.put(key, b""),
        lambda: get(backend.store, key),
        lambda: backend.store.delete(key),
        lambda: backend.store.adopt(source, key),
        lambda: backend.store.local_path(key),
    ):
        with pytest.raises(ConfigError) as caught:
            action()
        assert caught.value.kind == "bad-key"
    assert source.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_a_missing_object_says_so(backend: Backend) -> None:
    backend.store.put("t/there", b"")
    with pytest.raises(StoreError) as caught:
        get(backend.store, "t/not-there")
    assert caught.value.kind == "not-found"
    assert "t/not-there" in caught.value.message
