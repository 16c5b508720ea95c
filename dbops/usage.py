"""Mistakes in the command line, which Invoke finds: in our words, with what was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from invoke.exceptions import ParseError

from dbops.errors import ConfigError
from dbops.language import msg

_UNKNOWN = re.compile(r"No idea what '(.*)' is!", re.DOTALL)
_VALUE = re.compile(r"Flag <Argument: ([^ >]+).*> needed value and was not given one!")
_MISSING = re.compile(r"'(.+)' did not receive required positional arguments: (.+)")


def explained(error: ParseError, tasks: Iterable[str]) -> ConfigError:
    """The mistake, and what to do. What Invoke says in words that are not known here stays as it is."""
    said = str(error)
    task = error.context.name if error.context is not None else None
    hint = msg("all of them: dbops help {task}", task=task or "all")
    if found := _UNKNOWN.fullmatch(said):
        return _unknown(found[1], error, task, tasks)
    if found := _VALUE.fullmatch(said):
        message = msg("--{flag} needs a value", flag=found[1].replace("_", "-"))
        return ConfigError(message, hint=msg("how it is used: dbops help {task}", task=task or "all"), kind="usage")
    if found := _MISSING.fullmatch(said):
        message = msg("{task} needs {what}", task=found[1], what=found[2].upper())
        return ConfigError(message, hint=msg("how it is used: dbops help {task}", task=found[1]), kind="usage")
    return ConfigError(said, hint=hint, kind="usage")


def _unknown(word: str, error: ParseError, task: str | None, tasks: Iterable[str]) -> ConfigError:
    if word.startswith("-"):
        flags = sorted(error.context.flag_names()) if error.context is not None else []
        message = msg("{task} has no flag {word}", task=task or "dbops", word=word.partition("=")[0])
        return ConfigError(message, hint=_meant(word.partition("=")[0], flags, task or "all"), kind="usage")
    message = msg("there is no task '{name}'", name=word)
    return ConfigError(message, hint=_meant(word, tasks, "all"), kind="usage")


def _meant(word: str, known: Iterable[str], page: str) -> str:
    if close := difflib.get_close_matches(word, list(known), n=1):
        return msg("did you mean {close}? all of them: dbops help {page}", close=close[0], page=page)
    return msg("all of them: dbops help {task}", task=page)
