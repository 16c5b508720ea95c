"""Who is told what became of a run: `[notify]` and `[targets.NAME.notify]`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from dbops.config.types import Addresses, Argv, Link, Links, Mode, Seconds
from dbops.values import Value

Task = Literal["backup", "verify", "drill", "check", "prune"]
TASKS: tuple[Task, ...] = ("backup", "verify", "drill", "check", "prune")
"""What a schedule runs, and nobody watches."""


class Pings(Value, frozen=True):
    """An address for each task: a backup that ran says nothing about the weekly drill that did not."""

    backup: Link | None = None
    verify: Link | None = None
    drill: Link | None = None
    check: Link | None = None
    prune: Link | None = None


class NotifyConfig(Value, frozen=True):
    """Channels. Hooks are commands without a shell; `when` is for `webhook` and `apprise`: hooks have their own events,
    pings and metrics need both. `timeout` and `hook_timeout` in seconds."""

    on_success: Argv | None = None
    on_failure: Argv | None = None
    hook_timeout: Seconds = Seconds(60)
    webhook: Links = Links()
    apprise: Addresses = Addresses()
    when: Literal["failure", "always"] = "failure"
    ping: Pings = Pings()
    metrics: Path | None = None
    """The folder of the node exporter's textfile collector."""
    metrics_mode: Mode = Mode(0o600)
    timeout: Seconds = Seconds(10)
    tasks: tuple[Task, ...] = TASKS


def merged(general: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a target: its own keys win over the general ones, and of `ping` its own tasks."""
    both = {**general, **own}
    if isinstance(general.get("ping"), Mapping) and isinstance(own.get("ping"), Mapping):
        both["ping"] = {**general["ping"], **own["ping"]}
    return both


def secrets(config: NotifyConfig) -> list[str]:
    """The addresses, which hold the keys of the channels."""
    pings = [link for link in msgspec.structs.astuple(config.ping) if link is not None]
    return [secret.reveal() for secret in (*config.webhook, *config.apprise, *pings)]
