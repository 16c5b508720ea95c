"""The upgrade itself: attempts with limits, who is in the way, and what each attempt came to."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from dbops.config import Migrations
from dbops.config.urls import Secret
from dbops.engine.base import Engine
from dbops.engine.migrating import Limits, Migrator
from dbops.errors import DbopsError
from dbops.language import msg
from dbops.migrations.goal import arrived
from dbops.migrations.history import History
from dbops.migrations.runner import Outcome, Runner
from dbops.migrations.runner_events import Event, RevisionBegun, SessionOpened
from dbops.ops import half_applied
from dbops.progress import Progress

_LOCK_CODES = ("55P03", "1205")
"""lock_not_available of PostgreSQL; lock wait timeout of MySQL and MariaDB, for rows and for tables."""
_LOOK_SECONDS = 0.3


class Result(NamedTuple):
    """`rows`: of the version table, after it. `half`: what stayed of a revision that has failed. `blockers`: who was in
    the way, last. `outcomes`: one for each attempt."""

    arrived: bool
    rows: frozenset[str]
    outcomes: tuple[Outcome, ...]
    blockers: tuple[str, ...]
    half: half_applied.HalfApplied | None

    @property
    def last(self) -> Outcome:
        """Of the last attempt."""
        return self.outcomes[-1]

    @property
    def locked_out(self) -> bool:
        """Whether it gave up because a lock was not granted in time."""
        return not self.arrived and is_lock_timeout(self.last)


def upgrade(
    engine: Engine,
    url: Secret,
    settings: Migrations,
    history: History,
    to: str,
    *,
    transactional: bool,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random.random,
) -> Result:
    """Runs the application's upgrade (`url` with its password), and again when it could not get a lock in time: at most
    `retries` times, with a pause that differs from run to run. Nothing is tried again that has left a part of a
    revision."""
    outcomes: list[Outcome] = []
    blockers: tuple[str, ...] = ()
    while True:
        outcome, seen = _attempt(engine.migrator(), url, settings, to, progress)
        outcomes.append(outcome)
        blockers = seen or blockers
        rows = engine.version_rows(settings.version_table, settings.version_schema).rows
        half = half_applied.heard(outcome, transactional=transactional)
        done = arrived(history, rows, to)
        if done or half is not None or not is_lock_timeout(outcome) or len(outcomes) > settings.retries:
            return Result(done, rows, tuple(outcomes), blockers, None if done else half)
        pause = float(settings.retry_wait) * (0.5 + chance())
        by = msg("; in the way: {seen}", seen=", ".join(seen)) if seen else ""
        progress.note(
            msg(
                "a lock was not granted within {float:g} s{by}; try {count} of {retries} in {pause:.1f} s",
                float=float(settings.lock_timeout),
                by=by,
                count=len(outcomes) + 1,
                retries=settings.retries + 1,
                pause=pause,
            )
        )
        sleep(pause)


def is_lock_timeout(outcome: Outcome) -> bool:
    """Whether a statement waited too long for a lock: the one failure that another attempt may mend."""
    failed = outcome.failed
    return failed is not None and failed.code in _LOCK_CODES and bool(outcome.why)


def _attempt(
    migrator: Migrator, url: Secret, settings: Migrations, to: str, progress: Progress
) -> tuple[Outcome, tuple[str, ...]]:
    limit = settings.statement_timeout
    limits = Limits(lock=float(settings.lock_timeout), statement=None if limit is None else float(limit))
    sessions: list[int] = []

    def hear(event: Event) -> None:
        if isinstance(event, SessionOpened) and event.here:
            sessions.append(event.id)
        elif isinstance(event, RevisionBegun):
            progress.item(event.revision)

    with migrator.sessions(limits) as rules, _watch(migrator, sessions) as seen:
        # The locks of each statement were measured in the rehearsal; here nothing is asked that is not needed.
        runner = Runner(settings, url, rules=rules, locks=False)
        try:
            outcome = runner.upgrade(to, on_event=hear, timeout=float(settings.timeout))
        except BaseException:
            _end(migrator, sessions)
            raise
        if outcome.timed_out or (outcome.trouble is None and not outcome.finished):
            _end(migrator, sessions)
    return outcome, tuple(seen)


def _end(migrator: Migrator, sessions: list[int]) -> None:
    """The server works on in a session whose client is gone; what it did is rolled back with it."""
    for session in sessions:
        try:
            migrator.end(session)
        except DbopsError:
            continue


@contextmanager
def _watch(migrator: Migrator, sessions: list[int]) -> Iterator[list[str]]:
    """Who keeps the sessions waiting, looked at from beside them; the last who did so are in the list at the end."""
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            for session in list(sessions):
                try:
                    found = migrator.blockers(session)
                except DbopsError:  # a look is no reason to stop
                    continue
                if found:
                    seen[:] = found

    thread = threading.Thread(target=look, name="blockers", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
