"""The manual, made of the tasks themselves: `invoke help TASK`, and docs/reference.md."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

from invoke.collection import Collection
from invoke.tasks import Task

from dbops.errors import ConfigError
from dbops.language import msg, tr
from dbops.report.layout import wrap
from dbops.tasks.flags import EXAMPLE, Documented, paragraphs

_EXIT_CODES = (
    (0, tr("done, or verdict PASS")),
    (2, tr("usage, configuration, or refused (no confirmation)")),
    (3, tr("verdict FAIL: the backup or the migration is bad")),
    (4, tr("the operation failed: tool, server, store, network")),
    (5, tr("inconclusive: no backup, a tool is missing, nothing was checked")),
    (130, tr("interrupted")),
)
_ENVIRONMENT = (
    ("DBOPS_CONFIG", tr("the configuration, instead of ./dbops.toml")),
    ("DATABASE_URL", tr("the database, where no file names one")),
    ("DBOPS_STORE", tr("where backups live, where no file says so")),
    ("DBOPS_LOG_FORMAT", tr("as --log-format")),
    ("DBOPS_RUN_ID", tr("a UUID for the run, to find it again in logs and reports")),
    ("DBOPS_LANG", tr("en or es: the language at the terminal (else LC_ALL, LC_MESSAGES, LANG)")),
    ("NO_COLOR", tr("no colours")),
)


class Page(NamedTuple):
    """What is known of one task."""

    name: str
    summary: str
    body: tuple[str, ...]
    """Paragraphs."""
    examples: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]


def pages(tasks: Collection) -> list[Page]:
    """All tasks, in the order of their names."""
    return [_page(name, task) for name, task in sorted(tasks.tasks.items())]


def find(tasks: Collection, name: str) -> Page:
    """Raises `ConfigError` for a task that there is not."""
    known = {page.name: page for page in pages(tasks)}
    if name not in known:
        raise ConfigError(
            msg("there is no task '{name}'", name=name),
            hint=msg("tasks: {known}", known=", ".join(known)),
            kind="no-task",
        )
    return known[name]


def text(page: Page) -> str:
    """For a terminal."""
    shown = [wrap(page.summary, f"{page.name}: ", "")]
    shown += [f"\n{wrap(paragraph, '', '')}" for paragraph in page.body]
    shown += [tr("\nExamples:\n"), *(f"  {example}\n" for example in page.examples)]
    shown += [tr("\nFlags:\n"), *(wrap(told, f"  {flag:<26}", " " * 28) for flag, told in page.flags)]
    shown += [tr("\nExit codes:\n"), *(f"  {code:<4}{told}\n" for code, told in _EXIT_CODES)]
    return "".join(shown)


def overview(tasks: Collection) -> str:
    """What there is."""
    found = pages(tasks)
    lines = [wrap(page.summary, f"  {page.name:<10}", " " * 12) for page in found]
    return "".join(lines) + tr("\nMore of each: invoke help TASK\n")


def reference(tasks: Collection) -> str:
    """docs/reference.md."""
    return "\n".join(_reference(tasks)) + "\n"


def _reference(tasks: Collection) -> Iterator[str]:
    yield from ("# Reference of the tasks", "")
    yield "Made from the tasks themselves by `invoke help all --markdown`. `dbops TASK` is `invoke TASK`."
    yield ""
    found = pages(tasks)
    for page in found:
        yield f"- [`{page.name}`](#{page.name}): {page.summary}"
    for page in found:
        yield from ("", f"## {page.name}", "", page.summary)
        for paragraph in page.body:
            yield from ("", paragraph)
        yield from ("", "```bash", *page.examples, "```", "", "| flag | |", "|---|---|")
        for flag, told in page.flags:
            escaped = told.replace("|", "\\|")
            yield f"| `{flag}` | {escaped} |"
    yield from ("", "## Exit codes", "", "| code | meaning |", "|---|---|")
    yield from (f"| {code} | {told} |" for code, told in _EXIT_CODES)
    yield from ("", "## Environment", "", "| variable | meaning |", "|---|---|")
    yield from (f"| `{name}` | {told} |" for name, told in _ENVIRONMENT)


def _page(name: str, task: Task[Any]) -> Page:
    found = paragraphs(inspect.getdoc(task) or "")
    lines = (inspect.getdoc(task) or "").splitlines()
    examples = tuple(line.strip() for line in lines if line.strip().startswith(EXAMPLE))
    body = tuple(part for part in found[1:] if not part.startswith(EXAMPLE))
    return Page(name, found[0], body, examples, tuple(_flags(task)))


def _flags(task: Task[Any]) -> Iterator[tuple[str, str]]:
    for argument in sorted(task.get_arguments(), key=lambda one: str(one.name)):
        name = str(argument.name).replace("-", "_")
        told = task.texts.get(name, "") if isinstance(task, Documented) else ""
        if argument.positional:
            yield name.upper(), told
            continue
        value = "" if argument.kind is bool else f" {name.upper()}"
        value = f"[={name.upper()}]" if argument.optional else value
        yield f"--{name.replace('_', '-')}{value}", told
