"""A JSON document, POSTed to an address."""

from __future__ import annotations

import msgspec

from dbops.config.types import Link
from dbops.notify.base import Event, Kind
from dbops.notify.http import post


class Webhook:
    """`always`: told of success, too. The document is the event, with `text` beside it, which Slack, Mattermost and
    others show as it is."""

    def __init__(self, key: str, url: Link, *, always: bool, timeout: float) -> None:
        self.key = key
        self.timeout = timeout
        self._url = url
        self._always = always

    def wants(self, kind: Kind) -> bool:
        return kind.concerns_people(always=self._always)

    def send(self, event: Event) -> None:
        document = {**msgspec.to_builtins(event), "title": event.title, "text": f"{event.title}\n{event.text()}"}
        post(self._url, msgspec.json.encode(document), "application/json", self.timeout)
