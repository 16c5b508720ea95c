"""What is told of a run, and the port through which it is told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from dbops.config.urls import Secret
from dbops.errors import DbopsError
from dbops.values import Value


class Kind(StrEnum):
    """What is told."""

    START = "start"
    SUCCESS = "success"
    FAILURE = "failure"
    """The run did not reach what it is for: also an inconclusive one, and one that was interrupted."""
    TEST = "test"
    """Somebody wants to see whether the channel works."""

    def concerns_people(self, *, always: bool) -> bool:
        """Whether a message is worth reading; `always`: success, too."""
        return self in (Kind.FAILURE, Kind.TEST) or (self is Kind.SUCCESS and always)


class Event(Value, frozen=True):
    """What happened to one target in a run. `run` is a UUID; `exit_code` that of the task for this target; `findings`
    counts them by severity; `figures` are what metrics are made of: bytes, rows, seconds and Unix times."""

    kind: Kind
    task: str
    target: str
    run: str
    host: str
    at: datetime
    message: str
    hint: str = ""
    verdict: str = ""
    failure: str = ""
    exit_code: int | None = None
    backup: str = ""
    seconds: float = 0.0
    findings: dict[str, int] = msgspec.field(default_factory=dict)
    figures: dict[str, float] = msgspec.field(default_factory=dict)
    dbops_version: str = ""

    @property
    def title(self) -> str:
        """One line: task, target, how it ended, on which host."""
        what = " ".join(part for part in (self.task, self.target) if part)
        return f"dbops: {what}: {self.kind.value} on {self.host}"

    def text(self) -> str:
        """For people: what happened, and what to do."""
        facts = [f"backup {self.backup}"] if self.backup else []
        facts += [f"exit code {self.exit_code}"] if self.exit_code is not None else []
        lines = [self.message, self.hint, ", ".join([*facts, f"run {self.run}"])]
        return "\n".join(line for line in lines if line)


class ChannelError(DbopsError):
    """A channel that could not be reached, refused, or did not answer in time. It shows no address."""


class Channel(Protocol):
    """One way to tell somebody. `key` is where it is configured (`notify.webhook[0]`), which is all that is ever said
    of it; `timeout` in seconds, after which nobody waits for it any more."""

    key: str
    timeout: float

    def wants(self, kind: Kind) -> bool:
        """Whether it is told such events."""

    def send(self, event: Event) -> None:
        """Tells the event; raises `ChannelError`. Called in a thread of its own."""


class Messenger:
    """What channels that people read have in common: an address, and `always`, told of success, too."""

    def __init__(self, key: str, url: Secret, *, always: bool, timeout: float) -> None:
        self.key = key
        self.timeout = timeout
        self._url = url
        self._always = always

    def wants(self, kind: Kind) -> bool:
        """See `Channel.wants`."""
        return kind.concerns_people(always=self._always)
