"""Locks on tables, looked at from beside the session that holds them.

Where each statement is a transaction of its own (MySQL, MariaDB; autocommit) its locks are gone before it could tell of
them itself. Looked at every few milliseconds, the locks of a statement that takes long enough to matter are seen, and
how long each was held, to within one look.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from dbops.engine.migrating import Locks, Migrator, TableLock
from dbops.errors import DbopsError
from dbops.migrations.runner_events import Begun, Event, SessionOpened, Statement
from dbops.ops.rehearse_facts import HeldLock
from dbops.ops.rehearse_measure import shown

_LOOK_SECONDS = 0.01


class Look(NamedTuple):
    """`at`: seconds since the application's interpreter began, as in its events."""

    at: float
    locks: frozenset[TableLock]


class LockWatch:
    """`reason`: why nothing could be seen; '' if it could."""

    def __init__(self, migrator: Migrator) -> None:
        self._migrator = migrator
        self.reason = ""
        self._clock = 0.0
        self._sessions: list[int] = []
        self._looks: list[tuple[float, frozenset[TableLock]]] = []

    def hear(self, event: Event) -> None:
        """Which sessions there are, and what their clock says."""
        if isinstance(event, Begun):
            self._clock = event.clock
        elif isinstance(event, SessionOpened) and event.here:
            self._sessions.append(event.id)

    @property
    def looks(self) -> tuple[Look, ...]:
        """What was seen so far, by the clock of the application's process."""
        return tuple(Look(at - self._clock, locks) for at, locks in self._looks)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Looks while the block runs; that it cannot is no reason to stop anything."""
        over = threading.Event()
        with ExitStack() as stack:
            try:
                locks = stack.enter_context(self._migrator.locks())
            except DbopsError as error:
                self.reason = error.message
                yield
                return
            thread = threading.Thread(target=self._look, args=(locks, over), name="locks", daemon=True)
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join()

    def _look(self, locks: Locks, over: threading.Event) -> None:
        while not over.wait(_LOOK_SECONDS):
            if not self._sessions:
                continue
            begun = time.monotonic()
            try:
                found = locks(tuple(self._sessions))
            except DbopsError as error:
                self.reason = error.message
                return
            self._looks.append((begun, found))


class Seen(NamedTuple):
    """`unseen`: statements that were over before anybody could look, or while nobody could."""

    held: tuple[HeldLock, ...]
    unseen: int


def held(events: Sequence[Event], looks: Sequence[Look], known: Collection[str]) -> Seen:
    """What statements that cannot tell of it themselves held on tables that are `known` from before."""
    found: list[HeldLock] = []
    unseen = 0
    for one in events:
        if not isinstance(one, Statement) or not one.revision or one.observed:
            continue
        end = one.at + one.seconds
        during = [look for look in looks if one.at <= look.at <= end]
        unseen += not during
        found += _of(one, during, end, known)
    return Seen(tuple(found), unseen)


def _of(one: Statement, looks: Sequence[Look], end: float, known: Collection[str]) -> Iterator[HeldLock]:
    """Each look stands for the time until the next one. A lock that keeps readers away keeps writers away, too."""
    seconds: dict[tuple[str, str], float] = {}
    modes: dict[tuple[str, str], str] = {}
    ends = [*(look.at for look in looks[1:]), end]
    for look, until in zip(looks, ends, strict=False):  # without a look there is only the end
        locks = {lock for lock in look.locks if lock.blocks and lock.relation in known}
        for relation, blocks in {(lock.relation, what) for lock in locks for what in {lock.blocks, "writes"}}:
            seconds[relation, blocks] = seconds.get((relation, blocks), 0.0) + until - look.at
        modes |= {(lock.relation, lock.blocks): lock.mode for lock in locks}
    for (relation, blocks), held_for in seconds.items():
        mode = modes.get((relation, blocks))
        if mode is not None:
            yield HeldLock(
                table=relation, mode=mode, blocks=blocks, seconds=held_for, revision=one.revision, sql=shown(one.sql)
            )
