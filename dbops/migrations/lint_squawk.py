"""PostgreSQL's statements as squawk judges them: a program in a wheel of its own, which needs no network.

Of its rules those count that are about a migration's effect on a running database, under our own ids. Rules of style
(types, `IF NOT EXISTS`) are left out, and so are timeouts, which `migrate` sets itself. What it says of statements that
are ours to judge (transactions, CONCURRENTLY) is left out too: it does not see what Alembic has begun and ended.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.errors import NothingToCheckError, ToolError
from dbops.language import msg
from dbops.migrations.sql_revisions import Step

_SECONDS = 60.0
RULES = {
    "adding-required-field": "sql-required-column",
    "adding-not-nullable-field": "sql-not-null",
    "require-concurrent-index-creation": "sql-index-blocks",
    "disallowed-unique-constraint": "sql-index-blocks",
    "adding-serial-primary-key-field": "sql-index-blocks",
    "require-concurrent-index-deletion": "sql-index-drop",
    "constraint-missing-not-valid": "sql-constraint",
    "adding-foreign-key-constraint": "sql-constraint",
    "ban-alter-domain-with-add-constraint": "sql-constraint",
    "changing-column-type": "sql-type-change",
    "adding-field-with-default": "sql-rewrite",
    "renaming-column": "sql-rename",
    "renaming-table": "sql-rename",
    "ban-drop-column": "sql-drop",
    "ban-drop-table": "sql-drop",
    "ban-drop-database": "sql-drop",
}
"""Its rules that count, and what they are called here."""
_UNREAD = "syntax-error"
_NOT_ITS_OWN = {"constraint-missing-not-valid": ("disallowed-unique-constraint", "adding-serial-primary-key-field")}
"""What it says of a statement beside another rule that says it better."""


class Said(NamedTuple):
    """`rule` is ours; '' if squawk could not read the statement."""

    step: Step
    rule: str
    text: str
    help: str


def program() -> str:
    """Where squawk is: beside the interpreter that dbops runs in, or on the path. `NothingToCheckError` without it."""
    beside = Path(sys.executable).with_name("squawk")
    found = str(beside) if beside.is_file() else shutil.which("squawk")
    if found is None:
        raise NothingToCheckError(
            msg("squawk is not installed, by which SQL for PostgreSQL is judged"),
            hint=msg("pip install squawk-cli"),
            kind="squawk-missing",
        )
    return found


def judge(steps: Sequence[Step], version: str) -> list[Said]:
    """What squawk says of the statements of one revision. `version` of the server, such as `15.4`; '' if not known.
    Raises `NothingToCheckError` without the program, `ToolError` where it does not work."""
    said: list[Said] = []
    rest = list(steps)
    while rest:
        text, lines = _script(rest)
        found = list(_said(_run(text, version), lines))
        unread = {id(one.step) for one in found if not one.rule}
        if not unread:
            return said + found
        # At a statement that it cannot read it says nothing of all the others: once more without it.
        said += [one for one in found if not one.rule]
        rest = [one for one in rest if id(one) not in unread]
    return said


def _run(text: str, version: str) -> list[object]:
    argv = [program(), "--reporter", "json", "--exclude", "require-lock-timeout,require-statement-timeout"]
    if version:
        argv += ["--pg-version", ".".join(version.split(".")[:2]) if "." in version else f"{version}.0"]
    with tempfile.TemporaryDirectory(prefix="dbops-lint-") as folder:
        # In a folder of its own: it would read a .squawk.toml of the project, and be silent where that says so.
        path, own = Path(folder, "revision.sql"), Path(folder, "squawk.toml")
        path.write_text(text, encoding="utf-8")
        own.write_text("")
        result = run([*argv, "--config", str(own), str(path)], timeout=_SECONDS, cwd=Path(folder))
    try:
        found = json.loads(result.stdout or "[]")
    except ValueError:
        found = None
    if result.status not in (0, 1) or not isinstance(found, list):
        hint = result.stderr or result.stdout[:500]
        raise ToolError(msg("squawk ended with status {status}", status=result.status), hint=hint, kind="squawk")
    return found


def _script(steps: Sequence[Step]) -> tuple[str, list[Step]]:
    """The statements with the transactions that they run in, and for each line whose it is."""
    parts: list[str] = []
    lines: list[Step] = []

    def add(text: str, step: Step) -> None:
        parts.append(f"{text};\n")
        lines.extend([step] * (text.count("\n") + 1))

    inside = 0
    for step in steps:
        if step.transaction != inside and inside:
            add("COMMIT", step)
        if step.transaction != inside and step.transaction:
            add("BEGIN", step)
        inside = step.transaction
        add(step.statement.text, step)
    if inside:
        add("COMMIT", steps[-1])
    return "".join(parts), lines


def _said(found: Sequence[object], lines: Sequence[Step]) -> Iterator[Said]:
    seen: set[tuple[int, str]] = set()
    entries = [one for one in found if isinstance(one, dict)]
    names: dict[int, set[str]] = {}
    for one in entries:
        names.setdefault(int(one.get("line", 0)), set()).add(str(one.get("rule_name", "")))
    for one in entries:
        name, line = str(one.get("rule_name", "")), int(one.get("line", 0))
        rule = "" if name == _UNREAD else RULES.get(name)
        if rule is None or not 0 <= line < len(lines):
            continue
        if names[line] & {*_NOT_ITS_OWN.get(name, ())}:
            continue
        key = (id(lines[line]), rule)
        if key not in seen:
            seen.add(key)
            yield Said(lines[line], rule, str(one.get("message") or ""), str(one.get("help") or ""))
