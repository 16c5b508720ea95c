"""Runs an application's own migrations in the application's own interpreter, and hears what each statement did.

What came of it is not told by exit status or output (an application may print nothing, end with 0 and have done
nothing; another migrates and then ends in a traceback): the caller reads the version table.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dbops.command import Process, redact, running
from dbops.config import Migrations
from dbops.config.urls import Secret, dialect, split_password
from dbops.engine.migrating import SessionRules
from dbops.errors import DbopsError, NothingToCheckError, ToolError
from dbops.language import msg
from dbops.migrations.runner_events import Event, Sql
from dbops.migrations.runner_heard import Heard
from dbops.migrations.runner_heard import Outcome as Outcome
from dbops.migrations.runner_place import find_place

SCRIPT = Path(__file__).parent / "dbops_runner" / "__main__.py"
RENDER_SECONDS = 120.0
_POLL_SECONDS = 0.2
_READ_BYTES = 1 << 16


class NotRenderableError(NothingToCheckError):
    """The SQL of a revision cannot be had without a database; the message says what stood in the way. `revision`: in
    which one it stopped, '' if before any; `sql`: what had been rendered by then."""

    revision: str = ""
    sql: str = ""


class ElsewhereError(DbopsError):
    """The application would have migrated another database than the one that it was given: nothing was run."""


_ANY = SessionRules()


class Runner:
    """One application and one database. `url` with its password; it goes to the application by its environment."""

    def __init__(
        self,
        settings: Migrations,
        url: Secret,
        *,
        rules: SessionRules = _ANY,
        locks: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`locks`: look at the locks and rewrites of each statement, which costs a query each. `environment`: of the
        application, None for our own."""
        self._settings, self._url, self._rules, self._locks = settings, url, rules, locks
        self._environment = os.environ if environment is None else environment
        password = split_password(url.reveal())[1]
        self._secrets = (password, url.reveal()) if password else ()

    def upgrade(
        self,
        revision: str = "heads",
        *,
        on_event: Callable[[Event], None] | None = None,
        timeout: float | None = None,
    ) -> Outcome:
        """Runs what the application has up to `revision`. Raises `ElsewhereError`, `ConfigError`, or `ToolError` where
        the interpreter cannot be started, or has no Alembic or driver; everything else is in the outcome. `timeout` in
        seconds."""
        return self._run("upgrade", revision, on_event, timeout)

    def downgrade(
        self, revision: str, *, on_event: Callable[[Event], None] | None = None, timeout: float | None = None
    ) -> Outcome:
        """The way back, as far as the application has one; as `upgrade`."""
        return self._run("downgrade", revision, on_event, timeout)

    def render(self, start: str, end: str, *, timeout: float = RENDER_SECONDS) -> str:
        """The SQL from one revision (`base`: from nothing) to another, without a connection. Raises
        `NotRenderableError` where a revision needs one, or the interpreter or application cannot be had."""
        text: list[str] = []

        def hear(event: Event) -> None:
            if isinstance(event, Sql):
                text.append(event.text)

        begin = "" if start == "base" else start
        try:
            outcome = self._run("render", f"{begin}:{end}" if begin else end, hear, timeout)
        except ToolError as error:
            raise NotRenderableError(error.message, hint=error.hint, kind="not-renderable") from None
        if not outcome.finished:
            refused = NotRenderableError(
                msg(
                    "{what} cannot be rendered as SQL: {why}",
                    what=outcome.stopped_in or f"{start}:{end}",
                    why=outcome.why,
                ),
                hint=_last(outcome.output)
                or msg("a revision that reads from the database has no SQL before it has run"),
                kind="not-renderable",
            )
            refused.revision, refused.sql = outcome.stopped_in, "".join(text)
            raise refused
        return "".join(text)

    # --- the other side ---------------------------------------------------------------------------------------------

    def _run(
        self, action: str, revision: str, on_event: Callable[[Event], None] | None, timeout: float | None
    ) -> Outcome:
        settings = self._settings
        place = find_place(settings)
        python = str(settings.python or sys.executable)
        begun = time.monotonic()
        heard = Heard(on_event)
        reading, writing = os.pipe()
        try:
            argv = [python, str(SCRIPT), str(writing)]
            environment = {**self._environment, "DBOPS_RUNNER_URL": self._url.reveal(), "PYTHONUNBUFFERED": "1"}
            with running(
                argv,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                cwd=place.folder,
                secrets=self._secrets,
                pass_fds=(writing,),
            ) as process:
                os.close(writing)
                writing = -1
                request = {
                    "action": action,
                    "revision": revision,
                    "kind": settings.kind,
                    "family": "postgres" if dialect(self._url.reveal()) == "postgres" else "mysql",
                    "variable": settings.url_variable,
                    "driver": settings.driver or "",
                    "scripts": str(place.scripts) if place.scripts else None,
                    "ini": str(place.ini) if place.ini else None,
                    "toml": str(place.toml) if place.toml else None,
                    "app": settings.app,
                    "proof": self._rules.proof,
                    "setup": self._rules.setup,
                    "locks": self._locks,
                }
                _send(process, request)
                timed_out = _listen(process, reading, heard, begun + timeout if timeout is not None else None)
                if timed_out:
                    process.end()
                status = process.wait(_AFTER_SECONDS) if not timed_out else -1
                output = process.stderr_tail
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)
        return self._judged(heard.outcome(time.monotonic() - begun, status, timed_out, output))

    def _judged(self, outcome: Outcome) -> Outcome:
        if outcome.trouble is None:
            return outcome
        trouble = outcome.trouble._replace(message=redact(outcome.trouble.message, self._secrets))
        if not outcome.versions:
            raise ToolError(
                msg(
                    "{python} cannot run migrations: {message}",
                    python=self._settings.python or sys.executable,
                    message=trouble.message,
                ),
                hint=msg(
                    "is it the application's interpreter (migrations.python), with all that the application needs?"
                ),
                kind="no-interpreter",
            )
        if trouble.error == "Elsewhere":
            raise ElsewhereError(
                msg("{message}: nothing was run", message=trouble.message),
                hint=msg(
                    "it must take its URL from {url_variable} (migrations.url_variable), or from sqlalchemy.url "
                    "of Alembic's Config; several databases in one run (--multidb) are more than dbops migrates: "
                    "give each database a folder of revisions of its own",
                    url_variable=self._settings.url_variable,
                ),
                kind="elsewhere",
            )
        return outcome._replace(trouble=trouble)


_AFTER_SECONDS = 30.0


def _send(process: Process, request: Mapping[str, Any]) -> None:
    """The request. Standard input stays open: its end would tell the other side that we are gone."""
    with suppress(BrokenPipeError):  # it ended at once: its status says why
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()


def _listen(process: Process, descriptor: int, heard: Heard, until: float | None) -> bool:
    """Hears events to their end; True if `until` came first. A process that the application has left behind may hold
    the pipe, so that the end of ours is looked at as well."""
    while True:
        if until is not None and time.monotonic() > until:
            return True
        gone = process.poll() is not None
        ready, _, _ = select.select([descriptor], [], [], 0 if gone else _POLL_SECONDS)
        if not ready:
            if gone:
                return False
            continue
        data = os.read(descriptor, _READ_BYTES)
        if not data:
            return False
        heard.take(data)


def _last(output: str) -> str:
    return output.strip().splitlines()[-1] if output.strip() else ""
