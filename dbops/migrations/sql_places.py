"""Which line of a revision file a statement comes from, told by the names in both: rendering keeps no lines.

A guess, and only taken where one statement of the file has more of the names than all others; else it is the line of
`def upgrade`, above which a suppression holds for all of the function.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import NamedTuple

from dbops.migrations.sql_text import Kind, Statement

_WORD = re.compile(r"\w+")
_COMMON = frozenset({"id", "name", "public", "sa", "op", "table", "column", "add", "alter", "create", "drop", "index"})


class _Place(NamedTuple):
    line: int
    words: Counter[str]


class Places:
    """The statements of `upgrade` in one file."""

    def __init__(self, data: bytes, path: str, line: int) -> None:
        """`line`: what to fall back to where there is no `def upgrade`."""
        tree = ast.parse(data)
        ups = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("upgrade")]
        self._path = path
        self._default = ups[0].lineno if ups else line
        self._places = [_Place(one.lineno, _words(one)) for up in ups for one in _simple(up.body)]

    def of(self, statement: Statement) -> str:
        """`versions/1a2b_add_name.py:12`."""
        wanted = _names(statement)
        scores = [(sum((place.words & wanted).values()), place.line) for place in self._places]
        best = max(scores, default=(0, 0))
        alone = sum(score == best[0] for score, _ in scores) == 1
        if best[0] and not alone:  # of several that are alike, the one that says nothing else
            extra = [
                (sum((place.words - wanted).values()), place.line)
                for place, (score, _) in zip(self._places, scores, strict=True)
                if score == best[0]
            ]
            least = min(extra)
            alone = sum(more == least[0] for more, _ in extra) == 1
            best = (best[0], least[1])
        return f"{self._path}:{best[1] if best[0] and alone else self._default}"


def _simple(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements that have none inside: of a `with` or an `if`, what is in it."""
    found: list[ast.stmt] = []
    for one in body:
        inner = [child for child in ast.iter_child_nodes(one) if isinstance(child, ast.stmt)]
        if inner and isinstance(one, ast.With | ast.If | ast.For | ast.Try):
            found += _simple(inner)
        else:
            found.append(one)
    return found


def _words(statement: ast.stmt) -> Counter[str]:
    texts = [
        node.value for node in ast.walk(statement) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    found = Counter(word.lower() for text in texts for word in _WORD.findall(text))
    return Counter(dict.fromkeys(found, 1))


def _names(statement: Statement) -> Counter[str]:
    kinds = (Kind.WORD, Kind.NAME, Kind.TEXT)
    words = (word.lower() for one in statement.tokens if one.kind in kinds for word in _WORD.findall(one.text))
    # A name such as `id` is in every statement: it tells the less, but nothing else may be there to tell.
    return Counter({word: 1 for word in words if word not in _COMMON})
