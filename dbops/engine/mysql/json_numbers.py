"""Numbers of JSON documents of MySQL, as they are after a dump has brought them back.

A document may hold a DECIMAL (`JSON_OBJECT('price', price)`), which no text can give back: what is printed as `1.50` is
read as the DOUBLE 1.5, and a number of more than 64 bits likewise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

_SUSPECT = re.compile(rb"\d[.eE]|\d{19}")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?', re.DOTALL)
_WHOLE = re.compile(rb"-?\d+")
_INTEGERS = range(-(1 << 63), 1 << 64)
_FIXED_DIGITS = 15


def brought_back(documents: Iterable[bytes]) -> list[bytes]:
    """Each document, as the server prints it, with its numbers as the server prints them once it has read that."""
    return [_TOKEN.sub(_token, one) if _SUSPECT.search(one) else one for one in documents]


def _token(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if token[:1] == b'"' or (_WHOLE.fullmatch(token) and int(token) in _INTEGERS):
        return token
    return double(float(token)).encode()


def double(value: float) -> str:
    """As a document of MySQL shows it: my_gcvt of strings/dtoa.cc, whole numbers with `.0`. Of a finite number."""
    sign, numbers, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - finite
    digits = "".join(map(str, numbers))
    point = len(digits) + exponent
    minus = "-" * sign
    if value == 0:
        return f"{minus}0.0"
    if -_FIXED_DIGITS < point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    if 0 < point < len(digits):
        return f"{minus}{digits[:point]}.{digits[point:]}"
    if 0 < point <= _FIXED_DIGITS:
        return f"{minus}{digits.ljust(point, '0')}.0"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{minus}{digits[0]}{rest}e{point - 1}"
