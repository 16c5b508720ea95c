"""Writing the files of a run: each whole or not at all, and readable by its owner alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dbops.model import Report
from dbops.report.page import Page

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Environment: a file whose Markdown GitHub shows on the page of the job."""


def write(page: Page, *, html: Path | None = None, junit: Path | None = None, json: Path | None = None) -> None:
    """Writes the forms that have a path. Folders are made. A form that cannot be rendered leaves no file changed."""
    rendered: list[tuple[Path, str]] = []
    if json is not None:
        from dbops.report.json import page_json

        rendered.append((json, page_json(page)))
    if junit is not None:
        from dbops.report.junit import page_junit

        rendered.append((junit, page_junit(page)))
    if html is not None:
        from dbops.report.html import page_html

        rendered.append((html, page_html(page)))
    for path, text in rendered:
        replace(path, text)


def replace(path: Path, text: str) -> None:
    """The file `path` becomes `text` at once, with mode 0600; what was there stays if anything goes wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def add_step_summary(report: Report, drills: Sequence[Report] = ()) -> None:
    """The run as Markdown, after what is in the summary of the CI job; nothing without one."""
    if path := os.environ.get(STEP_SUMMARY):
        from dbops.report import markdown

        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown.summary(report, drills))
