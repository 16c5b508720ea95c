"""Lines of text of at most 80 columns where names allow it."""

from __future__ import annotations

import re
import textwrap

WIDTH = 80
_AMOUNT = re.compile(r"(\d) (?=(?:[kMGT]?B|s|min|h|d)\b)")
_GLUE = "\0"
INDENT = " " * 9


def block(mark: str, name: str, text: str) -> str:
    """`mark  name  text`, wrapped with a hanging indent; words are never broken. Ends with a line end."""
    return wrap(" ".join(text.split()), f"{mark:<8} {name:<16} ", INDENT)


def wrap(text: str, first: str, rest: str) -> str:
    """`text` in lines of at most 80 columns after `first`, then `rest`; a number stays with its unit.

    Ends with a line end.
    """
    lines = textwrap.wrap(
        _AMOUNT.sub(rf"\1{_GLUE}", text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines or [first.rstrip()]).replace(_GLUE, " ") + "\n"
