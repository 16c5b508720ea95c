"""A sandbox's server for trying migrations out on empty databases: started when first needed, one for all steps."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from dbops.config.urls import Secret
from dbops.engine.scratch import Look, ScratchServer, ScratchSession
from dbops.errors import DbopsError, NothingToCheckError
from dbops.language import msg
from dbops.migrations.history import History
from dbops.migrations.runner import Outcome


class TrialError(NothingToCheckError):
    """The application's revisions do not run on an empty database, so that nothing can be shown on one."""


class Tools(NamedTuple):
    """What a workshop works with. `start`: starts a server for as long as the stack is open. `upgrade`: runs the
    application's migrations on the database of a URL, up to a revision. `current`: the rows of its version table."""

    start: Callable[[ExitStack], ScratchServer]
    upgrade: Callable[[Secret, str], Outcome]
    current: Callable[[Secret], frozenset[str]]


class Database:
    """One scratch database."""

    def __init__(self, server: ScratchServer, tools: Tools, history: History, name: str, url: Secret) -> None:
        self._server, self._tools, self._history = server, tools, history
        self.name, self.url = name, url

    def upgrade(self, revision: str) -> Outcome:
        """Raises `TrialError` if the database is not there afterwards, whatever the application has said."""
        outcome = self._tools.upgrade(self.url, revision)
        rows = self._tools.current(self.url)
        if revision not in self._history.ancestors(rows):
            failed = outcome.failed
            at = msg(" at {revision}", revision=failed.revision) if failed is not None and failed.revision else ""
            why = (failed.message if failed is not None else outcome.why).replace(f"`{self.name}`.", "")
            raise TrialError(
                why or msg("it ended without an error, and {revision} was not reached", revision=revision),
                hint=msg("{revision}{at} does not run there", revision=revision, at=at),
                kind="trial",
            )
        return outcome

    def look(self) -> Look:
        """What it holds now."""
        return self._server.look(self.name)

    @contextmanager
    def session(self) -> Iterator[ScratchSession]:
        """A session in it, for the time of the block."""
        with self._server.session(self.name) as session:
            yield session


class Workshop:
    """A context: its server and all databases end with it. What it cannot have, it raises when it is asked for it."""

    def __init__(self, tools: Tools, history: History) -> None:
        self._tools, self._history = tools, history
        self._stack = ExitStack()
        self._server: ScratchServer | None = None
        self._lacks: DbopsError | None = None
        self._built: dict[tuple[str, ...], Database] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rest()

    def rest(self) -> None:
        """Ends the server with its databases, until one is needed again: whoever comes next may want it empty."""
        try:
            if self._server is not None:  # on a server that somebody gives, they would stay
                for one in self._built.values():
                    self._server.drop(one.name)
        finally:
            self._server = None
            self._built = {}
            self._stack.close()

    @contextmanager
    def database(self, revisions: Sequence[str]) -> Iterator[Database]:
        """A database in which these revisions have run, in this order; nothing for none. Raises `TrialError`, or what
        keeps a server from being had (`SandboxMissingError`, and so on)."""
        wanted = tuple(revisions)
        if self._running().copies and wanted:
            if wanted not in self._built:
                self._built[wanted] = self._made(wanted)
            source = self._built[wanted].name
            made = self._own(lambda name: self._running().copy(source, name))
        else:
            made = self._made(wanted)
        try:
            yield made
        finally:
            self._running().drop(made.name)

    def _made(self, revisions: tuple[str, ...]) -> Database:
        made = self._own(self._running().create)
        try:
            for revision in revisions:
                made.upgrade(revision)
        except BaseException:
            self._running().drop(made.name)
            raise
        return made

    def _own(self, create: Callable[[str], Secret]) -> Database:
        name = _name()
        return Database(self._running(), self._tools, self._history, name, create(name))

    def _running(self) -> ScratchServer:
        if self._lacks is not None:
            raise self._lacks
        if self._server is None:
            try:
                self._server = self._tools.start(self._stack)
            except DbopsError as error:
                self._lacks = error
                raise
        return self._server


def _name() -> str:
    return f"dbops_trial_{secrets.token_hex(6)}"
