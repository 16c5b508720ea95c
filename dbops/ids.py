"""The ids of backups and restores: the UTC second in which they began, as a label that sorts: `20261124T024500Z`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

_FORMAT = "%Y%m%dT%H%M%SZ"
_PATTERN = re.compile(r"\d{8}T\d{6}Z")


def backup_id(moment: datetime) -> str:
    """The id of a backup (UTC, to the second), which sorts by time: `20261124T024500Z`."""
    return moment.astimezone(UTC).strftime(_FORMAT)


def is_backup_id(text: str) -> bool:
    """If `moment_of` knows it: a 31st of February is none."""
    try:
        moment_of(text)
    except ValueError:
        return False
    return _PATTERN.fullmatch(text) is not None  # strptime takes 2026 1 1 too


def moment_of(made: str) -> datetime:
    """The second that an id names. Raises ValueError where it names none."""
    return datetime.strptime(made, _FORMAT).replace(tzinfo=UTC)


def free_id(now: datetime, taken: Iterable[str]) -> str:
    """An id later than every one that is taken, even if two are made in one second or the clock was set back."""
    made, newest = backup_id(now), max(taken, default="")
    return made if made > newest else backup_id(moment_of(newest) + timedelta(seconds=1))
