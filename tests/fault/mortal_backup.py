"""A backup that is killed at a chosen step of its work with the store: `python -m tests.fault.mortal_backup …`.

Arguments: URL, folder, jobs, step. A step is the begin or the end of one operation of the store, or a piece written.
SIGKILL comes at that step; if there are fewer, the process ends by itself and prints how many there were.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from dbops.store.base import Stored
from dbops.store.local import LocalStore
from dbops.store.local.writer import LocalWriter
from tests.fault.support import run, target

T = TypeVar("T")


class MortalStore(LocalStore):
    def __init__(self, root: Path, last: int) -> None:
        super().__init__(root)
        self.steps = 0
        self._last = last
        self._lock = threading.Lock()

    def _step(self) -> None:
        with self._lock:
            self.steps += 1
            if self.steps == self._last:
                os.kill(os.getpid(), signal.SIGKILL)

    def _around(self, work: Callable[[], T]) -> T:
        self._step()
        done = work()
        self._step()
        return done

    @contextmanager
    def writer(self, key: str) -> Iterator[LocalWriter]:
        self._step()
        with super().writer(key) as writer:
            write = writer.write

            def stepping(data: bytes) -> None:
                self._step()
                write(data)

            writer.write = stepping  # type: ignore[method-assign]
            yield writer
            self._step()
        self._step()

    def adopt(self, path: Path, key: str) -> Stored:
        return self._around(lambda: super(MortalStore, self).adopt(path, key))

    def delete(self, key: str) -> None:
        self._around(lambda: super(MortalStore, self).delete(key))

    def read(self, key: str) -> Iterator[bytes]:
        self._step()
        yield from super().read(key)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        with super().workspace() as path:
            self._step()
            yield path
            self._step()


def main(url: str, folder: str, jobs: str, last: str) -> None:
    store = MortalStore(Path(folder), int(last))
    run(target(url, jobs=int(jobs)), store)
    print(store.steps)


if __name__ == "__main__":
    main(*sys.argv[1:])
