"""An empty server that the caller gives, such as a service container of a CI job. Nothing of it is ours to stop."""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from dbops.config.urls import Secret, dialect, split_password
from dbops.errors import DatabaseError, PreflightError
from dbops.language import msg
from dbops.model import major_version
from dbops.sandbox.base import About, Needs, Offer, Sandbox, Seen

KIND = "external"


Look = Callable[[Secret], Seen]
"""Connects to a URL. Raises `DatabaseError`, without a password in it."""


class ExternalServer:
    """See `sandbox.base.Sandbox`. A drill drops what it has made in it."""

    ephemeral = False

    def __init__(self, url: Secret, look: Look) -> None:
        self._url = url
        self._look = look
        self._seen = Seen("", (), dialect(url.reveal()))

    def start(self) -> None:
        """Raises `PreflightError` unless it is empty, and `DatabaseError` if it cannot be reached."""
        self._seen = self._look(self._url)
        if self._seen.holds:
            raise PreflightError(
                msg(
                    "the server {place_of} is not empty: it holds {holds}",
                    place_of=place_of(self._url),
                    holds=", ".join(self._seen.holds),
                ),
                hint=msg(
                    "a backup is restored only into a server that holds nothing: give an empty one with "
                    "--sandbox; what a run that was killed has left there (dbops_…) can be dropped"
                ),
                kind="sandbox-not-empty",
            )

    def stop(self) -> None: ...

    @property
    def about(self) -> About:
        seen = self._seen
        return About(KIND, seen.engine, seen.version, place_of(self._url), tuned=False, isolated=False)

    def url(self, database: str) -> Secret:
        return at(self._url, database) if database else self._url

    def log(self) -> str:
        return ""


class ExternalProvider:
    """See `sandbox.base.Provider`."""

    kind = KIND

    def __init__(self, url: Secret, look: Look, engines: Collection[str] = ()) -> None:
        """`engines`: the dialects that a server behind such a URL may speak, if that is not only the one it names."""
        self._url = url
        self._look = look
        self._engines = engines or (dialect(url.reveal()),)

    def offer(self, needs: Needs) -> Offer:
        def make() -> Sandbox:
            return ExternalServer(self._url, self._look)

        if needs.engine not in self._engines:
            return Offer(KIND, 0, (_other(dialect(self._url.reveal()), needs),), make)
        try:
            seen = self._look(self._url)
        except DatabaseError as error:
            return Offer(KIND, 0, (error.message,), make)
        obstacles = () if seen.engine == needs.engine else (_other(seen.engine, needs),)
        return Offer(KIND, major_version(seen.version), obstacles, make, None, seen.series)


def _other(engine: str, needs: Needs) -> str:
    return msg("it is a {engine} server, and the backup is one of {source}", engine=engine, source=needs.engine)


def at(url: Secret, database: str) -> Secret:
    """The URL with another database's name."""
    parts = urlsplit(url.reveal())
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != "dbname"]
    scheme = parts.scheme.partition("+")[0]
    text = urlunsplit(("x", parts.netloc or "x", f"/{quote(database, safe='')}", urlencode(query, quote_via=quote), ""))
    rest = text.removeprefix("x://")
    return Secret(f"{scheme}://{rest if parts.netloc else rest.removeprefix('x')}")


def place_of(url: Secret) -> str:
    """Host and port, without user and password."""
    plain, _ = split_password(url.reveal())
    parts = urlsplit(plain)
    query = dict(parse_qsl(parts.query))
    host = parts.netloc.rpartition("@")[2] or query.get("host", "") or query.get("unix_socket", "")
    return host or msg("on the local socket")
