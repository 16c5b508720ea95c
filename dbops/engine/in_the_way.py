"""Sessions that are in the way of a swap: the refusal that names them, and ending them for as long as it takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeVar

from dbops.errors import DbopsError, RefusedError
from dbops.language import joined, msg

GRACE_SECONDS = 5.0
"""How long sessions that are on their way out, such as those of a stopped application, are waited for."""
_AGAIN_SECONDS = 0.1
_Connection = TypeVar("_Connection")


def refusal(name: str, lines: Sequence[str], unseen: str) -> RefusedError:
    """The refusal that names the sessions of a database, a line each; `unseen`: whose they are where `lines` is
    empty."""
    return RefusedError(
        msg("{name} has other sessions: {lines}", name=name, lines=joined("; ", lines) or unseen),
        hint=msg("end them, configure targets.*.app.stop, or add --end-sessions"),
        kind="in-use",
    )


@contextmanager
def ending(session: AbstractContextManager[_Connection], end: Callable[[_Connection], None]) -> Iterator[None]:
    """Calls `end` again and again in a session of its own, for the time of the block; the block begins after the first
    time. If that session cannot be had nothing is raised: what the block does says who is in the way."""
    stop, first = threading.Event(), threading.Event()

    def work() -> None:
        with suppress(DbopsError), session as connection:
            while True:
                end(connection)
                first.set()
                if stop.wait(_AGAIN_SECONDS):
                    return

    thread = threading.Thread(target=work, name="end-sessions", daemon=True)
    thread.start()
    first.wait(GRACE_SECONDS)
    try:
        yield
    finally:
        stop.set()
        thread.join()
