"""The port of stores: where backups live. Keys are relative names such as `finanzas/20261124T024500Z/manifest.json`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from dbops.errors import ConfigError
from dbops.language import msg

CHUNK = 1 << 20
"""Bytes per read: large enough that Python's share of the time is small, small enough to keep memory flat."""


class Stored(NamedTuple):
    """What was written: size in bytes and SHA-256 (hex) of exactly the bytes that the store took."""

    key: str
    bytes: int
    sha256: str


class Entry(NamedTuple):
    """One stored object, as listed. `modified` is UTC."""

    key: str
    bytes: int
    modified: datetime


class Unfinished(NamedTuple):
    """What an interrupted write left: a temporary file, or a multipart upload. `ref` is the store's own handle."""

    key: str
    ref: str
    modified: datetime


class Protection(NamedTuple):
    """What guards an object against deletion: a moment (UTC) before which the store keeps its bytes, a legal hold.

    `versioned`: a deletion only hides the object; its bytes stay until the store's own rules remove old versions.
    """

    locked_until: datetime | None = None
    held: bool = False
    versioned: bool = False


class Sink(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Takes all of `data`."""


class Writer(Sink, Protocol):
    """Receives one object's bytes; hashes them as they pass."""

    @property
    def bytes(self) -> int:
        """Written so far."""

    @property
    def sha256(self) -> str:
        """In hex, of what was written so far."""


class Store(Protocol):
    """A place for backups. Every method raises `StoreError` (or `StoreFullError`), never an error of a library.

    No object is ever visible half-written: it appears under its key when the write is complete, or not at all.
    """

    @property
    def url(self) -> str:
        """The store's URL for people: never with a secret."""

    def writer(self, key: str) -> AbstractContextManager[Writer]:
        """Streams one object. Published when the block ends; on any exception nothing of it stays."""

    def put(self, key: str, data: bytes) -> Stored:
        """Writes one small object."""

    def adopt(self, path: Path, key: str) -> Stored:
        """Takes over a finished local file: `path` is gone afterwards. A rename where the store can, else an upload."""

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in chunks of at most `CHUNK`. A missing object raises `StoreError` of kind 'not-found'."""

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Finished objects whose key begins with `prefix`, in no certain order; paged, not loaded at once."""

    def delete(self, key: str) -> None:
        """Removes an object; one that is not there is no error. Kind 'refused' where that is not allowed."""

    def protection(self, key: str) -> Protection:
        """What guards the object against `delete`, as far as these credentials may see it."""

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        """What interrupted writes left behind."""

    def discard(self, item: Unfinished) -> None:
        """Removes what an interrupted write left behind."""

    def workspace(self) -> AbstractContextManager[Path]:
        """A private, empty folder (0700) from which `adopt` is cheap where the store allows; removed at the end."""

    def local_path(self, key: str) -> Path | None:
        """The object as a local file that a tool can open, or None when it must be fetched."""

    def free_bytes(self) -> int | None:
        """Free space in bytes, or None where there is no such limit."""


def check_key(key: str) -> str:
    """Returns `key` if it is a plain relative name. `ConfigError` if not.

    Names come from manifests, which are hostile: no absolute path, no `..`, no empty part, no NUL, no backslash.
    """
    parts = key.split("/")
    if not key or any(part in ("", ".", "..") for part in parts) or any(c in key for c in "\\\0\n\r"):
        hint = msg("names are relative and have no '..'")
        raise ConfigError(msg("{key!r} is not a name inside a store", key=key), hint=hint, kind="bad-key")
    return key
