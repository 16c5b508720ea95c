"""What every store promises, held against a folder and three S3 servers."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dbops.errors import StoreError
from dbops.store.base import CHUNK, Store, Stored
from dbops.store.readback import read_back
from tests.contract.backends import PART, Backend, content, get, keys, pour

pytest_plugins = ["tests.contract.s3_servers"]


def fail_writing(store: Store, key: str, data: bytes, error: type[BaseException]) -> None:
    with store.writer(key) as writer:
        writer.write(data)
        raise error


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 3 * PART + PART // 2])
def test_what_was_written_is_read(backend: Backend, size: int) -> None:
    data = content(size)
    stored = pour(backend.store, "t/20261124T000000Z/a.dump", data)
    assert stored == Stored("t/20261124T000000Z/a.dump", size, hashlib.sha256(data).hexdigest())
    chunks = list(backend.store.read(stored.key))
    assert b"".join(chunks) == data
    assert all(0 < len(chunk) <= CHUNK for chunk in chunks)
    read_back(backend.store, stored)
    (entry,) = backend.store.list()
    assert (entry.key, entry.bytes) == (stored.key, size)
    assert abs(datetime.now(UTC) - entry.modified) < timedelta(minutes=5)
    assert entry.modified.tzinfo is UTC
    assert not list(backend.store.unfinished())


def test_one_large_write_is_cut_into_parts(backend: Backend) -> None:
    data = content(2 * PART + 7)
    assert pour(backend.store, "k", data, piece=len(data)).bytes == len(data)
    assert get(backend.store, "k") == data


def test_put(backend: Backend) -> None:
    stored = backend.store.put("t/manifest.json", b"{}")
    assert stored == Stored("t/manifest.json", 2, hashlib.sha256(b"{}").hexdigest())
    assert get(backend.store, "t/manifest.json") == b"{}"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("size", [10, 2 * PART + 1])
def test_a_failed_write_leaves_nothing(backend: Backend, error: type[BaseException], size: int) -> None:
    backend.store.put("t/kept", b"kept")
    with pytest.raises(error):
        fail_writing(backend.store, "t/new/deep/k", content(size), error)
    assert keys(backend.store) == ["t/kept"]
    assert not list(backend.store.unfinished())
    if backend.name == "local":
        assert sorted(path.name for path in Path(_root(backend)).rglob("*")) == ["kept", "t"]


def test_a_failed_write_leaves_the_old_object(backend: Backend) -> None:
    backend.store.put("k", b"old")
    with pytest.raises(RuntimeError):
        fail_writing(backend.store, "k", content(2 * PART), RuntimeError)
    assert get(backend.store, "k") == b"old"


def test_nothing_is_visible_while_it_is_written(backend: Backend) -> None:
    with backend.store.writer("k") as writer:
        writer.write(content(2 * PART + 1))
        assert keys(backend.store) == []
        with pytest.raises(StoreError):
            get(backend.store, "k")
    assert keys(backend.store) == ["k"]


def test_a_killed_write_leaves_nothing_listed_and_can_be_discarded(backend: Backend) -> None:
    backend.store.put("other/kept", b"kept")
    child = _writing_child(backend)
    if backend.name == "local":
        # The lock of a living writer keeps it out: S3 cannot know whether the other side lives.
        assert not list(backend.store.unfinished())
    child.kill()
    child.wait()
    assert keys(backend.store) == ["other/kept"]
    assert not list(backend.store.unfinished("other/"))
    (left,) = backend.store.unfinished("t/")
    assert left.key == "t/k"
    if "upload-dates" in backend.can:
        assert abs(datetime.now(UTC) - left.modified) < timedelta(minutes=5)
    backend.store.discard(left)
    assert not list(backend.store.unfinished())
    backend.store.discard(left)  # once more is no error
    assert keys(backend.store) == ["other/kept"]


def _writing_child(backend: Backend) -> subprocess.Popen[bytes]:
    """A process in the middle of a write: two parts are out, more is to come."""
    code = f"""
import sys
from pathlib import Path
from dbops.store.local import LocalStore
from dbops.store.s3 import S3Store
with {backend.build}.writer("t/k") as writer:
    writer.write(bytes({2 * PART + 1}))
    print("ready", flush=True)
    sys.stdin.read()
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def test_overwrite(backend: Backend) -> None:
    pour(backend.store, "k", content(2 * PART))
    backend.store.put("k", b"new")
    assert get(backend.store, "k") == b"new"
    assert [entry.bytes for entry in backend.store.list()] == [3]


@pytest.mark.parametrize("size", [0, 3 * PART])
def test_adopt_takes_the_file_over(backend: Backend, size: int) -> None:
    data = content(size)
    with backend.store.workspace() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list(folder.iterdir()) == []
        path = folder / "toc.dat"
        path.write_bytes(data)
        inode = path.stat().st_ino
        stored = backend.store.adopt(path, "t/dir/toc.dat")
        assert not path.exists()
        assert stored == Stored("t/dir/toc.dat", size, hashlib.sha256(data).hexdigest())
        assert keys(backend.store) == ["t/dir/toc.dat"]
        assert not list(backend.store.unfinished())  # the workspace is in use
        local = backend.store.local_path("t/dir/toc.dat")
        if backend.is_s3:
            assert local is None
        else:
            assert local is not None
            assert local.stat().st_ino == inode, "copied, not renamed"
    assert not folder.exists()
    assert get(backend.store, "t/dir/toc.dat") == data


def test_the_workspace_goes_when_its_block_fails(backend: Backend) -> None:
    seen: list[Path] = []

    def fail() -> None:
        with backend.store.workspace() as folder:
            seen.append(folder)
            (folder / "sub").mkdir()
            (folder / "sub" / "file").write_bytes(b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not seen[0].exists()
    assert keys(backend.store) == []


def test_adopting_what_is_not_there(backend: Backend, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        backend.store.adopt(tmp_path / "gone", "k")
    assert str(tmp_path / "gone") in caught.value.message
    with suppress(StoreError):  # a folder that was never made
        assert keys(backend.store) == []


def test_concurrent_writers(backend: Backend) -> None:
    """Each key gets its own bytes; of two writers of the same key one wins, whole."""
    contents = {f"k{i}": os.urandom(PART + PART // 2) for i in range(4)}
    rivals = [os.urandom(PART + 1) for _ in range(2)]
    jobs = [*contents.items(), *(("same", data) for data in rivals)]
    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(lambda job: pour(backend.store, *job), jobs))
    assert {key: get(backend.store, key) for key in contents} == contents
    assert get(backend.store, "same") in rivals
    assert not list(backend.store.unfinished())


def test_free_bytes(backend: Backend) -> None:
    free = backend.store.free_bytes()
    assert (free is None) if backend.is_s3 else (free is not None and free > 0)


def _root(backend: Backend) -> str:
    return backend.store.url.removeprefix("file://")
