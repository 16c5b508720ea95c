"""The queries of the running release, tried before and after an upgrade: what it broke, breaks the release that runs
while the new one is deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dbops.engine.migrating import Migrator, Refusal
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.migrations.sql_text import split
from dbops.model import Finding, NotEvaluated, Severity

QUERY_SECONDS = 60.0
_PLACEHOLDER = re.compile(
    r"""('(?:[^']|'')*'|"[^"]*"|`[^`]*`|--[^\n]*|/\*.*?\*/|::\w+)"""  # not in texts, names, comments, casts
    r"""|(%\((\w+)\)s|%s|(?<![:\w]):([A-Za-z_]\w*)|\$\d+|\?)""",
    re.S,
)


class Query(NamedTuple):
    """`text`: with the dialect's own placeholders. `line` in the file."""

    text: str
    line: int
    parameters: bool


def read(path: Path, dialect: str) -> tuple[Query, ...]:
    """The statements of a file; placeholders may be `%s`, `%(name)s`, `:name`, `$1` or `?`. `ConfigError` if the file
    cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ConfigError(msg("migrations.queries: {path}: {said}", path=path, said=said), kind="config-file") from None
    found = []
    for one in split(text, dialect):
        query, count = placeholders(one.text, dialect)
        found.append(Query(query, one.line, count > 0))
    return tuple(found)


def placeholders(text: str, dialect: str) -> tuple[str, int]:
    """The statement with the server's own placeholders, and how many it has."""
    names: dict[str, int] = {}
    count = 0

    def own(match: re.Match[str]) -> str:
        nonlocal count
        if match[2] is None:
            return match[1]
        count += 1
        if dialect != "postgres":
            return "?"
        name = match[3] or match[4] or (match[2] if match[2].startswith("$") else f"#{count}")
        return f"${names.setdefault(name, len(names) + 1)}"

    return _PLACEHOLDER.sub(own, text), count


def tried(queries: tuple[Query, ...], migrator: Migrator) -> dict[Query, Refusal | None]:
    """Each in a transaction that is rolled back; with placeholders it is only prepared."""
    return {one: migrator.attempt(one.text, QUERY_SECONDS, parameters=one.parameters) for one in queries}


def judge(
    before: dict[Query, Refusal | None], after: dict[Query, Refusal | None], path: Path, subject: str
) -> Iterator[Finding | NotEvaluated]:
    """Queries that worked before the upgrade and do not after it. What did not work before either is not evaluated."""
    for query, refusal in after.items():
        was = before.get(query)
        place = f"{path.name}:{query.line}"
        if was is not None:
            yield NotEvaluated(
                id=f"query {place}",
                reason=msg("it does not work before the upgrade either: {refusal}", refusal=was.text),
            )
        elif refusal is not None:
            yield Finding(
                id="rehearsal-query-fails",
                severity=Severity.ERROR,
                subject=subject,
                expected=msg(
                    "{place} works after the upgrade, as it did before: {query}",
                    place=place,
                    query=" ".join(query.text.split())[:200],
                ),
                actual=refusal.text,
                hint=msg("expand first, contract when no release uses the old shape any more"),
            )
