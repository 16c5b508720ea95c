"""A store under test, and the few things that tests do with one."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from dbops.store.base import Store, Stored

PART = 5 << 20
"""Bytes of a part in these tests: the least that S3 allows."""


class Backend(NamedTuple):
    """A store under test. `build`: an expression that makes the same store in another process. `can`: see S3Server."""

    name: str
    store: Store
    build: str
    can: frozenset[str]

    @property
    def is_s3(self) -> bool:
        return self.name != "local"


def content(size: int) -> bytes:
    """Bytes that no two positions of a part share, so that swapped parts show."""
    return b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(size // 32 + 1))[:size]


def pour(store: Store, key: str, data: bytes, piece: int = 700_001) -> Stored:
    with store.writer(key) as writer:
        for at in range(0, len(data), piece):
            writer.write(data[at : at + piece])
    return Stored(key, writer.bytes, writer.sha256)


def get(store: Store, key: str) -> bytes:
    return b"".join(store.read(key))


def keys(store: Store, prefix: str = "") -> list[str]:
    return sorted(entry.key for entry in store.list(prefix))
