"""Follows every engine of this process from before anything of the application is imported: sessions, statements."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Callable  # noqa: UP035 - collections.abc has no subscripts in Python 3.8

from .drivers import family
from .effects import BY_FAMILY
from .telling import Told, code, said

ELSEWHERE = "the application has opened another database than the one that it was given"
_SESSION = {"postgres": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
_READS = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(select|show|set|with|explain|savepoint|release)\b", re.I | re.S
)
_TEXT = 20_000
"""The most characters of a statement that are told."""


class Elsewhere(Exception):  # noqa: N818 - it is told by its name
    """See `ELSEWHERE`."""


class Watch:
    """`revision`: the one that runs, set by whoever knows. `url`: of the database that was given. `error`: the last one
    of a statement; the application may have caught it."""

    def __init__(self, tell: Told, request: dict[str, Any]) -> None:
        self.tell = tell
        self.revision = ""
        self.url = ""
        self.error: Any = None
        self._family: str = request["family"]
        self._setup: list[str] = request["setup"]
        self._proof: str = request.get("proof") or ""
        self._effects: Any = BY_FAMILY[self._family]() if request["locks"] else None
        self._looked = False
        self._sessions: list[int] = []
        self._begun: dict[int, float] = {}

    def follow(self) -> None:
        """Listeners on every engine."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        event.listen(Engine, "connect", self._connected, insert=True)
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "after_cursor_execute", self._after)
        event.listen(Engine, "handle_error", self._failed)
        event.listen(Engine, "commit", self._ended("commit"))
        event.listen(Engine, "rollback", self._ended("rollback"))

    # --- connections ------------------------------------------------------------------------------------------------

    def _connected(self, dbapi: Any, _record: Any) -> None:
        """A new session: limits first, so that nothing of the application waits longer than it may."""
        if family(dbapi) != self._family:
            return
        cursor = dbapi.cursor()
        try:
            here = self._here(cursor)
            if here:
                for text in self._setup:
                    cursor.execute(text)
                    if cursor.description is not None:
                        cursor.fetchall()
            cursor.execute(_SESSION[self._family])
            session = cursor.fetchone()[0]
        finally:
            cursor.close()
        if here:
            self._sessions.append(int(session))
        dbapi.commit()  # a setting of a transaction that is rolled back would be gone with it
        self.tell("session" if here else "elsewhere", session=session)

    def end_sessions(self) -> None:
        """dbops is gone. PostgreSQL looks whether we are there (`setup`); MySQL 9 leaves a session whose client is gone
        in its wait for a lock, and would then do what nobody waits for any more."""
        if self._family != "mysql":
            return
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        sessions = list(self._sessions)
        connection = create_engine(self.url, poolclass=NullPool).raw_connection()  # gone with its last reference
        cursor = connection.cursor()
        for session in sessions:
            with contextlib.suppress(Exception):
                cursor.execute(f"KILL {session}")

    def _here(self, cursor: Any) -> bool:
        """Whether it is the database that was given: dbops holds a lock there, and the query sees it."""
        if not self._proof:
            return True
        cursor.execute(self._proof)
        row = cursor.fetchone()
        return bool(row and row[0])

    def check(self, connection: Any) -> None:
        """Before the first revision runs, by the driver's own cursor: for SQLAlchemy no transaction has begun."""
        raw = connection.connection
        cursor = raw.cursor()
        try:
            here = connection.dialect.name in ("postgresql", "mysql", "mariadb") and self._here(cursor)
        finally:
            cursor.close()
        if not connection.in_transaction():
            raw.rollback()
        if not here:
            raise Elsewhere(ELSEWHERE)

    # --- statements -------------------------------------------------------------------------------------------------

    def _before(self, connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool) -> None:
        if self.revision and not self._looked and family(connection.connection) == self._family:
            self._looked = True
            self._seen(lambda: self._effects.look(connection))
        self._begun[id(context)] = self.tell.now()

    def _after(self, connection: Any, cursor: Any, text: str, _values: Any, context: Any, many: bool) -> None:
        begun = self._begun.pop(id(context), self.tell.now())
        facts: dict[str, Any] = {"seconds": self.tell.now() - begun, "rows": cursor.rowcount, "many": many}
        if self.revision and not _READS.match(text) and family(connection.connection) == self._family:
            facts.update(self._seen(lambda: self._effects.of(connection, text)) or {})
        self.tell("statement", at=begun, revision=self.revision, sql=text[:_TEXT], **facts)

    def _failed(self, context: Any) -> None:
        self.error = context.original_exception
        execution = context.execution_context
        begun = self._begun.pop(id(execution), self.tell.now())
        self.tell(
            "failed",
            at=begun,
            seconds=self.tell.now() - begun,
            revision=self.revision,
            sql=(context.statement or "")[:_TEXT],
            error=type(context.original_exception).__name__,
            code=code(context.original_exception),
            message=said(context.original_exception),
        )
        self._over()

    def _ended(self, how: str) -> Callable[[Any], None]:
        """A transaction has ended."""

        def tell(_connection: Any) -> None:
            self.tell(how)
            self._over()

        return tell

    def _over(self) -> None:
        if self._effects is not None:
            self._effects.ended()

    def _seen(self, look: Callable[[], Any]) -> Any:
        """A look is no reason to stop a migration: the first one that fails is the last."""
        if self._effects is None:
            return None
        try:
            return look()
        except Exception as error:  # noqa: BLE001 - of the driver, whichever it is
            self.tell("note", text=f"locks could not be looked at: {type(error).__name__}: {said(error)}")
            self._effects = None
            return {"observed": False}
