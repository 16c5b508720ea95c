"""Whom the programs of a server run as, what they see of us, and whether they can be cut off from the network."""

from __future__ import annotations

import os
import pwd
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.errors import ToolError
from dbops.language import msg
from dbops.sandbox import launch
from dbops.sandbox.base import SandboxMissingError

_ACCOUNTS = ("nobody", "postgres")
"""In this order: `postgres` may be let into other servers of this machine without a password."""


class Account(NamedTuple):
    """Another account than ours: database servers refuse to run as root."""

    name: str
    uid: int
    gid: int


def other_account() -> Account | None:
    """None: the server runs as we do. `SandboxMissingError` where we are root and there is no account to run as."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise SandboxMissingError(
        msg(
            "the server does not run as root, and there is no account {accounts} to run it as",
            accounts=" or ".join(_ACCOUNTS),
        ),
        hint=msg("run this as an ordinary user"),
        kind="sandbox-missing",
    )


def launched(
    argv: Sequence[str],
    account: Account | None,
    *,
    isolated: bool = False,
    end: signal.Signals = signal.SIGQUIT,
) -> list[str]:
    """The command line that runs `argv` as the account, for no longer than this process lives: then it gets the signal
    `end`; `isolated`: without any network, or else not at all."""
    uid, gid = (str(account.uid), str(account.gid)) if account else ("-", "-")
    network = "none" if isolated else "-"
    return [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), uid, gid, network, str(int(end)), *argv]


def environment() -> dict[str, str]:
    """All that the server programs get of our environment."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


@cache
def can_isolate() -> bool:
    """Whether this machine lets us start a program without any network: tried out, with one that does nothing."""
    try:
        return (
            run(
                launched(["/bin/sh", "-c", ":"], None, isolated=True), env=environment(), cwd=Path("/"), timeout=30
            ).status
            == 0
        )
    except ToolError:
        return False
