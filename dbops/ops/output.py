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
from dbops.folder import temporary_folder
from dbops.keys.stream import Sealer
from dbops.model import SEALED, Artifact
from dbops.store.base import Sink, Stored
from dbops.store.readback import read_back


class StoreOutput:
    """See `engine.base.DumpOutput`. Thread-safe.

    With a `sealer` all that comes in is encrypted on its way, but for what is put `open`; `workspace` then is the
    folder in which a tool may leave files that are not encrypted yet.
    """

    def __init__(
        self,
        catalog: Catalog,
        target: str,
        backup: str,
        sealer: Sealer | None = None,
        workspace: Path | None = None,
    ) -> None:
        self._sealer = sealer
        self._workspace = workspace
        self._store = catalog.store
        self._prefix = catalog.key(target, backup, "")
        self._lock = threading.Lock()
        self._stored: list[Stored] = []

    @contextmanager
    def stream(self, name: str) -> Iterator[Sink]:
        key = self._key(name)
        with self._store.writer(key) as writer:
            if self._sealer is None:
                yield writer
            else:
                with self._sealer.writer(writer) as sink:
                    yield sink
        self._note(Stored(key, writer.bytes, writer.sha256))

    def adopt(self, path: Path, name: str) -> None:
        key = self._key(name)
        if self._sealer is None:
            self._note(self._store.adopt(path, key))
            return
        with path.open("rb") as file, self._store.writer(key) as writer:
            self._sealer.copy(file, writer)
        path.unlink()
        self._note(Stored(key, writer.bytes, writer.sha256))

    def put(self, name: str, data: bytes) -> None:
        """One small artifact."""
        self._note(self._store.put(self._key(name), data if self._sealer is None else self._sealer.sealed(data)))

    def put_open(self, name: str, data: bytes) -> None:
        """One small artifact that everybody may read."""
        self._note(self._store.put(self._prefix + name, data))

    def workspace(self) -> AbstractContextManager[Path]:
        """Never in the store if what a tool writes there is not encrypted yet."""
        return self._store.workspace() if self._sealer is None else temporary_folder(self._workspace)

    def _key(self, name: str) -> str:
        return self._prefix + name + (SEALED if self._sealer is not None else "")

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
