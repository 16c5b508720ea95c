"""What tests of backups into buckets share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dbops.store.s3 import S3Store
from tests.contract.backends import PART
from tests.fault.support import At


class Later(At):
    """Acts once so many bytes are written that parts of the upload are under way."""

    def __init__(self, act: Any) -> None:
        super().__init__("far", act)
        self.bytes = 0

    def advance(self, count: int) -> None:
        self.bytes += count
        if self.bytes > 2 * PART:
            self._meet("far")


class Unlisted:
    """The raw service knows no listing: an empty store."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def list(self, prefix: str = "") -> Iterator[Any]:
        return iter(())
