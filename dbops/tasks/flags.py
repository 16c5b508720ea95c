"""Flags of the tasks: every one of them is explained, the common ones here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from invoke.tasks import Task

Text = str | None
"""A flag with a value, None when it is not given."""

_COMMON = {
    "target": "name of the target in dbops.toml (optional when there is only one)",
    "url": "database URL, such as postgresql://user@host/database (else dbops.toml, or DATABASE_URL)",
    "store": "where backups live: file:///folder or s3://bucket/prefix (else dbops.toml, or DBOPS_STORE)",
    "json": "print one JSON document on stdout, everything else on stderr",
}


def flags(**own: str) -> Callable[[Callable[..., None]], Task[Any]]:
    """An Invoke task with help for every flag: the common ones, and `own`."""

    def decorate(body: Callable[..., None]) -> Task[Any]:
        names = body.__code__.co_varnames[1 : body.__code__.co_argcount]
        texts = {name: (_COMMON | own)[name] for name in names}
        return Task(body, help=texts, auto_shortflags=False)

    return decorate
