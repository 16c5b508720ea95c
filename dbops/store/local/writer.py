"""One object on its way into a folder: written under a temporary name, flushed, renamed."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, suppress
from pathlib import Path

from dbops.store.hashing import Hashed
from dbops.store.local.errors import store_error, translated
from dbops.store.local.folders import folder, hold, prune

_TRIES = 100
_FLUSH_BYTES = 8 << 20


class LocalWriter(Hashed):
    """Receives one object's bytes. End it with `publish()` or `abandon()`."""

    def __init__(self, root: Path, key: str) -> None:
        super().__init__()
        self._root = root
        self._path = root / key
        self._doing = f"writing {key}"
        *self._parents, self._name = key.split("/")
        self._temporary = f".{self._name}.{secrets.token_hex(8)}.part"
        self._flushed = 0
        self._open = ExitStack()
        try:
            with translated(root, self._path, self._doing):
                self._create()
        except BaseException:
            self.abandon()
            raise

    def _create(self) -> None:
        for attempt in range(_TRIES):
            self._folder = self._open.enter_context(folder(self._root, self._parents, create=True))
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                self._file = os.open(self._temporary, flags, 0o600, dir_fd=self._folder)
                break
            except FileNotFoundError:  # another process removed the empty folder just now
                self._open.close()
                if attempt == _TRIES - 1:
                    raise
        self._open.callback(os.close, self._file)
        hold(self._file)

    def write(self, data: bytes) -> None:
        """Takes the next bytes. Raises `StoreFullError`, `StoreError`."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            needed = self._bytes + len(data)
            written = needed - len(rest)
            raise store_error(error, self._root, self._path, self._doing, written, needed) from error
        self.passed(data)
        if self._bytes - self._flushed >= _FLUSH_BYTES:
            self._flush_early()

    def _flush_early(self) -> None:
        """Has the kernel begin to write what it holds back, so that little is left to wait for in `publish`."""
        start, self._flushed = self._flushed, self._bytes
        if hasattr(os, "posix_fadvise"):  # not on macOS
            with suppress(OSError):  # only a hint: `publish` flushes, and tells what fails
                os.posix_fadvise(self._file, start, self._flushed - start, os.POSIX_FADV_DONTNEED)

    def publish(self) -> None:
        """Makes the object visible; it is on the disk when this returns."""
        with translated(self._root, self._path, self._doing, written=self._bytes):
            os.fsync(self._file)
            os.replace(self._temporary, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            os.fsync(self._folder)
        self._open.close()

    def abandon(self) -> None:
        """Removes what was written, and the folders made for it; never raises: the first error is the one to tell."""
        with suppress(OSError, AttributeError):  # no attribute: it failed before there was a file
            os.unlink(self._temporary, dir_fd=self._folder)
        self._open.close()
        prune(self._root, self._parents)
