"""Opens the moment of a backup: the sessions of the inventory and the dump programs all begin in it.

No program can be given a snapshot that is open already. So all begin while nobody can write: under a global read lock,
for as long as it takes them to begin. The application comes before its backup: a deadline that does not hang on the
server's answers gives the lock back. Where the right to lock is missing, the server's position in its own log tells
whether anything was written meanwhile; the attempt is repeated, and if that does not help, the backup says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pymysql

from dbops.engine.base import DumpPlan
from dbops.engine.mysql import census, server_log, source_views, waits
from dbops.engine.mysql.changes import tables_change
from dbops.engine.mysql.connect import Access, close, flavour
from dbops.engine.mysql.driver_errors import LOCK_TIMEOUT, error_of
from dbops.engine.mysql.dumping import DumpingSnapshot, Opened
from dbops.engine.mysql.flavour import Flavour
from dbops.engine.mysql.launch import Launcher
from dbops.engine.mysql.maintenance import rows, run, session_number
from dbops.engine.mysql.objects import schema_state
from dbops.engine.mysql.patience import Deadline, watched
from dbops.engine.mysql.plan import HISTORY, Part, parts
from dbops.engine.mysql.snapshot import begin
from dbops.engine.mysql.statements import statement
from dbops.errors import BadBackupError, DatabaseError, DbopsError, LockedError, ToolError
from dbops.language import msg
from dbops.model import Finding, Severity

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_DENIED = (1044, 1045, 1142, 1227, 1289, 1290)
"""The server's numbers for 'you may not', of which managed servers have several."""
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5
"""Until somebody who writes may have ended."""
_STEP = 0.01


@contextmanager
def open_moment(
    access: Access, plan: DumpPlan, *, lock_timeout: float, give_way: float | None
) -> Iterator[DumpingSnapshot]:
    """Opens the moment with `plan.jobs` sessions and the plan's programs.

    `lock_timeout`: seconds that the application may wait for us until the moment is open, from our asking for the lock
    to its return (`LockedError` of kind 'lock-timeout' names who is in the way).
    `give_way`: seconds that a schema change may wait for us afterwards before our sessions are ended; None: for ever.
    """
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(access.session())
        opening = _Opening(access, plan, holder, stack, lock_timeout)
        snapshot = opening.open()
        stack.callback(snapshot.close)
        stack.enter_context(watched(access, snapshot, session_number(holder), give_way))
        try:
            yield snapshot
            if what := snapshot.changes():
                raise tables_change(what)
        except DbopsError as error:
            if snapshot.gave_way:
                raise LockedError(
                    msg("the backup gave way: {gave_way}", gave_way=snapshot.gave_way),
                    hint=msg(
                        "run it when no schema change is under way; give_way in dbops.toml: how long others may wait"
                    ),
                    kind="gave-way",
                ) from None
            if isinstance(error, (ToolError, DatabaseError, BadBackupError)):
                with contextlib.suppress(DatabaseError):  # the server has gone: then that is the reason
                    if what := snapshot.changes():
                        raise tables_change(what) from None
            if error.kind == "mysql-1412":  # met by one of our own sessions, and undone since
                raise tables_change(error.message) from None
            raise


