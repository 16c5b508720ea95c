"""The edge: results and errors become text or JSON and an exit code; and the program `dbops`.

Plain `invoke` exits 1 for mistakes in its own syntax (an unknown task or flag), before any code of dbops runs; the
console script exits 2 for them.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

from invoke.config import Config
from invoke.exceptions import Exit as TaskExit
from invoke.exceptions import ParseError
from invoke.program import Program

from dbops import __version__, runs
from dbops.errors import DbopsError, Exit
from dbops.language import msg, tr
from dbops.model import Failure, Manifest, Report, Verdict

_GARBAGE_OBJECTS = 10_000
_CODES = {Verdict.PASS: Exit.OK, Verdict.FAIL: Exit.FAIL, Verdict.INCONCLUSIVE: Exit.INCONCLUSIVE}
_WORST = (Exit.OPERATION, Exit.FAIL, Exit.INCONCLUSIVE, Exit.OK)


def worst(codes: list[Exit]) -> Exit:
    """The exit code of several results: 4 over 3 over 5 over 0."""
    return min(codes, key=_WORST.index, default=Exit.OK)


def rank(code: int) -> int:
    """How bad an exit code is among several results: the lower, the worse. Others are failed operations."""
    return _WORST.index(Exit(code)) if code in _WORST else 0


def code_of(report: Report) -> Exit:
    """The exit code of a report's verdict."""
    return Exit.OPERATION if report.failure is Failure.BROKEN else _CODES[report.verdict]


class Output:
    """Where a task puts its result: exactly one document on stdout with `--json`, else text."""

    def __init__(self, *, json: bool, stream: TextIO | None) -> None:
        self.json = json
        self.code: int = Exit.OK
        self._stream = stream
        self._text = ""

    def report(self, report: Report, words: str | None = None) -> None:
        """A report; its verdict decides the exit code. `words`: its text, where it has a form of its own."""
        from dbops.ops.provenance import stamped

        self.code = code_of(report)
        if words is None and not self.json:
            from dbops.report import text

            words = text.report(report)
        self.show(stamped(report), words or "")

    def manifest(self, manifest: Manifest, store: str) -> None:
        """A backup that was just made."""
        from dbops.report import text

        self.show(manifest, text.manifest(manifest, store) if not self.json else "")

    def show(self, document: Any, text: str) -> None:
        """A result as a document and as text: one of them is printed, when the task has ended."""
        if self.json:
            from dbops.report.json import document as render

            self._text = render(document)
        else:
            from dbops.logs import printable

            self._text = printable(text)

    def flush(self) -> None:
        """Prints the result."""
        if self._stream is None:  # closed by whoever has started us
            _unwritten("standard output is closed")
        if self.json and isinstance(self._stream, io.TextIOWrapper):
            self._stream.reconfigure(encoding="utf-8")  # JSON is nothing else, whatever the locale is
        try:
            self._stream.write(self._text)
            self._stream.flush()
        except BrokenPipeError:  # the reader has seen enough
            _silence(self._stream)
        except (OSError, ValueError) as error:
            _silence(self._stream)
            _unwritten(getattr(error, "strerror", None) or str(error))


