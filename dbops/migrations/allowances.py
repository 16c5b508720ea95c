"""Suppressions written into a revision file, beside the operation that they are about.

    # dbops: allow RULE until 2027-01-31 by NAME: reason

The comment stands on the line above a statement, or at the end of one of its lines, and holds for that statement alone:
above `def downgrade():` for all of that function.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from datetime import date

from dbops.language import msg
from dbops.migrations.values import Allowance

FORM = "# dbops: allow RULE until 2027-01-31 by NAME: reason"
_OURS = re.compile(r"#\s*dbops\s*:(.*)", re.IGNORECASE)
_WHOLE = re.compile(
    r"\s*allow\s+(?P<rule>\S+)\s+until\s+(?P<until>\S+)\s+by\s+(?P<owner>[^:]+?)\s*:\s*(?P<reason>\S.*)"
)
_PARTS = (
    (re.compile(r"\ballow\s+(?!until\b|by\b)\S"), "no rule"),
    (re.compile(r"\buntil\s+\S"), "no expiry"),
    (re.compile(r"\bby\s+[^\s:]"), "no owner"),
    (re.compile(r"\bby\b[^:]*:\s*\S|^[^:]*:\s*\S"), "no reason"),
)


def allowances(data: bytes, tree: ast.Module) -> tuple[Allowance, ...]:
    """Every comment that begins with `dbops:`, also those that are written wrong."""
    if b"dbops" not in data:
        return ()
    found: list[Allowance] = []
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        match = _OURS.match(token.string) if token.type == tokenize.COMMENT else None
        if match is not None:
            alone = not token.line[: token.start[1]].strip()
            line = token.start[0]
            beside = _beside(tree, line, alone=alone)
            if beside is None:
                found.append(Allowance(line=line, first=line, last=line, wrong=msg("no statement is below it")))
            else:
                found.append(_read(match[1], line, *beside))
    return tuple(found)


def _read(text: str, line: int, first: int, last: int) -> Allowance:
    match = _WHOLE.fullmatch(text.rstrip())
    if match is None:
        lacks = [what for part, what in _PARTS if not part.search(text)]
        return Allowance(line=line, first=first, last=last, wrong=", ".join(lacks) or msg("it is not of the form"))
    try:
        expires = date.fromisoformat(match["until"])
    except ValueError:
        return Allowance(line=line, first=first, last=last, wrong=msg("{until} is no date", until=match["until"]))
    return Allowance(
        line=line,
        first=first,
        last=last,
        rule=match["rule"],
        expires=expires,
        owner=match["owner"],
        reason=match["reason"].strip(),
    )


def _beside(tree: ast.Module, line: int, *, alone: bool) -> tuple[int, int] | None:
    """The lines of the statement that a comment is about: the next one that begins, for one on a line alone (None:
    there is none), else the innermost around it."""
    spans = [(one.lineno, one.end_lineno or one.lineno) for one in ast.walk(tree) if isinstance(one, ast.stmt)]
    if alone:
        return min((span for span in spans if span[0] > line), key=lambda span: (span[0], -span[1]), default=None)
    around = [span for span in spans if span[0] <= line <= span[1]]
    return min(around, key=lambda span: span[1] - span[0], default=(line, line))
