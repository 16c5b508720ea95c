"""One drill a target and run of pytest, shared by the checks that look at it, also under pytest-xdist."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec
from filelock import FileLock

from dbops.model import Report
from dbops.ops.drill_stage import Copy, Stage
from dbops.report.json import document


class SharedDrill:
    """The drill of one target in one process. A context: what it has started ends with it.

    The first process that wants the report drills, while the others wait at a lock; they read what it found. One that
    wants the copy itself, and has not drilled, restores a copy of its own.
    """

    def __init__(self, folder: Path, target: str, begin: Callable[[], Stage]) -> None:
        """`folder` is common to all processes of the run; `begin` makes a drill that has not run."""
        self.path = folder / f"drill-{target}.json"
        self._begin = begin
        self._stack = ExitStack()
        self._first: Stage | None = None
        self._own: Stage | None = None

    def __enter__(self) -> SharedDrill:
        return self

    def __exit__(self, *_: object) -> None:
        """The report is written once more: only now it is known what became of the sandbox."""
        try:
            self._stack.close()
        finally:
            if self._first is not None:
                self._write(self._first.report)

    def report(self) -> Report:
        """The drill's report. Whoever asks first runs it; the others, in processes of their own too, wait for that."""
        with FileLock(self.path.with_suffix(".lock")):
            if self._first is None and not self.path.exists():
                self._first = self._drill()
                self._write(self._first.report)
        return msgspec.json.decode(self.path.read_bytes(), type=Report)

    def copy(self) -> Copy | None:
        """The restored copy, None where it could not be restored (the report says why)."""
        self.report()
        if self._own is None:
            self._own = self._first or self._drill()
        return self._own.copy

    def _drill(self) -> Stage:
        drill = self._stack.enter_context(self._begin())
        drill.run()
        return drill

    def _write(self, report: Report) -> None:
        """Whole or not at all: others may be reading."""
        new = self.path.with_suffix(f".{os.getpid()}")
        new.touch(0o600)
        new.write_text(document(report))
        new.replace(self.path)
