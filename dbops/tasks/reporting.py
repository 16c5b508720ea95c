"""Where the reports of a run go: standard output, files, the step summary of a CI job, and the history."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dbops import app, logs
from dbops.cli import Output
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.model import Report

HISTORY = "reports/history.jsonl"


class Paths(NamedTuple):
    """Files to write, None for those that are not wanted."""

    html: Path | None = None
    junit: Path | None = None
    json: Path | None = None
    history: Path | None = None
    sarif: Path | None = None

    @classmethod
    def of(cls, html: str | None, junit: str | None, json: str | None, history: str | None = None) -> Paths:
        return cls(*(Path(text).absolute() if text else None for text in (html, junit, json, history)))

    def prepare(self) -> None:
        """Makes the folders, and finds out whether the files can be written, before anything takes its time."""
        for flag, path in zip(self._fields, self, strict=True):
            if path is None:
                continue
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                there = path.exists()
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
                if not there:
                    path.unlink()
            except OSError as error:
                hint = msg("give --{flag} with a path that you may write", flag=flag)
                raise ConfigError(
                    msg("{path} cannot be written: {reason}", path=path, reason=error.strerror),
                    hint=hint,
                    kind="not-writable",
                ) from None

    def with_history(self) -> Paths:
        """With the usual history where none is named. That it can be written is not asked for: a drill is worth more
        than its line."""
        return self if self.history is not None else self._replace(history=Path(HISTORY).absolute())

    def provenance(self) -> dict[str, str]:
        """The files by kind, for the report itself."""
        named = zip(self._fields, self, strict=True)
        return {name: str(path) for name, path in named if path is not None and name != "history"}


def publish(
    output: Output, report: Report, drills: Sequence[Report], paths: Paths, *, junit_written: bool = False
) -> None:
    """Prints the report and writes its files. `drills`: the drills that it speaks of, each with its evidence."""
    from dbops.ops.provenance import stamped
    from dbops.report import history
    from dbops.report.page import Page
    from dbops.report.write import add_step_summary, write

    at = app.now()
    report = stamped(report)
    past = history.extend(paths.history, drills, at)
    if past.trouble:
        hint = msg("--history names another file")
        logs.say(
            "warning",
            "no-history",
            msg(
                "no history is kept in {history}: {trouble} ({hint})",
                history=paths.history,
                trouble=past.trouble,
                hint=hint,
            ),
        )
    page = Page.of(report, drills, past, at)
    write(page, html=paths.html, junit=None if junit_written else paths.junit, json=paths.json)
    add_step_summary(report, drills)
    output.report(report)
