"""Names inside stores, and what a hostile or untidy folder may hold: nothing of it leads out of the store."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbops.errors import ConfigError, StoreError, StoreFullError
from dbops.store.base import Unfinished, check_key
from dbops.store.local import LocalStore
from dbops.store.local.errors import translated
from dbops.store.s3 import S3Store
from dbops.store.s3.parts import MAX_PART_BYTES, MAX_PARTS, part_bytes


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "store")
    store.put("t/kept", b"kept")
    return store


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the store with a file that the store must never touch."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder


def kind_of(action: Callable[[], object]) -> str:
    """The kind of the error that an action ends with."""
    with pytest.raises((StoreError, ConfigError)) as caught:
        action()
    return caught.value.kind


@given(st.text(alphabet=st.sampled_from("ab./\\ \0\n~é"), max_size=12) | st.text(max_size=20))
def test_a_key_that_passes_stays_inside(key: str) -> None:
    try:
        check_key(key)
    except ConfigError:
        return
    path = os.path.normpath(f"/root/{key}")
    assert path == f"/root/{key}"
    assert path.startswith("/root/")


@pytest.mark.parametrize("key", [".work-abc/x", "t/.a.0123456789abcdef.part"])
def test_names_that_the_store_uses_itself_are_refused(store: LocalStore, key: str) -> None:
    """Such an object would not be listed."""
    assert kind_of(lambda: store.put(key, b"")) == "bad-key"


def test_a_linked_folder_is_not_followed(store: LocalStore, outside: Path, tmp_path: Path) -> None:
    (store.root / "evil").symlink_to(outside)
    (tmp_path / "mine").write_bytes(b"mine")
    for action in (
        lambda: list(store.read("evil/secret")),
        lambda: store.put("evil/new", b"x"),
        lambda: store.put("evil/new/deeper", b"x"),
        lambda: store.put("evil/secret", b"x"),
        lambda: store.delete("evil/secret"),
        lambda: store.adopt(tmp_path / "mine", "evil/secret"),
        lambda: store.local_path("evil/secret"),
    ):
        with pytest.raises(StoreError) as caught:
            action()
        assert caught.value.kind == "symlink"
        assert str(store.root / "evil") in caught.value.message
    assert [entry.key for entry in store.list()] == ["t/kept"]
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_linked_file_is_not_followed(store: LocalStore, outside: Path) -> None:
    link = store.root / "t" / "link"
    link.symlink_to(outside / "secret")
    for action in (lambda: list(store.read("t/link")), lambda: store.local_path("t/link")):
        assert kind_of(action) == "symlink"
    assert [entry.key for entry in store.list()] == ["t/kept"]
    store.put("t/link", b"new")  # replaces the link, not what it points at
    assert not link.is_symlink()
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_linked_temporary_name_is_only_unlinked(store: LocalStore, outside: Path) -> None:
    (store.root / ".work-evil").symlink_to(outside)
    (left,) = store.unfinished()
    store.discard(left)
    assert (outside / "secret").read_bytes() == b"secret"
    assert not (store.root / ".work-evil").is_symlink()


def test_a_named_pipe_does_not_block(store: LocalStore) -> None:
    os.mkfifo(store.root / "t" / "pipe")
    assert kind_of(lambda: list(store.read("t/pipe"))) == "not-a-file"
    assert [entry.key for entry in store.list()] == ["t/kept"]


def test_a_name_that_is_not_utf8_does_not_break_the_listing(store: LocalStore) -> None:
    Path(os.fsdecode(os.fsencode(store.root) + b"/t/\xff")).write_bytes(b"")
    assert sorted(entry.key for entry in store.list()) == ["t/kept", "t/\ufffd"]


@pytest.mark.parametrize("ref", ["t/kept", "t", "../outside/secret", "../outside", "/etc/passwd"])
def test_only_leftovers_can_be_discarded(store: LocalStore, outside: Path, ref: str) -> None:
    with pytest.raises((StoreError, ConfigError)):
        store.discard(Unfinished("t/kept", ref, next(store.list()).modified))
    assert (outside / "secret").read_bytes() == b"secret"
    assert [entry.key for entry in store.list()] == ["t/kept"]


def test_leftovers_are_found_by_the_key_that_they_were_for(store: LocalStore) -> None:
    (store.root / "t" / ".a.dump.0123456789abcdef.part").write_bytes(b"half")
    (store.root / ".work-old").mkdir()
    (store.root / ".work-old" / "toc.dat").write_bytes(b"")
    assert sorted(item.key for item in store.unfinished()) == [".work-old", "t/a.dump"]
    assert [item.key for item in store.unfinished("t/a")] == ["t/a.dump"]
    assert [item.key for item in store.unfinished("t/b")] == []
    assert [entry.key for entry in store.list()] == ["t/kept"]
    for item in list(store.unfinished()):
        store.discard(item)
    assert sorted(path.name for path in store.root.rglob("*")) == ["kept", "t"]


def test_files_are_private(store: LocalStore, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        open_to_all = tmp_path / "mine"
        open_to_all.write_bytes(b"")
        open_to_all.chmod(0o666)
        store.put("new/folder/file", b"")
        store.adopt(open_to_all, "new/folder/adopted")
        fresh = LocalStore(tmp_path / "fresh")
        fresh.put("k", b"")
    finally:
        os.umask(old)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (store.root / "new").rglob("*")}
    assert modes == {"folder": 0o700, "file": 0o600, "adopted": 0o600}
    assert fresh.root.stat().st_mode & 0o777 == 0o700


def test_deleting_the_last_object_removes_the_empty_folders(store: LocalStore) -> None:
    store.put("t/20261124T000000Z/dir/toc.dat", b"")
    store.delete("t/20261124T000000Z/dir/toc.dat")
    assert sorted(path.name for path in store.root.rglob("*")) == ["kept", "t"]
    store.delete("t/kept")
    assert store.root.exists()


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "never" / "made")
    for action in (lambda: list(store.list()), lambda: list(store.read("k")), lambda: list(store.unfinished())):
        with pytest.raises(StoreError) as caught:
            action()
        assert caught.value.kind == "not-found"
        assert f"no folder {store.root}" in caught.value.message
    store.delete("k")
    assert store.free_bytes()
    assert not (tmp_path / "never").exists(), "looking must not make it"
    store.put("k", b"")
    assert [entry.key for entry in store.list()] == ["k"]


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    store = LocalStore(tmp_path / "link")
    store.put("k", b"1")
    assert b"".join(store.read("k")) == b"1"
    assert [entry.key for entry in store.list()] == ["k"]


def test_the_root_must_be_absolute() -> None:
    with pytest.raises(ConfigError):
        LocalStore(Path("backups"))


def test_a_folder_where_an_object_should_be(store: LocalStore) -> None:
    store.put("a/b", b"")
    for action in (lambda: store.put("a", b""), lambda: store.put("a/b/c", b""), lambda: list(store.read("a"))):
        with pytest.raises(StoreError):
            action()
    assert sorted(entry.key for entry in store.list()) == ["a/b", "t/kept"]
    assert not list(store.unfinished())


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EDQUOT, "quota", "after 1,000 bytes"),
        (errno.ENOSPC, "store-full", "at least 1,000 bytes are needed"),
        (errno.EROFS, "read-only", "read-only"),
        (errno.ENAMETOOLONG, "name-too-long", "so long a name"),
        (errno.EIO, "store", "Input/output error"),
    ],
)
def test_what_the_system_says(tmp_path: Path, number: int, kind: str, words: str) -> None:
    with pytest.raises(StoreError) as caught, translated(tmp_path, tmp_path / "k", "writing k", written=1000):
        raise OSError(number, os.strerror(number))
    assert caught.value.kind == kind
    assert words in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert caught.value.hint
    assert isinstance(caught.value, StoreFullError) == (kind in ("quota", "store-full"))


def test_a_name_too_long_for_the_disk(store: LocalStore) -> None:
    assert kind_of(lambda: store.put("t/" + "n" * 255, b"")) == "name-too-long"


def test_ten_thousand_parts_hold_five_terabytes() -> None:
    sizes = [part_bytes(number, 6 << 20) for number in range(1, MAX_PARTS + 1)]
    assert sum(sizes) >= 5 * 10**12
    assert sizes == sorted(sizes)
    assert max(sizes) <= MAX_PART_BYTES
    with pytest.raises(StoreFullError):
        part_bytes(MAX_PARTS + 1, 6 << 20)


@pytest.mark.parametrize(
    ("bucket", "prefix", "url"),
    [("b", "", "s3://b"), ("b", "prod", "s3://b/prod"), ("b", "/prod/x/", "s3://b/prod/x")],
)
def test_the_url_of_a_bucket(bucket: str, prefix: str, url: str) -> None:
    assert S3Store(bucket, prefix, endpoint_url="https://user:secret@host").url == url


def test_settings_that_s3_cannot_have() -> None:
    with pytest.raises(ConfigError):
        S3Store("b", part_bytes=1 << 20)
    with pytest.raises(ConfigError):
        S3Store("b", "a/../b")


def test_boto3_is_not_imported_with_the_module() -> None:
    """`invoke --list` must stay fast."""
    code = "import sys, dbops.store.s3; dbops.store.s3.S3Store('b'); sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
