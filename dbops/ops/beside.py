"""Work that goes on beside a dump, in the same snapshot: in a thread, quiet until the dump has ended, ended with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from dbops.engine.base import Snapshot
from dbops.progress import Progress

Found = TypeVar("Found")


class Later:
    """Progress of work that goes on beside a dump: kept to itself until the dump has ended, then shown."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._done = 0
        self._shown = False

    def begin(self, name: str, total_bytes: int) -> None:
        self._shown = True
        self._progress.phase(name, total_bytes=max(0, total_bytes - self._done))

    def phase(self, name: str, *, total_bytes: int | None = None) -> None:
        """Its phase is begun by `begin`."""

    def advance(self, count: int) -> None:
        if self._shown:
            self._progress.advance(count)
        else:
            self._done += count

    def item(self, name: str) -> None:
        if self._shown:
            self._progress.item(name)

    def note(self, text: str) -> None:
        self._progress.note(text)


@contextmanager
def beside(work: Callable[[], Found], snapshot: Snapshot) -> Iterator[Future[Found]]:
    """Runs `work` in a thread beside the block. If either fails, the other's sessions are ended and not waited for."""
    failed = threading.Event()
    causes: list[BaseException] = []

    def guarded() -> Found:
        try:
            return work()
        except BaseException as error:
            if not failed.is_set():
                causes.append(error)  # before what it brings about can be seen
                snapshot.cancel()  # the dump, too, ends at once
            raise

    with ThreadPoolExecutor(1, thread_name_prefix="inventory") as pool:
        future = pool.submit(guarded)
        try:
            yield future
        except BaseException as error:
            failed.set()
            if causes and isinstance(error, Exception):
                raise causes[0] from None
            snapshot.cancel()
            raise
