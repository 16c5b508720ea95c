"""Pings in the manner of healthchecks.io: `URL/start`, `URL` for success, `URL/fail`, each with the run's id.

They are what notices a run that could not say anything any more: killed, or never started.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from dbops.config.types import Link
from dbops.notify.base import Event, Kind
from dbops.notify.http import post

_ENDINGS = {Kind.START: "/start", Kind.SUCCESS: "", Kind.FAILURE: "/fail", Kind.TEST: "/log"}


class Ping:
    """A monitor that is told of beginning and end, such as healthchecks.io. See `notify.base.Channel`."""

    def __init__(self, key: str, url: Link, *, timeout: float) -> None:
        self.key = key
        self.timeout = timeout
        self._url = url

    def wants(self, kind: Kind) -> bool:
        return kind in _ENDINGS

    def send(self, event: Event) -> None:
        parts = urlsplit(self._url.reveal())
        path = parts.path.rstrip("/") + _ENDINGS[event.kind]
        query = "&".join(part for part in (parts.query, f"rid={event.run}") if part)
        url = Link(urlunsplit((parts.scheme, parts.netloc, path, query, "")))
        post(url, f"{event.title}\n{event.text()}\n".encode(), "text/plain; charset=utf-8", self.timeout)
