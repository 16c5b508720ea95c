"""A route: where a server listens, and the address here at which it makes the server reachable."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from dbops.errors import DbopsError
from dbops.language import msg

DbopsErrorT = TypeVar("DbopsErrorT", bound=DbopsError)
LOOPBACK = "127.0.0.1"


class RouteError(DbopsError):
    """The way to the server cannot be opened."""


class Far(NamedTuple):
    """Where a URL says that the server listens, as seen from the far end of a route."""

    host: str
    """Empty where the URL names none."""
    port: int
    socket: str
    """A unix socket that the URL names, or ''."""
    usual: tuple[str, ...]
    """Where packages put the socket of that port."""
    socket_name: str
    """What the client library wants a socket to be called."""
    over_socket: bool
    """Whether clients may use a unix socket here although the server is met by TCP. Not where they are to encrypt
    (libpq does not, over a socket), or would take the whole way for a safe one (MySQL sends the password in clear)."""


class Near(NamedTuple):
    """An address here: a unix socket, or else host and port."""

    socket: Path | None = None
    host: str = ""
    port: int = 0


class Said(NamedTuple):
    """Why connections through a route fail, as its programs say, and what to do about it; empty if nothing is wrong."""

    text: str = ""
    hint: str = ""


class Route(Protocol):
    """An open way. `label` is for people (`through ssh db-server`); `user`: as whom the server sees us, if the route
    changes that, else ''."""

    near: Near
    label: str
    user: str

    def alive(self) -> bool:
        """False once it has ended: another one is needed."""
        ...

    def said(self) -> Said:
        """What is wrong with it. Whoever asks has lost a connection, so that it may wait for a moment to find out."""
        ...

    def close(self) -> None:
        """Ends it; harmless when repeated."""
        ...


def blamed(error: DbopsErrorT, route: Route | None) -> DbopsErrorT:
    """An error that may come of a lost connection, with what the way to the server has to say about that."""
    said = route.said() if route is not None else Said()
    if said.text and said.text not in error.message:
        error.message = msg("{message} ({said})", message=error.message, said=said.text)
        error.hint = said.hint or error.hint
    return error
