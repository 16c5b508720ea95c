"""What a scanner of scripts passes over in one go."""

from __future__ import annotations

import re

SPACE = re.compile(rb"[ \t\r\n\f\v]*+")
_DOLLARS = re.compile(rb"\$[A-Za-z0-9_\x80-\xff]*+\$")
_DOLLARS_CUT = re.compile(rb"\$[A-Za-z0-9_\x80-\xff]{0,70}\Z")
_EXTERNAL = re.compile(rb"\bLANGUAGE\s+(?!SQL\b)", re.IGNORECASE)
_AFTER_AS = re.compile(rb"(?:\A|[^A-Za-z0-9_$\x80-\xff])AS\s+\Z", re.IGNORECASE)
_AS_BYTES = 64
ROWS_END = re.compile(rb";\n")  # more than twice as fast as bytes.find
INSIDE = {
    (quote, escapes): re.compile(rb"(?:[^%s\\]++|\\.)*+" % quote if escapes else rb"[^%s]*+" % quote, re.DOTALL)
    for quote in (b"'", b'"', b"`")
    for escapes in (True, False)
}


def plain(delimiter: bytes) -> dict[bool, re.Pattern[bytes]]:
    """A run of what neither ends a statement nor begins what may hold its end, with strings that are whole; by whether
    a backslash escapes."""
    stop = b"'\"`\\\\/#\\-$" + re.escape(delimiter[:1])
    strings = {
        True: rb"'(?:[^'\\]++|\\.)*+'|" + rb'"(?:[^"\\]++|\\.)*+"',
        False: rb"'[^']*+'|" + rb'"[^"]*+"',
    }
    return {
        escapes: re.compile(rb"(?:[^%s]++|%s|`[^`]*+`)*+" % (stop, text), re.DOTALL)
        for escapes, text in strings.items()
    }


def body_begins(text: bytearray, begin: int, at: int) -> bytes | None:
    """The quote at the dollar sign at `at`, of a body in another language (`$$`, `$tag$`), in the statement that begins
    at `begin`; empty for a dollar sign that is none, None where more of the text is needed to tell.

    Only after AS, and where the statement has named another language than SQL: a name may begin with a dollar sign.
    """
    found = _DOLLARS.match(text, at)
    if found is None:
        return None if _DOLLARS_CUT.match(text, at) else b""
    if _AFTER_AS.search(text[max(begin, at - _AS_BYTES) : at]) and _EXTERNAL.search(text, begin, at):
        return bytes(found[0])
    return b""
