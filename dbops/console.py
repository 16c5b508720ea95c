"""Progress on a terminal (a bar) and elsewhere (plain lines), always on stderr: stdout is for the result."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, TextIO

from dbops import logs
from dbops.config.passwords import masked
from dbops.config.units import format_duration, format_size
from dbops.errors import RefusedError
from dbops.language import msg, tr, translated
from dbops.logs import printable
from dbops.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

QUIET_SECONDS = 10.0
"""Without a terminal, one line at most this often while a phase goes on."""
_YES = ("y", "yes", "s", "si", "sí")
"""Whatever the language: who has read the question means yes."""


def colours(stream: TextIO) -> bool:
    """Whether the stream is a terminal that wants colours (NO_COLOR, TERM=dumb)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Display(Progress, Protocol):
    """Progress that is drawn."""

    def end(self) -> None:
        """Finishes what is drawn, so that other text can be written. A further phase draws again."""


@contextmanager
def progress(stream: TextIO | None = None, target: str | None = None, *, head: str | None = None) -> Iterator[Display]:
    """Progress that people see for the time of the block; or lines of JSON, which name the target. `head`: what plain
    lines begin with, if there are any."""
    display = _display(stream or sys.stderr, target, head)
    try:
        yield display
    finally:
        display.end()


def _display(stream: TextIO, target: str | None, head: str | None) -> Display:
    if logs.as_json():
        return logs.JsonLines(stream, {"target": target} if target else {}, QUIET_SECONDS)
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return Lines(stream, head)
    return Live(stream)


def confirm(question: str, *, yes: bool, answer: str = "y") -> None:
    """Asks before something is destroyed; `RefusedError` for no, or where nobody can be asked.

    `answer`: what must be typed, such as the name of what will be replaced.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError(
            msg("this needs a confirmation, and there is no terminal"), hint=msg("add --yes"), kind="no-confirmation"
        )
    if answer == "y":
        sys.stderr.write(tr("{question} [y/N] ", question=question))
    else:
        sys.stderr.write(tr("{question} Type {answer} to go on: ", question=question, answer=answer))
    sys.stderr.flush()
    line = ""
    try:
        line = sys.stdin.readline()
    finally:
        if not line.endswith("\n"):  # ^C or ^D: the cursor is still behind the question
            sys.stderr.write("\n")
    given = line.strip()
    if given != answer and not (answer == "y" and given.lower() in _YES):
        raise RefusedError(msg("not confirmed: nothing was changed"), kind="not-confirmed")


class _Phase:
    """Name, begin and bytes of the phase under way."""

    def __init__(self, name: str, total: int | None) -> None:
        self.name = tr(name)
        self.total = total
        self.done = 0
        self.begun = time.monotonic()
        self.shown = self.begun

    def amount(self) -> str:
        """Bytes done, and of how many as long as the estimate holds."""
        if self.total and self.done <= self.total:
            return tr("{done} of {total}", done=format_size(self.done), total=format_size(self.total))
        return format_size(self.done)

    def summary(self) -> str:
        seconds = format_duration(time.monotonic() - self.begun)
        if self.done:
            return tr("{phase}: {done} in {seconds}", phase=self.name, done=format_size(self.done), seconds=seconds)
        return f"{self.name}: {seconds}"

    def status(self) -> str:
        seconds = format_duration(time.monotonic() - self.begun)
        return tr("{phase}: {amount} after {seconds}", phase=self.name, amount=self.amount(), seconds=seconds)


class Lines:
    """Plain lines for logs: one at the end of each phase, and one now and then while it goes on."""

    def __init__(self, stream: TextIO, head: str | None = None) -> None:
        self._stream = stream
        self._head = head
        self._lock = threading.Lock()
        self._phase: _Phase | None = None

    def phase(self, name: str, *, total_bytes: int | None = None) -> None:
        with self._lock:
            self._finish()
            self._phase = _Phase(name, total_bytes)

    def advance(self, count: int) -> None:
        with self._lock:
            phase = self._phase
            if phase is None:
                return
            phase.done += count
            if time.monotonic() - phase.shown >= QUIET_SECONDS:
                phase.shown = time.monotonic()
                self._print(phase.status())

    def item(self, name: str) -> None:
        """Not worth a line in a log."""

    def note(self, text: str) -> None:
        with self._lock:
            self._print(translated(text))

    def end(self) -> None:
        with self._lock:
            self._finish()

    def _finish(self) -> None:
        if self._phase is not None:
            self._print(self._phase.summary())
            self._phase = None

    def _print(self, text: str) -> None:
        if self._head is not None:
            text, self._head = f"{self._head}\n{text}", None
        with suppress(OSError, ValueError):  # a log that is gone does not stop a backup
            print(printable(masked(text)), file=self._stream, flush=True)


class Live:
    """A bar for the phase under way; finished phases stay as lines above it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, no_color=not colours(stream))
        self._bar: Bar = Bar(
            TextColumn("{task.description:<9}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[amount]:<22}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[item]}", markup=False),
            console=self._console,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._lock = threading.Lock()
        self._phase: _Phase | None = None
        self._task = self._bar.add_task("", total=None, amount="", item="")

    def end(self) -> None:
        with self._lock:
            self._finish()

    def phase(self, name: str, *, total_bytes: int | None = None) -> None:
        with self._lock:
            self._finish()
            self._phase = _Phase(name, total_bytes)
            self._bar.reset(self._task, description=tr(name), total=total_bytes or None, amount="", item="")
            self._bar.start()

    def advance(self, count: int) -> None:
        with self._lock:
            if self._phase is None:
                return
            self._phase.done += count
            self._bar.update(self._task, advance=count, amount=self._phase.amount())

    def item(self, name: str) -> None:
        text = printable(name)
        self._bar.update(self._task, item=text if len(text) <= 16 else f"…{text[-15:]}")

    def note(self, text: str) -> None:
        self._console.print(printable(masked(translated(text))))

    def _finish(self) -> None:
        if self._phase is not None:
            self._bar.stop()
            self._console.print(self._phase.summary())
            self._phase = None
