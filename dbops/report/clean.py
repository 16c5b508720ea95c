"""Text of strangers made fit to be shown: names of objects and messages of servers may hold any character at all."""

from __future__ import annotations

import re

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff0-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, what has no width or turns the direction of text around, and what no encoding carries."""
_RETURN = re.compile(r"\r\n?")


def visible(text: str) -> str:
    r"""`text` with every character that cannot be seen, or that would steer the rest, written as `\u202e`.

    Spaces, tabs and line ends stay. Nothing of what is left is forbidden in XML 1.0.
    """
    return _INVISIBLE.sub(_escape, _RETURN.sub("\n", text))


def flat(text: str) -> str:
    """`visible` on one line: runs of blanks become one space."""
    return " ".join(visible(text).split())


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters; what was cut is counted."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit} more characters)"


def number(value: int) -> str:
    """`136 462`: digits in threes, apart by a narrow space that does not break."""
    return f"{value:,}".replace(",", "\u202f")
