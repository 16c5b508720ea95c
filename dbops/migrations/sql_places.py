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


_CHANGES_ROWS = ("UPDATE", "DELETE", "INSERT")
_VERBS = frozenset({"ALTER", "CREATE", "DROP", "TRUNCATE", "COMMENT", "GRANT", "REVOKE", "LOCK", *_CHANGES_ROWS})
_STRUCTURAL = re.compile(r"(?:add|alter|create|drop|rename)_\w+")


class _Place(NamedTuple):
    """`verbs`: those with which the SQL in it begins; `structural`: it calls an operation of Alembic that changes no
    rows."""

    line: int
    words: Counter[str]
    verbs: frozenset[str] = frozenset()
    structural: bool = False

    def fits(self, verb: str) -> bool:
        """Whether a statement that begins so can come from here."""
        return not (self.verbs and verb not in self.verbs) and not (self.structural and verb in _CHANGES_ROWS)


class Places:
    """The statements of `upgrade` in one file."""

    def __init__(self, data: bytes, path: str, line: int) -> None:
        """`line`: what to fall back to where there is no `def upgrade`."""
        tree = ast.parse(data)
        ups = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("upgrade")]
        self._path = path
        self._default = ups[0].lineno if ups else line
        self._places = [_place(one, around) for up in ups for one, around in _simple(up.body, Counter())]

    def of(self, statement: Statement) -> str:
        """`versions/1a2b_add_name.py:12`."""
        wanted = _names(statement)
        places = [place for place in self._places if place.fits(statement.words[0] if statement.words else "")]
        scores = [(sum((place.words & wanted).values()), place.line) for place in places]
        best = max(scores, default=(0, 0))
        alone = sum(score == best[0] for score, _ in scores) == 1
        if best[0] and not alone:  # of several that are alike, the one that says nothing else
            extra = [
                (sum((place.words - wanted).values()), place.line)
                for place, (score, _) in zip(places, scores, strict=True)
                if score == best[0]
            ]
            least = min(extra)
            alone = sum(more == least[0] for more, _ in extra) == 1
            best = (best[0], least[1])
        return f"{self._path}:{best[1] if best[0] and alone else self._default}"


def _simple(body: list[ast.stmt], around: Counter[str]) -> list[tuple[ast.stmt, Counter[str]]]:
    """Statements that have none inside: of a `with` or an `if`, what is in it. With the words of the `with` around
    each: a batch names its table there alone."""
    found: list[tuple[ast.stmt, Counter[str]]] = []
    for one in body:
        inner = [child for child in ast.iter_child_nodes(one) if isinstance(child, ast.stmt)]
        if inner and isinstance(one, ast.With | ast.If | ast.For | ast.Try):
            heads = [item.context_expr for item in one.items] if isinstance(one, ast.With) else []
            found += _simple(inner, sum((_words(head) for head in heads), around))
        else:
            found.append((one, around))
    return found


def _place(statement: ast.stmt, around: Counter[str]) -> _Place:
    texts = [text.split(None, 1) for text in _texts(statement)]
    called = [
        node.func.attr
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    return _Place(
        statement.lineno,
        Counter(dict.fromkeys([*_words(statement), *around], 1)),
        frozenset(words[0].upper() for words in texts if len(words) > 1 and words[0].upper() in _VERBS),
        any(_STRUCTURAL.fullmatch(name) for name in called),
    )


def _texts(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _words(node: ast.AST) -> Counter[str]:
    found = Counter(word.lower() for text in _texts(node) for word in _WORD.findall(text))
    return Counter(dict.fromkeys(found, 1))


def _names(statement: Statement) -> Counter[str]:
    kinds = (Kind.WORD, Kind.NAME, Kind.TEXT)
    words = (word.lower() for one in statement.tokens if one.kind in kinds for word in _WORD.findall(one.text))
    # A name such as `id` is in every statement: it tells the less, but nothing else may be there to tell.
    return Counter({word: 1 for word in words if word not in _COMMON})