class _Opening:
    """The steps to an open moment."""

    def __init__(
        self,
        access: Access,
        plan: DumpPlan,
        holder: Connection,
        stack: contextlib.ExitStack,
        lock_timeout: float,
    ) -> None:
        self._access = access
        self._plan = plan
        self._holder = holder
        self._stack = stack
        self._lock_timeout = lock_timeout
        self._flavour: Flavour = flavour(holder)
        # The smaller part of the time: what waits for us meanwhile must also live through our beginning.
        run(holder, f"SET SESSION lock_wait_timeout = {max(1, int(lock_timeout * 0.6))}")
        self._launcher = stack.enter_context(Launcher.ready(access, self._flavour, plan))

    def open(self) -> DumpingSnapshot:
        self._forbid_schema_changes()
        tables = [(str(name), int(str(size))) for name, size, _ in rows(self._holder, statement("tables"))]
        counted = census.of_source(self._holder)
        known = schema_state(self._holder)
        left_out = source_views.undumpable(self._holder)
        counted["views"] -= len(left_out)
        everything = [str(name) for (name,) in rows(self._holder, "SHOW TABLES")]
        cut = parts(self._plan, self._access.database, tables, everything, [view.name for view in left_out])
        snapshot = self._locked(cut) or self._by_position(cut)
        snapshot.census, snapshot.definitions, snapshot.left_out = counted, known, left_out
        snapshot.charset = str(rows(self._holder, "SELECT @@character_set_database")[0][0])
        return snapshot

    # --- schema changes -----------------------------------------------------------------------------------------------

    def _forbid_schema_changes(self) -> None:
        """MySQL has a lock for it. Only where we can see who waits for it: else nobody would know for how long."""
        if self._flavour.name != "mysql" or not waits.may_see_others(self._holder):
            return
        try:
            run(self._holder, "LOCK INSTANCE FOR BACKUP")
        except pymysql.MySQLError as error:
            number, _ = error_of(error)
            if number == LOCK_TIMEOUT:
                raise LockedError(
                    msg("a schema change is under way: {running}", running=waits.running(self._holder, self._access)),
                    hint=msg("wait until it ends; lock_timeout in dbops.toml says how long a backup waits"),
                    kind="lock-timeout",
                ) from None
            if number not in _DENIED:
                raise

    # --- with a lock --------------------------------------------------------------------------------------------------

    def _locked(self, cut: Sequence[Part]) -> DumpingSnapshot | None:
        """The moment under a global read lock; None where we have no right to it."""
        sessions = self._connect()
        with Deadline(self._access, session_number(self._holder), self._lock_timeout) as deadline:
            try:
                run(self._holder, "FLUSH TABLES WITH READ LOCK")
            except pymysql.MySQLError as error:
                if not deadline.passed and error_of(error)[0] in _DENIED:
                    return None
                if deadline.passed or error_of(error)[0] == LOCK_TIMEOUT:
                    raise self._not_granted(deadline.blockers or waits.running_now(self._access)) from None
                raise
            since = time.monotonic()
            try:
                opened = self._begin(sessions, cut, lambda: deadline.passed)
            finally:
                # Also where the deadline has ended the session: then there is nothing left to give back.
                with contextlib.suppress(pymysql.MySQLError):
                    run(self._holder, "UNLOCK TABLES")
            held = time.monotonic() - since
        if opened is None:
            raise LockedError(
                msg(
                    "the dump programs had not begun within {lock_timeout:g} s, and nobody can write before",
                    lock_timeout=self._lock_timeout,
                ),
                hint=msg("the server or this machine is overloaded: try again, or raise lock_timeout in dbops.toml"),
                kind="lock-timeout",
            )
        snapshot = self._snapshot(opened, cut, "snapshot")
        snapshot.locked_seconds = held
        return snapshot

    def _not_granted(self, who: str) -> LockedError:
        return LockedError(
            msg("the server's read lock was not granted in time: {who}", who=who),
            hint=msg("wait for that session or end it; lock_timeout in dbops.toml says how long a backup waits"),
            kind="lock-timeout",
        )

    # --- without ------------------------------------------------------------------------------------------------------

    def _by_position(self, cut: Sequence[Part]) -> DumpingSnapshot:
        """The moment between two looks at the server's log that gave the same; else a snapshot that says it is none."""
        opened, unmoved, before = None, False, ""
        for attempt in range(1, _ATTEMPTS + 1):
            before = server_log.still_position(self._holder, self._flavour)
            if not before and attempt < _ATTEMPTS:
                time.sleep(_PAUSE_SECONDS)
                continue
            sessions = self._connect()
            opened = self._begin(sessions, cut, lambda: False)
            assert opened is not None  # noqa: S101 - without a deadline nothing is given up
            time.sleep(server_log.QUIET_SECONDS)
            unmoved = bool(before) and before == self._position()
            if unmoved or attempt == _ATTEMPTS:
                break
            for each in opened.runs:
                each.process.end()
            for session in sessions:
                close(session)
        assert opened is not None  # noqa: S101 - of the last attempt
        snapshot = self._snapshot(opened, cut, "snapshot" if unmoved else "unanchored")
        if not unmoved:
            why = (
                msg("somebody wrote each time")
                if before or self._position()
                else msg("the server keeps no log that tells")
            )
            snapshot.findings.append(
                Finding(
                    id="unanchored",
                    severity=Severity.WARNING,
                    subject=self._access.database,
                    expected=msg("inventory and dump of one moment"),
                    actual=msg("begun one after the other: {why}", why=why),
                    hint=msg(
                        "grant the backup's user the right RELOAD (it takes FLUSH TABLES WITH READ LOCK), or run the "
                        "backup when nobody writes"
                    ),
                )
            )
        return snapshot

    def _position(self) -> str:
        return server_log.position(self._holder, self._flavour)

    # --- both ---------------------------------------------------------------------------------------------------------

    def _connect(self) -> list[Connection]:
        """The inventory's sessions, before anybody waits for us."""
        found = []
        for _ in range(max(1, self._plan.jobs)):
            connection = self._access.connect()
            self._stack.callback(close, connection)
            found.append(connection)
        return found

    def _begin(self, sessions: list[Connection], cut: Sequence[Part], given_up: Callable[[], bool]) -> Opened | None:
        """Everything begins; returns when it has. None if it was given up."""
        runs = [self._launcher.start(part) for part in cut if part.rows]
        for connection in sessions:
            begin(connection)
        at = rows(sessions[0], "SELECT UTC_TIMESTAMP(6)")[0][0]
        assert isinstance(at, datetime)  # noqa: S101 - the driver's own conversion
        while not all(each.begun(_STEP) for each in runs):
            if given_up():
                return None
        return None if given_up() else Opened(sessions, runs, at.replace(tzinfo=UTC))

    def _snapshot(self, opened: Opened, cut: Sequence[Part], basis: str) -> DumpingSnapshot:
        history = HISTORY in self._plan.argv
        return DumpingSnapshot(self._access, opened, self._launcher, cut, basis=basis, history=history)
