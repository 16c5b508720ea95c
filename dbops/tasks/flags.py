"""Flags of the tasks: every one of them is explained, the common ones here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from invoke.context import Context
from invoke.tasks import Task

from dbops.cli import boundary
from dbops.errors import ConfigError

Text = str | None
"""A flag with a value, None when it is not given."""

_COMMON = {
    "target": "name of the target in dbops.toml (optional when there is only one)",
    "url": "database URL, such as postgresql://user@host/database (else dbops.toml, or DATABASE_URL)",
    "store": "where backups live: file:///folder or s3://bucket/prefix (else dbops.toml, or DBOPS_STORE)",
    "jobs": "parallel jobs of a load and sessions of a comparison (default: the target's, or 2)",
    "sandbox": "where to restore: auto (default), container, local, embedded, or the URL of an empty server",
    "html": "where the HTML report goes",
    "junit": "where the JUnit report goes",
    "json": "print one JSON document on stdout, everything else on stderr",
}


def flags(optional: tuple[str, ...] = (), **own: str) -> Callable[[Callable[..., None]], Task[Any]]:
    """An Invoke task with help for every flag: the common ones, and `own`. `optional`: flags that need no value."""

    def decorate(body: Callable[..., None]) -> Task[Any]:
        names = body.__code__.co_varnames[1 : body.__code__.co_argcount]
        texts = {name: (_COMMON | own)[name] for name in names}

        @wraps(body)
        def task(context: Context, *values: Any, **named: Any) -> None:
            if context.config.run.dry:  # Invoke's own flag: the commands that it would print are not run through it
                with boundary(named.get("json") is True):
                    hint = "say --dry-run" if "dry_run" in names else "this task has no dry run"
                    raise ConfigError("--dry does not work with dbops", hint=hint, kind="bad-flag")
            body(context, *values, **named)

        return Task(task, help=texts, auto_shortflags=False, optional=optional)

    return decorate


def printed(json: str | bool | None) -> bool:
    """Whether `--json` was given without a file: the document goes to stdout."""
    return json is True


def written(json: str | bool | None) -> str | None:
    """The file of `--json=FILE`."""
    return json if isinstance(json, str) and json else None
