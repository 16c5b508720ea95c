"""Small backups over some days, for prunes that are killed, refused or run twice; and a store that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from dbops import app
from dbops.catalog import MANIFEST, Catalog, State
from dbops.config import Keep, Policy
from dbops.model import Artifact, Failure, Manifest, Report, Verdict
from dbops.ops.prune import Pruning, prune
from dbops.progress import Silent
from dbops.store.base import Entry, Protection, Store, Stored, Unfinished
from tests.contract.backends import get, keys
from tests.fault.support import NAME
from tests.unit.samples import a_manifest

T = TypeVar("T")
FILES = ("globals.sql", "RESTORE.md", "SHA256SUMS")
TWO = Policy(keep=Keep(last=2))


def backups(store: Store, count: int = 5) -> list[Manifest]:
    """One a day, the newest an hour old; each of four files. Newest first."""
    return [add(store, app.now() - timedelta(hours=1 + 24 * day)) for day in range(count)]


def add(store: Store, moment: datetime, **changes: Any) -> Manifest:
    made = a_manifest(NAME, moment.replace(microsecond=0), **changes)
    artifacts = []
    for name in (made.artifacts[0].name, *FILES):
        data = f"{made.id} {name}".encode()
        store.put(f"{NAME}/{made.id}/{name}", data)
        artifacts.append(Artifact(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
    made = msgspec.structs.replace(made, artifacts=tuple(artifacts))
    Catalog(store).publish(made)
    return made


def proved(
    store: Store,
    manifest: Manifest,
    verdict: Verdict,
    at: datetime,
    task: str = "verify",
    failure: Failure = Failure.NONE,
) -> None:
    """A record of a verification or drill."""
    Catalog(store).records.add(manifest, Report(task=task, target=NAME, verdict=verdict, failure=failure), at)


def pruned(
    store: Store, policy: Policy | None = TWO, *, clock: Callable[[], datetime] = app.now, agreed: bool = True
) -> Pruning:
    """A prune without a database."""
    return prune(None, Catalog(store), NAME, clock=clock, progress=Silent(), confirm=lambda _: agreed, policy=policy)


def listed(store: Store) -> list[str]:
    """Ids of the backups that are listed, newest first; each is whole, to the last byte."""
    found = []
    for item in Catalog(store).list(NAME):
        if item.state is State.DEBRIS:
            continue
        assert item.manifest is not None, item.reason
        for artifact in item.manifest.artifacts:
            data = get(store, f"{NAME}/{item.id}/{artifact.name}")
            assert hashlib.sha256(data).hexdigest() == artifact.sha256
        found.append(item.id)
    return found


def exactly(store: Store, *manifests: Manifest) -> None:
    """These backups, and not an object more: no note, no half-deleted folder."""
    expected = [f"{NAME}/{m.id}/{name}" for m in manifests for name in (*(a.name for a in m.artifacts), MANIFEST)]
    assert [key for key in keys(store) if "/drills/" not in key] == sorted(expected)
    assert listed(store) == [m.id for m in manifests]


class Counting:
    """A store that says before and after each of its operations how many there were until now."""

    def __init__(self, inner: Store, step: Callable[[int], object]) -> None:
        self._inner = inner
        self._step = step
        self.steps = 0

    def _count(self) -> None:
        self.steps += 1
        self._step(self.steps)

    def _around(self, work: Callable[[], T]) -> T:
        self._count()
        done = work()
        self._count()
        return done

    @property
    def url(self) -> str:
        return self._inner.url

    def put(self, key: str, data: bytes) -> Stored:
        return self._around(lambda: self._inner.put(key, data))

    def delete(self, key: str) -> None:
        self._around(lambda: self._inner.delete(key))

    def list(self, prefix: str = "") -> Iterator[Entry]:
        return iter(self._around(lambda: list(self._inner.list(prefix))))

    def read(self, key: str) -> Iterator[bytes]:
        return self._inner.read(key)

    def protection(self, key: str) -> Protection:
        return self._inner.protection(key)

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        return self._inner.unfinished(prefix)

    def discard(self, item: Unfinished) -> None:
        self._around(lambda: self._inner.discard(item))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
