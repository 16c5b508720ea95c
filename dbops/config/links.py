"""Addresses of notifiers. They hold keys: no error of this module shows one."""

from __future__ import annotations

from urllib.parse import urlsplit

from dbops.config.types import Addresses, Link, Links
from dbops.config.urls import Secret
from dbops.language import msg


def link(value: object) -> Link:
    """An address of a web server; `ValueError` says what is allowed."""
    if not isinstance(value, str):
        raise ValueError(msg('expected a string such as "https://host/path"'))
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or a bracket that is none
        usable = False
    if not usable or not value.isprintable() or " " in value:
        raise ValueError(msg("not an address of a web server: write https://host/path"))
    return Link(value)


def links(value: object) -> Links:
    """One address, or a list of them."""
    return Links(map(link, value)) if isinstance(value, list) else Links([link(value)])


def addresses(value: object) -> Addresses:
    """One address of Apprise, or a list of them. `ValueError` for anything else."""
    given = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) and "://" in item for item in given):
        raise ValueError(msg('expected addresses of Apprise, such as "mailto://…" or "slack://…"'))
    return Addresses(map(Secret, given))
