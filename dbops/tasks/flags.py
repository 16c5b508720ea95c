"""Flags of the tasks: every one of them is explained, the common ones here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from invoke.context import Context
from invoke.tasks import Task

from dbops import language, logs, runs
from dbops.cli import boundary
from dbops.errors import ConfigError
from dbops.language import msg, tr

Text = str | None
"""A flag with a value, None when it is not given."""
EXAMPLE = "invoke "
"""How the lines of a docstring begin that are examples."""


class Documented(Task[Any]):
    """A task that keeps the help of its flags: Invoke's own forgets it once it has parsed a command line."""

    texts: Mapping[str, str]


_COMMON = {
    "target": "name of the target in dbops.toml (optional when there is only one)",
    "url": "database URL, such as postgresql://user@host/database (else dbops.toml, or DATABASE_URL)",
    "store": "where backups live: file:///folder or s3://bucket/prefix (else dbops.toml, or DBOPS_STORE)",
    "jobs": "parallel jobs of a load and sessions of a comparison (default: the target's, or 2)",
    "all": "every target of dbops.toml, each in a process of its own; --jobs is how many at a time (default 1)",
    "sandbox": "where to restore: auto (default), container, local, embedded, or the URL of an empty server",
    "identity": "the key file (age or SSH) of a backup that is encrypted",
    "html": "where the HTML report goes",
    "junit": "where the JUnit report goes",
    "log_format": "what is told on stderr meanwhile: text, or json for JSON lines (else DBOPS_LOG_FORMAT)",
    "json": "print one JSON document on stdout, everything else on stderr",
}


def flags(
    optional: tuple[str, ...] = (), positional: tuple[str, ...] = (), **own: str
) -> Callable[[Callable[..., None]], Task[Any]]:
    """An Invoke task with help for every flag: the common ones, and `own`. `optional`: flags that need no value;
    `positional`: words without a flag's name.

    Every task has `--log-format`, too, and is a run of its own."""

    def decorate(body: Callable[..., None]) -> Task[Any]:
        names = body.__code__.co_varnames[1 : body.__code__.co_argcount]
        texts = {name: tr((_COMMON | own)[name]) for name in (*names, "log_format")}
        body.__doc__ = _explained(inspect.getdoc(body) or "")

        @wraps(body)
        def task(context: Context, *values: Any, log_format: Text = None, **named: Any) -> None:
            try:
                runs.begin(body.__name__, log_format)
                if logs.as_json():
                    language.use("en")
                if context.config.run.dry:  # Invoke's own flag: the commands that it would print are not run through it
                    hint = msg("say --dry-run") if "dry_run" in names else msg("this task has no dry run")
                    raise ConfigError(msg("--dry does not work with dbops"), hint=hint, kind="bad-flag")
            except ConfigError as error:
                with boundary(named.get("json") is True):
                    raise error from None
            body(context, *values, **named)

        task.__signature__ = _with_log_format(body)  # type: ignore[attr-defined] # what Invoke reads the flags from
        made = Documented(task, help=dict(texts), auto_shortflags=False, optional=optional, positional=positional)
        made.texts = texts
        return made

    return decorate


def paragraphs(text: str) -> list[str]:
    """Those of a docstring, each as one line but for examples."""
    return [
        part if part.startswith(EXAMPLE) else " ".join(part.split())
        for part in (part.strip("\n") for part in re.split(r"\n\s*\n", text))
    ]


def _explained(text: str) -> str:
    """A docstring in the reader's language. English is left as it is written."""
    found = paragraphs(text)
    there = [tr(part) for part in found]
    return text if there == found else "\n\n".join(there)


def _with_log_format(body: Callable[..., None]) -> inspect.Signature:
    signature = inspect.signature(body)
    flag = inspect.Parameter("log_format", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Text)
    return signature.replace(parameters=[*signature.parameters.values(), flag])


def printed(json: str | bool | None) -> bool:
    """Whether `--json` was given without a file: the document goes to stdout."""
    return json is True


def written(json: str | bool | None) -> str | None:
    """The file of `--json=FILE`."""
    return json if isinstance(json, str) and json else None


def key_file(identity: str | None) -> Path | None:
    """The file of `--identity`. Raises ConfigError where there is none, before any work begins."""
    path = Path(identity) if identity else None
    if path is not None and not path.is_file():
        raise ConfigError(
            msg("--identity {identity}: no such file", identity=path),
            hint=msg("give a key file of age"),
            kind="bad-flag",
        )
    return path


def given_flags(**values: str | bool | None) -> list[str]:
    """Flags as words of a command line: those that were given."""
    words: list[str] = []
    for name, value in values.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value:
            words += [flag, str(value)]
    return words
