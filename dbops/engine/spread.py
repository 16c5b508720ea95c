"""Work over the tables of a snapshot, spread over several sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import TypeVar

from dbops.engine.base import Content, TableKey, TableRef

Reader = TypeVar("Reader")


def spread(
    tables: Sequence[TableRef],
    jobs: int,
    session: Callable[[], AbstractContextManager[Reader]],
    work: Callable[[Reader, TableRef], Content],
    done: Callable[[TableRef], None],
) -> dict[TableKey, Content]:
    """`work` over all tables in at most `jobs` sessions; the first error stops the others and is raised."""
    waiting: SimpleQueue[TableRef] = SimpleQueue()
    for table in tables:
        waiting.put(table)
    results: dict[TableKey, Content] = {}
    stop = threading.Event()

    def worker() -> None:
        try:
            with session() as reader:
                while not stop.is_set():
                    try:
                        table = waiting.get_nowait()
                    except Empty:
                        return
                    results[table.schema, table.name] = work(reader, table)
                    done(table)
        except BaseException:
            stop.set()
            raise

    count = max(1, min(jobs, len(tables)))
    with ThreadPoolExecutor(count, thread_name_prefix="inventory") as pool:
        futures = [pool.submit(worker) for _ in range(count)]
    for future in futures:
        future.result()
    return results
