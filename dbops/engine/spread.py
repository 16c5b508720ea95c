"""Work that is spread over several sessions of a server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import TypeVar

from dbops.engine.base import Content, TableKey, TableRef

Session = TypeVar("Session")
Item = TypeVar("Item")
Result = TypeVar("Result")


def in_sessions(
    items: Iterable[Item],
    jobs: int,
    session: Callable[[], AbstractContextManager[Session]],
    work: Callable[[Session, Item], Result],
    *,
    name: str,
) -> list[tuple[Item, Result]]:
    """`work` over all items, begun in their order, in at most `jobs` sessions (threads of this `name`); in the order in
    which they were done. The first error stops the others and is raised. Nothing to do opens no session."""
    waiting: SimpleQueue[Item] = SimpleQueue()
    for item in items:
        waiting.put(item)
    results: list[tuple[Item, Result]] = []
    stop = threading.Event()

    def worker() -> None:
        try:
            with session() as opened:
                while not stop.is_set():
                    try:
                        item = waiting.get_nowait()
                    except Empty:
                        return
                    results.append((item, work(opened, item)))
        except BaseException:
            stop.set()
            raise

    count = min(max(1, jobs), waiting.qsize())
    if not count:
        return []
    with ThreadPoolExecutor(count, thread_name_prefix=name) as pool:
        futures = [pool.submit(worker) for _ in range(count)]
    for future in futures:
        future.result()
    return results


def spread(
    tables: Sequence[TableRef],
    jobs: int,
    session: Callable[[], AbstractContextManager[Session]],
    work: Callable[[Session, TableRef], Content],
    done: Callable[[TableRef], None],
) -> dict[TableKey, Content]:
    """`work` over all tables of a snapshot; see `in_sessions`."""

    def read(opened: Session, table: TableRef) -> Content:
        content = work(opened, table)
        done(table)
        return content

    found = in_sessions(tables, jobs, session, read, name="inventory")
    return {(table.schema, table.name): content for table, content in found}