def _silence(stream: TextIO) -> None:
    """Keeps Python from complaining again at exit, when it flushes a stream that cannot be written."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _unwritten(reason: str) -> NoReturn:
    sys.stderr.write(tr("error: the result could not be written: {reason}\n", reason=reason))
    raise TaskExit(code=int(Exit.OPERATION)) from None


@contextmanager
def boundary(json: bool = False) -> Iterator[Output]:
    """Runs a task: the one place where results and errors become exit codes, raised as Invoke's `Exit`.

    With `json`, whatever else is printed meanwhile goes to stderr. SIGTERM and SIGHUP end the task as Ctrl-C does, so
    that cleanup runs.
    """
    usable_streams()
    output = Output(json=json, stream=sys.stdout)
    try:
        with _terminable(), redirect_stdout(sys.stderr if json or sys.stdout is None else sys.stdout):
            yield output
    except TaskExit:
        raise
    except DbopsError as error:
        _fail(output, error, error.exit_code)
    except KeyboardInterrupt:
        hint = _INTERRUPTED.get(runs.current().task, "")
        _fail(output, DbopsError(msg("interrupted"), hint=hint, kind="interrupted"), Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the boundary: everything else is a bug
        _trace(traceback.format_exc())
        message = msg("this is a bug in dbops {version}; please report it with the lines above", version=__version__)
        _fail(output, DbopsError(message, hint=type(error).__name__, kind="bug"), Exit.BUG)
    output.flush()
    if output.code:
        raise TaskExit(code=output.code)


_INTERRUPTED = {
    "backup": msg("there is no backup of this run; what it leaves in the store is removed by: dbops prune"),
    "restore": msg("nothing of the old database is lost; run the same command again: it ends or undoes what was begun"),
    "migrate": msg("run the same command again: it says what was applied and what was not"),
    "prune": msg("what was deleted is gone as a whole, all else is as it was; run it again"),
}
"""What to do after Ctrl-C, by task; the others change nothing."""


def usable_streams() -> None:
    """Gives the process what whoever has started it has closed, and what can be written in any locale.

    A free descriptor below 3 is given to the next file that is opened: what a child says on its standard error would
    then go into a backup. Standard output stays None: that nobody can read the result is told.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free: this one
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as long as the process
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # rather than nothing, where the locale lacks a letter


def _trace(text: str) -> None:
    """The traceback of a bug, for whoever reports it."""
    from dbops import logs
    from dbops.config.passwords import masked

    if logs.as_json():
        logs.say("error", "traceback", text)
    else:
        sys.stderr.write(masked(text))


def _fail(output: Output, error: DbopsError, code: Exit) -> NoReturn:
    """Tells an error: as the result's document with `--json`, and where people or a log see it."""
    from dbops import logs
    from dbops.config.passwords import masked
    from dbops.report import text
    from dbops.report.json import error_document

    clean = DbopsError(masked(error.message), hint=masked(error.hint), kind=error.kind)
    if logs.as_json():
        logs.say("error", "error", clean.message, kind=clean.kind, hint=clean.hint, exit_code=int(code))
    if output.json:
        output.show(error_document(clean), "")
        output.flush()
    elif not logs.as_json():
        sys.stderr.write(logs.printable(text.error(clean)))
    raise TaskExit(code=int(code)) from None


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM and SIGHUP as KeyboardInterrupt for the time of the block; not where they are ignored (nohup)."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


class Dbops(Program):
    """Invoke's program over the tasks of dbops, with the exit codes of dbops for mistakes in the command line."""

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:
        try:
            super().run(argv, exit)
        except SystemExit as ended:
            if isinstance(ended.__context__, KeyboardInterrupt):  # before a task began: Invoke makes a 1 of it
                sys.exit(Exit.INTERRUPTED)
            raise

    def parse_tasks(self) -> None:
        with self._usage():
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        with self._usage():
            super().parse_cleanup()

    def parse_core(self, argv: list[str] | None) -> None:
        words = list(sys.argv if argv is None else argv)
        with self._usage():
            super().parse_core([*words, "all"] if words[1:] == ["help"] else words)

    @contextmanager
    def _usage(self) -> Iterator[None]:
        try:
            yield
        except ParseError as error:
            from dbops.report import text
            from dbops.usage import explained

            mistake = explained(error, self.namespace.tasks if self.namespace else ())
            raise TaskExit(text.error(mistake).rstrip("\n"), code=int(Exit.USAGE)) from None


def main() -> None:
    """The program `dbops`."""
    # What imports make stays to the end: to look through it again and again costs 20 ms of a start.
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS)
    usable_streams()
    try:
        from dbops.tasks import namespace

        Dbops(name="dbops", binary="dbops", namespace=namespace, version=__version__, config_class=Config).run()
    except BrokenPipeError:
        # Whoever read our output (`| head`) has seen enough. Nothing may be flushed into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
