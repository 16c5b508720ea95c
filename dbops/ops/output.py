"""Where a dump's bytes go: into the store, below the backup's folder, each artifact counted and hashed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from dbops.catalog import MANIFEST, Catalog
from dbops.errors import DbopsError
from dbops.model import Artifact
from dbops.store.base import Stored, Writer
from dbops.store.readback import read_back


class StoreOutput:
    """See `engine.base.DumpOutput`. Thread-safe."""

    def __init__(self, catalog: Catalog, target: str, backup: str) -> None:
        self._store = catalog.store
        self._prefix = catalog.key(target, backup, "")
        self._lock = threading.Lock()
        self._stored: list[Stored] = []

    @contextmanager
    def stream(self, name: str) -> Iterator[Writer]:
        key = self._prefix + name
        with self._store.writer(key) as writer:
            yield writer
        self._note(Stored(key, writer.bytes, writer.sha256))

    def adopt(self, path: Path, name: str) -> None:
        self._note(self._store.adopt(path, self._prefix + name))

    def put(self, name: str, data: bytes) -> None:
        """One small artifact."""
        self._note(self._store.put(self._prefix + name, data))

    def workspace(self) -> AbstractContextManager[Path]:
        return self._store.workspace()

    def artifacts(self) -> tuple[Artifact, ...]:
        """What was stored so far, by name."""
        with self._lock:
            found = [
                Artifact(name=s.key.removeprefix(self._prefix), bytes=s.bytes, sha256=s.sha256) for s in self._stored
            ]
        return tuple(sorted(found, key=lambda artifact: artifact.name))

    def read_back(self, jobs: int, *, local: bool) -> None:
        """Reads every artifact from the store again and compares; `StoreError` of kind 'read-back' if one differs.

        Some S3-compatible stores keep the framing of boto3's trailing checksums as part of the object (boto3#4435).
        Files of a local store are read again only if `local`: they would come from the page cache.
        """
        wanted = [stored for stored in self._stored if local or self._store.local_path(stored.key) is None]
        with ThreadPoolExecutor(max(1, jobs)) as pool:
            list(pool.map(lambda stored: read_back(self._store, stored), wanted))

    def remove_all(self) -> None:
        """Removes what was stored, as far as the store lets us; what stays has no manifest and is debris.

        The manifest first, which may be there if only its reading back failed: it must never outlive its artifacts. If
        it cannot be removed, the backup is whole and stays.
        """
        try:
            self._store.delete(self._prefix + MANIFEST)
        except DbopsError:
            return
        with self._lock:
            stored, self._stored = self._stored, []
        for item in stored:
            with contextlib.suppress(DbopsError):
                self._store.delete(item.key)

    def _note(self, stored: Stored) -> None:
        with self._lock:
            self._stored.append(stored)
