"""Stores under fault, on this machine's side: full disks, folders that refuse, half-done writes (B03)."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbops.errors import StoreError, StoreFullError
from dbops.store.base import Stored
from dbops.store.local import LocalStore
from dbops.store.readback import read_back
from tests.contract.backends import content, get, keys, pour
from tests.needs import need

MIB = 1 << 20


def test_a_full_disk(small_tmpfs: Callable[[str], Path]) -> None:
    store = LocalStore(small_tmpfs("8m") / "store")
    store.put("t/old", b"old")
    before = store.free_bytes() or 0
    with pytest.raises(StoreFullError) as caught:
        pour(store, "t/new/k", content(16 * MIB))
    error = caught.value
    assert error.kind == "store-full"
    assert str(store.root) in error.message
    needed, free = (int(number.replace(",", "")) for number in re.findall(r"([\d,]+) bytes", error.message))
    assert before < needed <= 16 * MIB
    assert abs(free - before) < MIB // 8
    assert error.hint
    assert keys(store) == ["t/old"]
    assert get(store, "t/old") == b"old"
    assert not list(store.unfinished())
    assert store.free_bytes() == before


def test_a_full_disk_keeps_the_file_to_adopt(small_tmpfs: Callable[[str], Path], tmp_path: Path) -> None:
    store = LocalStore(small_tmpfs("8m") / "store")
    source = tmp_path / "dump"
    source.write_bytes(content(9 * MIB))
    with pytest.raises(StoreFullError):
        store.adopt(source, "k")
    assert source.stat().st_size == 9 * MIB
    assert keys(store) == []


def test_adopt_across_file_systems_copies(small_tmpfs: Callable[[str], Path], tmp_path: Path) -> None:
    store = LocalStore(small_tmpfs("8m") / "store")
    source = tmp_path / "dump"
    source.write_bytes(content(3 * MIB))
    read_back(store, store.adopt(source, "k"))
    assert not source.exists()
    assert (store.root / "k").stat().st_mode & 0o777 == 0o600


def test_bytes_are_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renamed before it is flushed, a file may be empty after a power cut."""
    calls: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        calls.append("fsync " + (Path(f"/proc/self/fd/{descriptor}").readlink().suffix or "folder"))
        real_fsync(descriptor)

    def replace(*args: object, **options: object) -> None:
        calls.append("rename")
        real_replace(*args, **options)  # type: ignore[arg-type]

    store = LocalStore(tmp_path / "store")
    store.put("t/first", b"")  # makes the folders
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    store.put("t/k", b"x")
    with store.workspace() as folder:
        (folder / "a.dat").write_bytes(b"x")
        store.adopt(folder / "a.dat", "t/a.dat")
    assert calls == ["fsync .part", "rename", "fsync folder", "fsync .dat", "rename", "fsync folder"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="dbops-fault-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody(action: Callable[[], object]) -> str:
    """What an action raises (kind, message, hint) when user 'nobody' does it, or '' if it works. Forks."""
    if os.geteuid() != 0:
        need("only root can become another user")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "it did not come to an end"
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            action()
            said = ""
        except StoreError as error:
            said = f"{error.kind}\n{error.message}\n{error.hint}"
        except BaseException as error:
            said = repr(error)
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def test_a_folder_that_may_not_be_written(open_folder: Path) -> None:
    store = LocalStore(open_folder / "store")
    said = as_nobody(lambda: store.put("t/k", b""))
    assert said.startswith("permission\n")
    assert f"nobody may not use {open_folder}, which belongs to root:root with mode 0755" in said
    assert f"chown nobody '{open_folder}'" in said
    assert not store.root.exists()


def test_a_folder_that_may_not_be_entered(open_folder: Path) -> None:
    store = LocalStore(open_folder / "store")
    store.put("t/k", b"")
    for action in (
        lambda: list(store.list()),
        lambda: get(store, "t/k"),
        lambda: store.put("t/new", b""),
        lambda: store.delete("t/k"),
    ):
        said = as_nobody(action)
        assert said.startswith("permission\n"), said
        assert f"nobody may not use {store.root}, which belongs to root:root with mode 0700" in said
    assert keys(store) == ["t/k"]


def test_an_object_that_may_not_be_read(open_folder: Path) -> None:
    store = LocalStore(open_folder / "store")
    store.put("k", b"")
    store.root.chmod(0o755)
    said = as_nobody(lambda: get(store, "k"))
    assert f"nobody may not use {store.root / 'k'}, which belongs to root:root with mode 0600" in said


def test_a_root_that_is_a_link_to_nothing(tmp_path: Path) -> None:
    """The disk behind it is not mounted. 'File exists' would send its reader the wrong way."""
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    for root in (tmp_path / "link", tmp_path / "link" / "below"):
        with pytest.raises(StoreError, match=r"link is a symbolic link to .*disk, which is not there") as caught:
            LocalStore(root).put("t/k", b"1")
        assert caught.value.kind == "not-found"
    (tmp_path / "disk").mkdir()
    LocalStore(tmp_path / "link").put("t/k", b"1")
    assert (tmp_path / "disk" / "t" / "k").exists()


@pytest.mark.parametrize("damage", [b"", b"abc", b"abcd!", b"abcx"], ids=["empty", "cut", "longer", "flipped"])
def test_reading_back_finds_other_bytes(tmp_path: Path, damage: bytes) -> None:
    store = LocalStore(tmp_path)
    stored = store.put("k", b"abcd")
    read_back(store, stored)
    (tmp_path / "k").write_bytes(damage)
    with pytest.raises(StoreError) as caught:
        read_back(store, stored)
    assert caught.value.kind == "read-back"
    assert "k was written with 4 bytes" in caught.value.message
    assert f"{len(damage)} bytes" in caught.value.message


def test_reading_back_what_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        read_back(LocalStore(tmp_path), Stored("k", 1, "0" * 64))
    assert caught.value.kind == "read-back"
