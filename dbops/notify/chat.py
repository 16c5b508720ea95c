"""Mail, chats and the rest of what Apprise knows (the extra `notify`)."""

from __future__ import annotations

import logging
from typing import Any

from dbops.language import msg
from dbops.notify.base import ChannelError, Event, Kind, Messenger


class Chat(Messenger):
    """One address of Apprise."""

    def send(self, event: Event) -> None:
        apprise = _library()
        sender = apprise.Apprise()
        if not sender.add(self._url.reveal()):
            hint = msg("see https://github.com/caronc/apprise/wiki for the form of each service")
            raise ChannelError(msg("not an address that Apprise knows"), hint=hint)
        kind = apprise.NotifyType.FAILURE if event.kind is Kind.FAILURE else apprise.NotifyType.INFO
        if not sender.notify(body=event.text(), title=event.title, notify_type=kind, body_format="text"):
            raise ChannelError(
                msg("the service did not take the message"), hint=msg("is the address right, and its key valid?")
            )


def _library() -> Any:
    logging.getLogger("apprise").propagate = False  # it logs addresses with their keys, for whoever has set up logging
    try:
        import apprise
    except ImportError:
        raise ChannelError(msg("Apprise is not installed"), hint=msg("pip install 'dbops[notify]'")) from None
    return apprise
