"""The run under way: its id, the task that it is of, and the form of its log (docs/decisions/036-logs.md).

One process does one thing at a time, and everything that it says of it carries the id: log lines, reports, what is
told to others. So the run is known to the whole process, and is not handed through every call.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from dbops.errors import ConfigError
from dbops.language import msg

FORMATS = ("text", "json")
FORMAT_VARIABLE = "DBOPS_LOG_FORMAT"
ID_VARIABLE = "DBOPS_RUN_ID"
"""Given by whoever starts several runs that belong together, such as `--all`."""


class Run(NamedTuple):
    """`id` is a UUID, which is what services that join 'start' and 'end' of a job ask for."""

    id: str
    task: str
    log_format: str = "text"


def begin(task: str, log_format: str | None = None, environment: Mapping[str, str] = os.environ) -> Run:
    """Begins a run. `log_format` None: as the environment says. Raises `ConfigError` for what is not allowed."""
    global _current
    chosen = log_format or environment.get(FORMAT_VARIABLE) or "text"
    if chosen not in FORMATS:
        where = "--log-format" if log_format else FORMAT_VARIABLE
        raise ConfigError(
            msg("{where} {chosen}", where=where, chosen=chosen),
            hint=msg("allowed: {formats}", formats=", ".join(FORMATS)),
            kind="bad-flag",
        )
    _current = Run(_id(environment.get(ID_VARIABLE)), task, chosen)
    return _current


def current() -> Run:
    """The run that began last."""
    return _current


def _id(given: str | None) -> str:
    if not given:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(given))
    except ValueError:
        hint = msg("leave it unset, or give one such as 0f8fad5b-d9cb-469f-a165-70867728950e")
        raise ConfigError(
            msg("{id_variable} is not a UUID", id_variable=ID_VARIABLE), hint=hint, kind="bad-run-id"
        ) from None


_current = Run(str(uuid.uuid4()), "")
