"""Locks of a target, and what is said to a run that meets another one's, whatever the server calls such a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from dbops.errors import LockedError
from dbops.language import msg


@contextmanager
def no_backup(exclusive: Callable[[str], AbstractContextManager[None]], *, prunes: bool) -> Iterator[None]:
    """Excludes backups of a target by its lock `exclusive('backup')`, which prunes take as well: they must not take
    files from under one. `LockedError` of kind 'prune-running' tells that it is a prune that has it."""
    with ExitStack() as stack:
        if prunes:
            stack.enter_context(exclusive("prune"))
        try:
            stack.enter_context(exclusive("backup"))
        except LockedError:
            if not prunes:
                with exclusive("prune"):
                    pass
            raise
        yield


def held(work: str, subject: str, holder: str, ends: str) -> LockedError:
    """Another one runs. `holder`: who, and since when; `ends`: what is to be done, and when the lock goes."""
    return LockedError(
        msg("another {work} of {subject} is running: {holder}", work=work, subject=subject, holder=holder),
        hint=ends,
        kind=f"{work}-running",
    )


def comes_and_goes(work: str, subject: str) -> LockedError:
    """Each time it was asked for somebody had it, who had gone when we looked."""
    return LockedError(
        msg("the lock of {work} {subject} comes and goes", work=work, subject=subject),
        hint=msg("try again in a moment"),
        kind=f"{work}-running",
    )
