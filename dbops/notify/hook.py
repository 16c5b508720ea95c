"""A command of the user's, run when a task has ended: its facts in the environment, all of the event on stdin."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from dbops import command
from dbops.config.types import Argv
from dbops.errors import ToolError
from dbops.language import msg
from dbops.notify.base import ChannelError, Event, Kind


class Hook:
    """`kind`: the event that it waits for. No shell is involved."""

    def __init__(self, key: str, argv: Argv, kind: Kind, *, timeout: float) -> None:
        self.key = key
        self.timeout = timeout + command.GRACE_SECONDS  # it is ended by itself first, in order
        self._limit = timeout
        self._argv = argv
        self._kind = kind

    def wants(self, kind: Kind) -> bool:
        return kind in (self._kind, Kind.TEST)

    def send(self, event: Event) -> None:
        try:
            result = command.run(
                self._argv,
                env={**os.environ, **variables(event)},
                input=msgspec.json.encode(event) + b"\n",
                timeout=self._limit,
            )
        except ToolError as error:
            raise ChannelError(error.message, hint=error.hint) from None
        if result.status != 0:
            status = command.describe_status(result.status)
            raise ChannelError(
                msg("{program} {status}", program=Path(self._argv[0]).name, status=status), hint=result.stderr
            )


def variables(event: Event) -> dict[str, str]:
    """What a short shell script needs."""
    return {
        "DBOPS_EVENT": event.kind.value,
        "DBOPS_TASK": event.task,
        "DBOPS_TARGET": event.target,
        "DBOPS_BACKUP": event.backup,
        "DBOPS_VERDICT": event.verdict,
        "DBOPS_EXIT_CODE": "" if event.exit_code is None else str(event.exit_code),
        "DBOPS_MESSAGE": event.message,
        "DBOPS_RUN_ID": event.run,
    }
