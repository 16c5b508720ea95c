"""How well a server of one major version may stand for another."""

from __future__ import annotations

_OLDER = 1000


def distance(major: int, source: int) -> int:
    """0: the same, or not known; then the nearest newer one; an older one, which may not take the dump, is last."""
    if not major or not source:
        return 0
    return major - source if major >= source else _OLDER + source - major
