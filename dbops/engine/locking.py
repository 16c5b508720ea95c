"""What is said to a run that meets the lock of another one, whatever the server calls such a lock."""

from __future__ import annotations

from dbops.errors import LockedError
from dbops.language import msg


def held(work: str, subject: str, holder: str, ends: str) -> LockedError:
    """Another one runs. `holder`: who, and since when; `ends`: what is to be done, and when the lock goes.

    The lock of a backup is that of a prune too, which must not take files from under it.
    """
    if work == "backup":
        text = msg("another backup or prune of {subject} is running: {holder}", subject=subject, holder=holder)
    else:
        text = msg("another {work} of {subject} is running: {holder}", work=work, subject=subject, holder=holder)
    return LockedError(text, hint=ends, kind=f"{work}-running")


def comes_and_goes(work: str, subject: str) -> LockedError:
    """Each time it was asked for somebody had it, who had gone when we looked."""
    return LockedError(
        msg("the lock of {work} {subject} comes and goes", work=work, subject=subject),
        hint=msg("try again in a moment"),
        kind=f"{work}-running",
    )
