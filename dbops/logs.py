"""What a run says while it goes on, on stderr: lines for people, or one JSON object a line (`--log-format json`).

Passwords and the addresses of notifiers that this process has read are masked by their value, in both forms.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

from dbops import runs
from dbops.config.passwords import masked
from dbops.language import tr, translated


def as_json() -> bool:
    """Whether this run logs JSON lines."""
    return runs.current().log_format == "json"


def say(level: str, event: str, message: str, *, stream: TextIO | None = None, **fields: Any) -> None:
    """One line of the log: `level` is `info`, `warning` or `error`. For people, `event` and `fields` are left out."""
    stream = stream or sys.stderr
    if as_json():
        text = json_line(level, event, message, fields)
    else:
        text = f"{'' if level == 'info' else f'{tr(level)}  '}{printable(masked(translated(message)))}\n"
    with suppress(OSError, ValueError, AttributeError):  # a log that is gone (or None) does not stop the work
        stream.write(text)
        stream.flush()


def json_line(level: str, event: str, message: str, fields: Mapping[str, Any]) -> str:
    """The line, with its end. Keys that every line has come first."""
    run = runs.current()
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "run": run.id,
        "task": run.task,
        **{name: masked(value) if isinstance(value, str) else value for name, value in fields.items()},
        "event": event,
        "message": masked(message),
    }
    return json.dumps(line, ensure_ascii=False, default=str) + "\n"


def printable(text: str) -> str:
    """`text` with control characters shown, so that a name from a store or a server cannot steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


class JsonLines:
    """Progress as JSON lines: one at the beginning and the end of each phase, and one now and then while it goes on."""

    def __init__(self, stream: TextIO, about: Mapping[str, str], quiet_seconds: float) -> None:
        self._stream = stream
        self._about = about
        self._quiet = quiet_seconds
        self._lock = threading.Lock()
        self._name = ""
        self._total: int | None = None
        self._done = 0
        self._begun = self._shown = 0.0

    def phase(self, name: str, *, total_bytes: int | None = None) -> None:
        with self._lock:
            self._finish()
            self._name, self._total, self._done = name, total_bytes, 0
            self._begun = self._shown = time.monotonic()
            self._say("phase-start", name, phase=name)

    def advance(self, count: int) -> None:
        with self._lock:
            self._done += count
            now = time.monotonic()
            if self._name and now - self._shown >= self._quiet:
                self._shown = now
                self._say("progress", self._name, total_bytes=self._total, **self._figures(now))

    def item(self, name: str) -> None:
        """Not worth a line in a log."""

    def note(self, text: str) -> None:
        with self._lock:
            self._say("note", text)

    def end(self) -> None:
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        if self._name:
            self._say("phase-end", self._name, **self._figures(time.monotonic()))
            self._name = ""

    def _figures(self, now: float) -> dict[str, Any]:
        return {"phase": self._name, "bytes": self._done, "seconds": round(now - self._begun, 3)}

    def _say(self, event: str, message: str, **fields: Any) -> None:
        say("info", event, message, stream=self._stream, **self._about, **fields)
