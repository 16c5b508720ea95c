"""What `demo` does with its flags: runs the story on an embedded server, and shows it while it goes on."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from dbops import app, console, logs
from dbops.cli import Output
from dbops.config import StoreConfig
from dbops.model import Verdict
from dbops.ops.demo import demo
from dbops.ops.demo_folder import kept
from dbops.ops.demo_steps import Step, Tools
from dbops.report import demo as text
from dbops.report.history import line
from dbops.report.json import report_json
from dbops.report.page import Page
from dbops.report.write import write

FOLDER = "dbops-demo"
_REPORT = "report"
"""The story as JSON, its drill as HTML."""


def run(output: Output, *, folder: str) -> None:
    """The story goes to stdout (stderr with `--json`) as it happens, the result to `output`."""
    begun = time.monotonic()
    server = app.open_embedded()  # first of all: without it, the folder of an earlier demo stays
    with _own_settings(), kept(Path(folder).expanduser()) as place, _told(sys.stdout) as story:
        tools = Tools(
            app.open_engine,
            lambda store: app.open_catalog(StoreConfig(url=store.absolute().as_uri())),
            app.now,
            lambda target: app.places(target, "embedded"),
        )
        report, drill = demo(server, tools, place, story)
        (place / f"{_REPORT}.json").write_text(report_json(report), encoding="utf-8")
        page = Page(run=drill, drills=(drill,), history=(line(drill, app.now()),), generated_at=app.now())
        write(page, html=place / f"{_REPORT}.html")
    if output.json or report.verdict is not Verdict.PASS:
        output.report(report)
        return
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    closing = text.closing(
        report,
        kept=shlex.quote(_short(place)),
        kept_bytes=size,
        seconds=time.monotonic() - begun,
        command="dbops" if Path(sys.argv[0]).stem == "dbops" else "invoke",
    )
    output.show(report, closing)


class _Story:
    """Writes each step when it has ended; on a terminal its name stands there meanwhile."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bold = ("\x1b[1m", "\x1b[0m") if console.colours(stream) else ("", "")
        self._moves = stream.isatty() and os.environ.get("TERM") != "dumb"

    def begin(self, name: str) -> None:
        if self._moves:
            self._write(f"{self._headed(text.head(name))}...")

    def end(self, name: str, seconds: float, step: Step) -> None:
        self.clear()
        self._write(self._headed(logs.printable(text.block(name, seconds, step))))

    def clear(self) -> None:
        if self._moves:
            self._write("\r\x1b[K")

    def open(self) -> None:
        self._write(text.opening())

    def _headed(self, block: str) -> str:
        on, off = self._bold
        return f"{on}{block[: text.INDENT]}{off}{block[text.INDENT :]}"

    def _write(self, data: str) -> None:
        with suppress(OSError, ValueError):  # a reader that has gone does not stop the demo
            self._stream.write(data)
            self._stream.flush()


@contextmanager
def _told(stream: TextIO) -> Iterator[_Story]:
    story = _Story(stream)
    story.open()
    try:
        yield story
    except BaseException:
        story.clear()
        raise


@contextmanager
def _own_settings() -> Iterator[None]:
    """What the caller's environment says to libpq is about other servers (PGSSLMODE, PGOPTIONS, PGSERVICE, …)."""
    theirs = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(theirs)


def _short(path: Path) -> str:
    """Relative to where we are, if it lies below."""
    with suppress(ValueError, OSError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
