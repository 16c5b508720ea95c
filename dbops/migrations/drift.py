"""Case 20: a live schema that is not what the revisions build, from the definitions of both. Pure.

What belongs to the application is told by its tables: what revisions build has to be there and alike, and nothing may
hang on these tables that no revision makes. Other tables of the database may be anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbops.engine.scratch import Definitions
from dbops.language import msg, some
from dbops.migrations.conflicts import apart
from dbops.model import Finding, Severity

STEP = "drift"
RULE = "migration-schema-drift"
_KINDS = (
    "table", "column", "columns", "constraint", "check", "foreign_key", "index", "type", "domain", "sequence", "view",
    "matview", "function", "routine", "trigger", "policy", "partition",
)  # fmt: skip
"""What revisions make. Owners, rights, comments and settings differ between any two servers."""
_PARTS = ("column", "columns", "constraint", "check", "foreign_key", "index", "trigger")
"""Kinds whose objects belong to a table."""
_SHOWN = 8
_INDEXED = re.compile(r"^CREATE (?:UNIQUE )?INDEX .+? ON (?:ONLY )?(.+?) USING ")


def drift(built: Definitions, live: Definitions, subject: str) -> list[Finding]:
    """`built`: by the revisions that the database is at, on an empty one."""
    lines = [*_lines(built, live)]
    if not lines:
        return []
    return [
        Finding(
            id=RULE,
            severity=Severity.WARNING,
            subject=subject,
            expected=msg("the schema that its revisions build on an empty database"),
            actual=some(lines, _SHOWN, separator="; "),
            hint=msg(
                "somebody changed it by hand, or edited what had run: write a revision that makes both "
                "alike; what is pending may fail here though it runs elsewhere"
            ),
        )
    ]


def _lines(built: Definitions, live: Definitions) -> Iterator[str]:
    tables = built.get("table", {}).keys()
    gone = tables - live.get("table", {}).keys()
    for kind in _KINDS:
        ours, theirs = built.get(kind, {}), live.get(kind, {})
        if kind not in built or kind not in live:
            continue  # this role may not read it
        for name in ours:
            if name not in theirs and not (kind in _PARTS and _table(kind, name, ours[name]) in gone):
                yield msg("{kind} {name} is not there", kind=kind, name=name)
            elif name in theirs and ours[name] != theirs[name]:
                expected, found = apart(ours[name], theirs[name])
                yield msg(
                    "{kind} {name}: {found}, and revisions make {expected}",
                    kind=kind,
                    name=name,
                    found=found,
                    expected=expected,
                )
        if kind in _PARTS:
            for name in sorted(theirs.keys() - ours.keys()):
                if _table(kind, name, theirs[name]) in tables:
                    yield msg("{kind} {name} is made by no revision", kind=kind, name=name)


def _table(kind: str, name: str, text: str) -> str:
    """The table that an object belongs to, by its identity in either family of dialects."""
    if kind == "columns":
        return name
    if " on " in name:
        return name.rpartition(" on ")[2]
    indexed = _INDEXED.search(text) if kind == "index" else None
    return indexed[1] if indexed is not None else name.rpartition(".")[0]
