"""Events to dbops, and what an error may tell: it goes into reports, so that no row of a table is in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
import traceback
from pathlib import Path
from typing import Any

_HERE = str(Path(__file__).resolve().parent)


class Told:
    """Writes events."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._lock, self.begun = descriptor, threading.Lock(), time.monotonic()

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.begun

    def __call__(self, event: str, **facts: Any) -> None:
        line = json.dumps({"event": event, "at": facts.pop("at", self.now()), **facts}, default=str) + "\n"
        data = line.encode()
        with self._lock:
            with contextlib.suppress(BrokenPipeError):  # nobody listens any more: the lifeline sees to it
                while data:
                    data = data[os.write(self._descriptor, data) :]


def code(error: Any) -> str:
    """SQLSTATE, or the number of a MySQL error."""
    arguments: Any = getattr(error, "args", ())
    if arguments and isinstance(arguments[0], int):
        return str(arguments[0])
    return str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")


def said(error: Any) -> str:
    """The first line of an error, without the parameters that SQLAlchemy appends and the rows that servers quote."""
    inner = getattr(error, "orig", None) or error
    arguments: Any = getattr(inner, "args", ())
    text = str(arguments[1]) if len(arguments) > 1 and isinstance(arguments[0], int) else str(inner)
    line = (text.strip().splitlines() or [type(inner).__name__])[0]
    return re.sub(r"entry '.*' for key", "entry '…' for key", line)[:2000]


def place(error: BaseException, folder: str | None) -> str:
    """File and line of the migration (in `folder`) that raised, else of the last code outside of installed packages."""
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    own = [one for one in frames if folder and one[0].startswith(folder)]
    chosen = own or [one for one in frames if "site-packages" not in one[0] and not one[0].startswith(_HERE)]
    return f"{chosen[-1][0]}:{chosen[-1][1]}" if chosen else ""
