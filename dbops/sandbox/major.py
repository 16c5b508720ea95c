"""How well a server of one version may stand for another."""

from __future__ import annotations

_MAJOR = 1000
_OLDER = 1000 * _MAJOR


def distance(major: int, source: int) -> int:
    """0: the same, or not known; then the nearest newer one; an older one, which may not take the dump, is last."""
    return series_distance(str(major), str(source))


def series_distance(series: str, source: str) -> int:
    """The same for `10.11` and `11.8`. Where one of them is only a major, majors are compared."""
    parts = min(len(series.split(".")), len(source.split(".")))
    found, wanted = _number(series, parts), _number(source, parts)
    if not found or not wanted:
        return 0
    return found - wanted if found >= wanted else _OLDER + wanted - found


def _number(series: str, parts: int) -> int:
    numbers = [int(part) for part in series.split(".")[:parts] if part.isdigit()]
    return sum(number * _MAJOR ** (1 - place) for place, number in enumerate(numbers[:2]))
