"""What every drill has, whatever it restores: a throw-away server, notes of what is found, and a teardown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import NamedTuple, Self

from dbops.config.urls import Secret
from dbops.engine.restoring import SideDatabase
from dbops.errors import BadBackupError, ConfigError, DbopsError, NothingToCheckError, PreflightError
from dbops.language import joined, msg
from dbops.model import Report
from dbops.ops.drill_report import Notes
from dbops.progress import Progress
from dbops.sandbox.base import Chosen, Needs, Sandbox

RTO_PHASES = ("fetch", "start", "restore", "verify", "probe")
"""What a recovery takes: their sum is the RTO."""


class Copy(NamedTuple):
    """The restored copy, while its sandbox is up."""

    url: Secret
    name: str
    side: SideDatabase


class Stage(ABC):
    """One drill. A context: the copy lives until it ends, `report` is whole after it."""

    def __init__(self, notes: Notes, subject: str, sandbox: Callable[[Needs], Chosen], progress: Progress) -> None:
        """`subject`: the backup, as findings call it."""
        self.copy: Copy | None = None
        """None until it is restored, and where it could not be."""
        self._notes = notes
        self._subject = subject
        self._choose = sandbox
        self._progress = progress
        self._stack = ExitStack()
        self._database = ExitStack()
        self._sandbox: Sandbox | None = None
        self._report: Report | None = None

    @abstractmethod
    def _work(self) -> None:
        """The drill itself, from fetching the backup to the last probe."""

    def _kept(self, report: Report) -> Report:
        """Keeps the whole report, if the drill keeps one; as it is then."""
        return report

    # --- its beginning and its end ----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Teardown: it never hides the first error. The report is kept, unless Ctrl-C came."""
        self.copy = None
        trouble = self._close()
        self._notes.torn_down(msg("not removed: {trouble}", trouble=trouble) if trouble else "removed")
        if error is None and self._report is None:
            self._report = self._kept(self._notes.report())

    def _close(self) -> str:
        """Removes the copy and its server; what went wrong, or ''. With the server, its databases are gone anyway."""
        trouble = ""
        for stack in (self._database, self._stack):
            try:
                stack.close()
            except (DbopsError, OSError) as error:
                if stack is self._stack or self._outlives():
                    trouble = trouble or str(getattr(error, "message", "") or error)
        return trouble

    def _outlives(self) -> bool:
        """Whether the server goes on after the drill: what was made in it must be dropped."""
        return self._sandbox is not None and not self._sandbox.ephemeral

    def stay(self, connect: str, end: str) -> None:
        """The sandbox stays up after the report, which is made now: how to connect to it, and how to end it."""
        self._notes.stays(connect, end)
        self._report = self._kept(self._notes.report())

    @property
    def report(self) -> Report:
        """What has been found so far; with the teardown once the context has ended."""
        return self._report or self._notes.report()

    # --- the drill --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Raises only `ConfigError`, what is a bug, or Ctrl-C; everything else is in the report."""
        try:
            self._work()
        except ConfigError:
            raise
        except BadBackupError as error:
            self._notes.bad(error.kind, self._subject, error.message, error.hint)
        except (NothingToCheckError, PreflightError) as error:
            self._notes.lacks(error.kind, joined("; ", filter(None, [error.message, error.hint])))
        except DbopsError as error:
            self._notes.broke(error.kind, self._said(error))

    def _started(self, needs: Needs) -> Sandbox:
        """The started sandbox; it stops with the drill."""
        chosen = self._choose(needs)
        for reason in chosen.passed_over:
            self._progress.note(msg("not taken: {reason}", reason=reason))
        self._notes.found(chosen.findings)
        sandbox = chosen.sandbox
        self._stack.callback(sandbox.stop)
        self._sandbox = sandbox
        sandbox.start()
        self._notes.sandbox(sandbox.about, chosen.passed_over)
        return sandbox

    def _said(self, error: DbopsError) -> str:
        """The error with its hint and the last words of the server that it happened on."""
        log = self._sandbox.log() if self._sandbox is not None else ""
        return "\n".join(part for part in (str(error), log) if part)
