"""A folder as a store.

A write goes to `.<name>.<random>.part` beside its target, is flushed to the disk, and then renamed: the key shows the
old object or the whole new one, also after a crash. Temporary files and workspaces are locked (flock) while their
process lives, so `unfinished` tells an interrupted write from one that is still under way.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from dbops.errors import ConfigError, StoreError
from dbops.language import msg
from dbops.store.base import CHUNK, Entry, Protection, Stored, Unfinished, check_key
from dbops.store.hashing import Hashed
from dbops.store.local.errors import translated
from dbops.store.local.folders import PART, WORK_PREFIX, folder, hold, is_held, is_temporary, prune, walk
from dbops.store.local.writer import LocalWriter


class LocalStore:
    """Backups in a local folder (file://). The root is made by the first write; reading one that is not there fails.

    `root`: an absolute path. The root may be a symbolic link; links below it are never followed.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_absolute():
            raise ConfigError(
                msg("the store's folder {root!r} is not absolute", root=str(root)),
                hint=msg("use file:///absolute/path"),
            )
        self.root = root

    @property
    def url(self) -> str:
        return self.root.as_uri()

    @contextmanager
    def writer(self, key: str) -> Iterator[LocalWriter]:
        """See `Store.writer`. Raises `StoreFullError` with the bytes needed and free when the file system is full."""
        self._parts(key)
        writer = LocalWriter(self.root, key)
        try:
            yield writer
            writer.publish()
        except BaseException:
            writer.abandon()
            raise

    def put(self, key: str, data: bytes) -> Stored:
        with self.writer(key) as writer:
            writer.write(data)
        return Stored(key, writer.bytes, writer.sha256)

    def adopt(self, path: Path, key: str) -> Stored:
        """See `Store.adopt`. A rename within one file system (the file is read once, for its hash), else a copy."""
        *parents, name = self._parts(key)
        with translated(path.parent, path, msg("reading {path}", path=path)):
            source = _open_regular(path)
        try:
            with translated(self.root, self.root / key, msg("writing {key}", key=key)):
                with folder(self.root, parents, create=True) as target:
                    if os.fstat(source).st_dev == os.fstat(target).st_dev:
                        os.fchmod(source, 0o600)
                        with ThreadPoolExecutor(1) as pool:  # the disk writes while the processor hashes
                            synced = pool.submit(os.fsync, source)
                            stored = Stored(key, *_digest(source))
                            synced.result()
                        os.replace(path, name, dst_dir_fd=target)
                        os.fsync(target)
                        return stored
            with self.writer(key) as writer:
                for data in _chunks(source, path.parent, path, msg("reading {path}", path=path)):
                    writer.write(data)
        finally:
            os.close(source)
        path.unlink()
        return Stored(key, writer.bytes, writer.sha256)

    def read(self, key: str) -> Iterator[bytes]:
        file = self._open(key)
        try:
            yield from _chunks(file, self.root, self.root / key, msg("reading {key}", key=key))
        finally:
            os.close(file)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """See `Store.list`. Symbolic links, temporary files and workspaces are left out."""
        with translated(self.root, self.root / prefix, msg("listing {prefix}", prefix=prefix or self.root)):
            for key, _, entry in walk(self.root, prefix):
                if key.startswith(prefix) and entry.is_file(follow_symlinks=False) and not is_temporary(entry.name):
                    with suppress(FileNotFoundError):  # deleted since the folder was read
                        status = entry.stat(follow_symlinks=False)
                        yield Entry(key, status.st_size, _utc(status.st_mtime))

    def delete(self, key: str) -> None:
        """See `Store.delete`. Folders that become empty go too."""
        *parents, name = self._parts(key)
        with translated(self.root, self.root / key, msg("deleting {key}", key=key)), suppress(FileNotFoundError):
            with folder(self.root, parents) as above:
                os.unlink(name, dir_fd=above)
                os.fsync(above)
        prune(self.root, parents)

    def protection(self, key: str) -> Protection:
        """See `Store.protection`. A folder has nothing of the kind."""
        check_key(key)
        return Protection()

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        """See `Store.unfinished`. The key of a workspace is its own name, so only the empty prefix finds workspaces.

        What a living process still holds is left out, where the file system knows flock.
        """
        with translated(self.root, self.root / prefix, msg("listing {prefix}", prefix=prefix or self.root)):
            for found in walk(self.root, prefix):
                part = PART.match(found.entry.name)
                key = f"{found.key.removesuffix(found.entry.name)}{part['name']}" if part else found.key
                if is_temporary(found.entry.name) and key.startswith(prefix) and not is_held(found):
                    with suppress(FileNotFoundError):
                        yield Unfinished(key, found.key, _utc(found.entry.stat(follow_symlinks=False).st_mtime))

    def discard(self, item: Unfinished) -> None:
        """See `Store.discard`. Refuses (kind 'bad-ref') to remove anything but a temporary file or a workspace."""
        *parents, name = check_key(item.ref).split("/")
        if not is_temporary(name):
            raise StoreError(
                msg("{ref} is not what an interrupted write leaves behind: not removed", ref=item.ref), kind="bad-ref"
            )
        with (
            translated(self.root, self.root / item.ref, msg("deleting {ref}", ref=item.ref)),
            suppress(FileNotFoundError),
        ):
            with folder(self.root, parents) as above:
                if stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                    shutil.rmtree(name, dir_fd=above)
                else:
                    os.unlink(name, dir_fd=above)
        prune(self.root, parents)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """See `Store.workspace`. Lies inside the root, so that `adopt` is a rename."""
        with translated(self.root, self.root / WORK_PREFIX, msg("making a workspace")):
            with folder(self.root, [], create=True) as root:
                path = Path(tempfile.mkdtemp(prefix=WORK_PREFIX, dir=self.root))
                held = os.open(path.name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=root)
        try:
            hold(held)
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)  # what cannot be removed is listed as unfinished
            os.close(held)

    def local_path(self, key: str) -> Path | None:
        """See `Store.local_path`. Never names a path outside the root: `StoreError` ('not-found', 'symlink')."""
        os.close(self._open(key))
        return self.root / key

    def free_bytes(self) -> int | None:
        """Bytes that this user may still write to the file system of the root (of its nearest folder that exists)."""
        with translated(self.root, self.root, msg("asking for free space")):
            status = os.statvfs(next(path for path in (self.root, *self.root.parents) if path.exists()))
        return status.f_bavail * status.f_frsize

    def _open(self, key: str) -> int:
        *parents, name = self._parts(key)
        with translated(self.root, self.root / key, msg("reading {key}", key=key)), folder(self.root, parents) as above:
            return _open_regular(name, above)

    def _parts(self, key: str) -> tuple[str, ...]:
        """The parts of a key that `list` would show."""
        parts = tuple(check_key(key).split("/"))
        if any(is_temporary(part) for part in parts):
            raise ConfigError(
                msg("{key!r} looks like a store's temporary name", key=key), hint=msg("choose another"), kind="bad-key"
            )
        return parts


def _open_regular(path: Path | str, above: int | None = None) -> int:
    """Opens a file for reading; not a link, and not what could block for ever, such as a named pipe."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=above)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise StoreError(
        msg("{path} is not a regular file", path=path),
        hint=msg("a store holds plain files and folders"),
        kind="not-a-file",
    )


def _chunks(file: int, root: Path, path: Path, doing: str) -> Iterator[bytes]:
    with translated(root, path, doing):
        while data := os.read(file, CHUNK):
            yield data


def _digest(file: int) -> tuple[int, str]:
    """Size in bytes and SHA-256 of what an open file still holds."""
    read = Hashed()
    while data := os.read(file, CHUNK):
        read.passed(data)
    return read.bytes, read.sha256


def _utc(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
