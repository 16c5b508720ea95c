"""A table of TOML as one of the configuration's values, with the types that TOML has none for."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dbops.config.errors import explain
from dbops.config.links import addresses, link, links
from dbops.config.types import Addresses, Argv, Bytes, Link, Links, Mode, Patience, Seconds, Zone
from dbops.config.units import parse_duration, parse_size
from dbops.config.urls import Secret
from dbops.config.zones import zone
from dbops.language import msg

T = TypeVar("T", bound=msgspec.Struct)


def convert(table: dict[str, Any], kind: type[T], key: str, label: str, folder: Path) -> T:
    """The table as a `kind`; `ConfigError` names file (`label`), key and what is allowed. Relative paths begin in
    `folder`."""

    def special(wanted: type, value: object) -> object:
        return _special(wanted, value, folder)

    try:
        return msgspec.convert(table, kind, strict=True, dec_hook=special)
    except msgspec.ValidationError as error:
        raise explain(error, kind, key, label, table) from None


def _special(wanted: type, value: object, folder: Path) -> object:
    """Values that TOML has no type for."""
    if issubclass(wanted, Argv):
        if isinstance(value, str):
            value = shlex.split(value)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return Argv(value)
        raise ValueError(msg("expected a command: a string, or a list of strings"))
    if wanted is Links:
        return links(value)
    if wanted is Addresses:
        return addresses(value)
    if wanted is Link:
        return link(value)
    if not isinstance(value, str):
        example = {Mode: '"0644"', Seconds: '"24h"', Patience: '"60s" or "never"', Bytes: '"2GB"'}.get(wanted)
        raise ValueError(
            msg("expected a string, such as {example}", example=example) if example else msg("expected a string")
        )
    if wanted is Patience and value == "never":
        return Patience("inf")
    if issubclass(wanted, Seconds):
        return wanted(parse_duration(value))
    if wanted is Bytes:
        return Bytes(parse_size(value))
    if wanted is Mode:
        return _mode(value)
    if wanted is Secret:
        return Secret(value)
    if wanted is Zone:
        zone(value)  # ValueError here, not when backups are about to be deleted
        return Zone(value)
    if issubclass(wanted, Path):
        return folder / Path(value).expanduser()
    raise NotImplementedError(wanted)


def _mode(text: str) -> Mode:
    if not re.fullmatch(r"0?[0-7]{3}", text) or int(text, 8) & 0o133:
        raise ValueError(msg("{text!r} is not a mode of a file: write '0600', '0640' or '0644'", text=text))
    return Mode(int(text, 8))
