"""Text of people to numbers and back: durations (`24h`), sizes (`2GB`), target names from database names."""

from __future__ import annotations

import hashlib
import re

from dbops.language import msg
from dbops.model import is_target_name

_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_BYTES = {"B": 1}
for _power, _letter in enumerate("KMGT", 1):
    _BYTES[f"{_letter}B"] = 1000**_power
    _BYTES[f"{_letter}IB"] = 1024**_power


def parse_duration(text: str) -> float:
    """`45s`, `30m`, `24h`, `7d`, `2w` -> seconds; `ValueError` says what is allowed."""
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].lower() not in _SECONDS:
        raise ValueError(
            msg("{text!r} is not a duration: write a number and s, m, h, d or w, such as '24h' or '30m'", text=text)
        )
    return float(match[1]) * _SECONDS[match[2].lower()]


def parse_size(text: str) -> int:
    """`2GB` (powers of 1000), `500MiB` (powers of 1024), `100B` -> bytes; `ValueError` says what is allowed."""
    match = _NUMBER.fullmatch(text)
    if match is None or match[2].upper() not in _BYTES:
        raise ValueError(
            msg(
                "{text!r} is not a size: write a number and B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as '2GB'",
                text=text,
            )
        )
    return round(float(match[1]) * _BYTES[match[2].upper()])


def format_duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `5 h 10 min`, `12 d 3 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for big, small, names in ((86400, 3600, ("d", "h")), (3600, 60, ("h", "min")), (60, 1, ("min", "s"))):
        if whole >= big:
            count, rest = whole // big, whole % big // small
            return f"{count} {names[0]} {rest} {names[1]}" if rest else f"{count} {names[0]}"
    raise AssertionError(whole)


def format_size(count: int) -> str:
    """`812 B`, `1.2 kB`, `34 MB`: powers of 1000."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{count} B" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB" if abs(value) < 999.5 else f"{value:.0f} TB"


def target_name(database: str) -> str:
    """A legal target name for a database: its own name, or a readable form of it with a short hash."""
    if is_target_name(database):
        return database
    slug = re.sub(r"[^A-Za-z0-9]+", "-", database).strip("-")[:40] or "database"
    return f"{slug}-{hashlib.sha256(database.encode()).hexdigest()[:8]}"
