"""Ways to servers that the configuration describes, open for the time of a task."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from dbops.app.sandboxes import MYSQL_FAMILY
from dbops.config import Target
from dbops.config.urls import Secret, dialect, split_password, with_password
from dbops.errors import DbopsError
from dbops.route.base import blamed
from dbops.signals import uninterrupted

if TYPE_CHECKING:
    from dbops.route.base import Far, Route

_LOST = ("unreachable", "connection-lost", "read-failed", "tool-failed")
_open: dict[tuple[str, str, object], Route] = {}
"""By kind, name and far end: one way serves all sessions and programs of a task."""


class Reached(NamedTuple):
    """How a target's server is reached: the URL without its password, the password, and the way if there is one."""

    url: str
    password: str | None
    route: Route | None


def reach(target: Target) -> Reached:
    """Opens the way to a target's server, if it needs one and it is not open. Raises `RouteError`, `ConfigError`."""
    from dbops.config.passwords import password

    url, given = split_password(target.url)[0], password(target)
    kind, name = way(target)
    if not kind:
        return Reached(url, given, None)
    if dialect(url) in MYSQL_FAMILY:
        from dbops.engine.mysql import address as mysql

        route = _route(kind, name, mysql.far(url))
        return Reached(mysql.through(url, route.near, route.user), given, route)
    from dbops.engine.postgres import address as postgres

    if given is None and kind != "run_as":
        given = postgres.kept_password(url)
    route = _route(kind, name, postgres.far(url))
    return Reached(postgres.through(url, route.near, route.user), given, route)


def full_url(target: Target) -> Secret:
    """The URL of a target with its password, for a program that takes nothing else; by the way to its server."""
    url, given, _ = reach(target)
    return with_password(url, given)


def way(target: Target) -> tuple[str, str]:
    """Which of the keys says how the server is reached, and its value; two empty words for none."""
    return next(iter(target.ways().items()), ("", ""))


@contextmanager
def routes() -> Iterator[None]:
    """The ways that are opened in the block end with it, whatever ends it. An error says what was wrong with one."""
    try:
        yield
    except DbopsError as error:
        if error.kind in _LOST:
            for route in _open.values():
                blamed(error, route)
        raise
    finally:
        with uninterrupted():
            close_routes()


def close_routes() -> None:
    """Ends all ways that are open."""
    while _open:
        _, route = _open.popitem()
        route.close()


atexit.register(close_routes)  # where no task ends in order


def _route(kind: str, name: str, far: Far) -> Route:
    key = (kind, name, far)
    found = _open.get(key)
    if found is not None and found.alive():
        return found
    if found is not None:
        found.close()
    _open[key] = opened = _opened(kind, name, far)
    return opened


def _opened(kind: str, name: str, far: Far) -> Route:
    if kind == "ssh":
        from dbops.route.ssh import SshTunnel

        return SshTunnel(name, far)
    if kind == "run_as":
        from dbops.route.sudo import SudoRelay

        return SudoRelay(name, far)
    from dbops.route.container import ContainerRoute

    return ContainerRoute(name, far)
