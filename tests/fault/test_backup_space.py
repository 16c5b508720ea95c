"""The store has no room, or refuses to be written (B03, B04)."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import Bytes, Policy
from dbops.config.units import format_size, parse_size
from dbops.errors import StoreError, StoreFullError
from dbops.model import Manifest
from dbops.ops.backup import backup
from dbops.ops.backup_plan import Plan
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.fault.support import BIG, At, no_sessions, only, programs, run, target, verified
from tests.servers import Database

MIB = 1 << 20


@pytest.fixture(scope="module")
def shop(filled: Callable[[str, int], Database]) -> Database:
    return filled("space", BIG)


def limited(folder: Path, size: str) -> None:
    """Another size for a mounted tmpfs."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True, capture_output=True)


@pytest.fixture
def small(small_tmpfs: Callable[[str], Path], little: Database) -> tuple[Path, Manifest]:
    """A store with 8 MB of room and a small backup, by which the next one's size is guessed."""
    folder = small_tmpfs("8m")
    limited(folder, "64m")  # the first guess is half the database
    older = run(target(little.url), folder)
    limited(folder, "8m")
    return folder, older


@pytest.mark.parametrize("level", ["counts", "content"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_disk_fills_up_midway(shop: Database, small: tuple[Path, Manifest], jobs: int, level: str) -> None:
    folder, older = small
    free = LocalStore(folder).free_bytes()
    progress = At("phase dump", lambda: None)
    with pytest.raises(StoreFullError) as caught:
        run(target(shop.url, jobs=jobs, inventory=level), folder, progress)
    assert progress.done, "the disk was to be full while the dump is written"
    assert caught.value.kind == "store-full"
    assert caught.value.exit_code == 4
    assert caught.value.hint
    only(folder, older)
    assert LocalStore(folder).free_bytes() == free
    verified(folder)
    no_sessions(shop)
    assert not programs("pg_dump", "pg_restore", "psql")


def test_the_disk_is_full_when_the_manifest_is_written(little: Database, small: tuple[Path, Manifest]) -> None:
    folder, older = small

    def eat() -> None:
        """All but a page or two: less than a manifest."""
        with contextlib.suppress(OSError), (folder / "other").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    with pytest.raises(StoreFullError):
        run(target(little.url), folder, At("phase publish", eat))
    (folder / "other").unlink()
    only(folder, older)


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_store_becomes_read_only(shop: Database, small: tuple[Path, Manifest], jobs: int) -> None:
    folder, older = small
    limited(folder, "64m")

    def lock() -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=False, capture_output=True)

    # A file that is open for writing keeps the mount as it is: so while nothing is written.
    with pytest.raises(StoreError) as caught:
        run(target(shop.url, jobs=jobs), folder, At("phase preflight", lock))
    assert caught.value.kind == "read-only"
    assert caught.value.exit_code == 4
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    only(folder, older)
    verified(folder)


def test_a_dry_run_sees_a_store_that_takes_no_files(little: Database, small: tuple[Path, Manifest]) -> None:
    folder, older = small
    chosen = target(little.url)

    def dry(store: Path) -> object:
        engine, catalog = app.open_engine(chosen), Catalog(LocalStore(store))
        return backup(engine, catalog, chosen, clock=app.now, progress=Silent(), dry_run=True)

    assert isinstance(dry(folder), Plan)
    assert isinstance(dry(folder / "new" / "store"), Plan), "the first backup makes it"
    (folder / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="a file is where a folder is needed"):
        dry(folder / "file" / "store")
    (folder / "file").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    with pytest.raises(StoreError, match="mounted read-only") as caught:
        dry(folder)
    assert (caught.value.kind, caught.value.exit_code) == ("not-writable", 4)
    with pytest.raises(StoreError, match="mounted read-only"):
        dry(folder / "new" / "store")
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
    only(folder, older)


# -- before it begins (B04) ------------------------------------------------------------------------------------------


def test_too_little_space_from_the_start(shop: Database, small_tmpfs: Callable[[str], Path]) -> None:
    folder = small_tmpfs("8m")
    progress = At("phase dump", lambda: None)
    with pytest.raises(StoreFullError) as caught:
        run(target(shop.url), folder, progress)
    assert not progress.done
    assert caught.value.kind == "no-space"
    told = re.search(r"has (.+) free; the backup needs about (.+)", caught.value.message)
    assert told is not None, caught.value.message
    assert told[1] == format_size(LocalStore(folder).free_bytes() or 0)
    assert parse_size(told[2]) > 15 * MIB
    assert "min_free" not in caught.value.hint, "none is set"
    assert list(folder.iterdir()) == []


def test_the_last_backup_says_how_much_is_needed(shop: Database, small_tmpfs: Callable[[str], Path]) -> None:
    folder = small_tmpfs("64m")
    older = run(target(shop.url), folder)
    limited(folder, f"{older.bytes * 2 // 1024 - 256}k")
    with pytest.raises(StoreFullError) as caught:
        run(target(shop.url), folder)
    assert caught.value.kind == "no-space"
    assert f"needs about {format_size(older.bytes)}" in caught.value.message
    only(folder, older)


def test_min_free_is_kept(little: Database, small: tuple[Path, Manifest]) -> None:
    folder, older = small
    free = LocalStore(folder).free_bytes() or 0
    wanted = free - older.bytes + 1
    with pytest.raises(StoreFullError) as caught:
        run(target(little.url, policy=Policy(min_free=Bytes(wanted))), folder)
    assert f"and {format_size(wanted)} are to stay free" in caught.value.message
    assert "min_free" in caught.value.hint
    only(folder, older)
    run(target(little.url, policy=Policy(min_free=Bytes(free - older.bytes - MIB))), folder)
