"""A JSON document, POSTed to an address."""

from __future__ import annotations

import msgspec

from dbops.notify.base import Event, Messenger
from dbops.notify.http import post


class Webhook(Messenger):
    """The document is the event, with `text` beside it, which Slack, Mattermost and
    others show as it is."""

    def send(self, event: Event) -> None:
        document = {**msgspec.to_builtins(event), "title": event.title, "text": f"{event.title}\n{event.text()}"}
        post(self._url, msgspec.json.encode(document), "application/json", self.timeout)
