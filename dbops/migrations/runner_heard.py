"""What was heard of a run of the application: its events, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from dbops.command import describe_status
from dbops.migrations.runner_events import (
    Begun,
    Event,
    FailedStatement,
    Finished,
    RevisionApplied,
    RevisionBegun,
    SessionOpened,
    Statement,
    Trouble,
    event_of,
)


class Outcome(NamedTuple):
    """What was heard. `finished`: it came to its end by itself; whether the database is where it should be is another
    question. `timed_out`: it was ended from here. `output`: the last lines that it printed."""

    finished: bool
    statements: tuple[Statement, ...]
    begun: tuple[RevisionBegun, ...]
    applied: tuple[RevisionApplied, ...]
    failed: FailedStatement | None
    trouble: Trouble | None
    sessions: tuple[SessionOpened, ...]
    versions: dict[str, str]
    seconds: float
    status: int
    timed_out: bool
    output: str

    @property
    def stopped_in(self) -> str:
        """The revision in which it stopped: of the statement that failed, else begun and not ended; or ''."""
        if self.failed is not None and self.failed.revision:
            return self.failed.revision
        applied = {one.revision for one in self.applied}
        return next((one.revision for one in reversed(self.begun) if one.revision not in applied), "")

    @property
    def why(self) -> str:
        """Why it did not come to its end, in a sentence; '' if it did."""
        if self.timed_out:
            return f"it was ended after {self.seconds:.0f} s"
        if self.trouble is not None:
            where = f" ({self.trouble.where})" if self.trouble.where else ""
            return f"{self.trouble.error}: {self.trouble.message}{where}"
        return "" if self.finished else f"the application's interpreter {describe_status(self.status)}"


class Heard:
    """Collects events, hands each on, and makes the outcome of them."""

    def __init__(self, on_event: Callable[[Event], None] | None) -> None:
        self._on_event = on_event
        self._events: list[Event] = []
        self._rest = b""

    def take(self, data: bytes) -> None:
        """Takes the next piece of what the runner writes, of any length. Lines that are no event of its are passed
        over."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            told: dict[str, Any] = {}
            with suppress(ValueError):
                told = json.loads(line)
            event = event_of(told)
            if event is not None:
                self._events.append(event)
                if self._on_event is not None:
                    self._on_event(event)

    def outcome(self, seconds: float, status: int, timed_out: bool, output: str) -> Outcome:
        """What the run came to. `seconds`: how long it took; `status`: of its process; `output`: what it printed."""

        def all_of(kind: type[Any]) -> tuple[Any, ...]:
            return tuple(event for event in self._events if isinstance(event, kind))

        failed, trouble, begun = all_of(FailedStatement), all_of(Trouble), all_of(Begun)
        return Outcome(
            finished=bool(all_of(Finished)),
            statements=all_of(Statement),
            begun=all_of(RevisionBegun),
            applied=all_of(RevisionApplied),
            failed=failed[-1] if failed and trouble and trouble[-1].of_statement else None,
            trouble=trouble[-1] if trouble else None,
            sessions=all_of(SessionOpened),
            versions=begun[-1].versions if begun else {},
            seconds=seconds,
            status=status,
            timed_out=timed_out,
            output=output,
        )
