"""Telling all channels at once. Nothing that a channel does, or does not, comes back as an exception."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

from dbops.errors import DbopsError
from dbops.language import msg
from dbops.notify.base import Channel, Event


class Undelivered(NamedTuple):
    """A channel, by the key of its configuration, that was not told, and why."""

    key: str
    reason: str
    hint: str = ""


class Delivery(threading.Thread):
    """One message on its way. A thread that hangs is left behind: a daemon, it ends with the process."""

    def __init__(self, channel: Channel, event: Event) -> None:
        super().__init__(name=channel.key, daemon=True)
        self._channel = channel
        self._event = event
        self._failed: Undelivered | None = None
        self.until = time.monotonic() + channel.timeout

    def run(self) -> None:
        """Sends the event. No error leaves the thread: it is kept."""
        try:
            self._channel.send(self._event)
        except DbopsError as error:
            self._failed = Undelivered(self._channel.key, error.message, error.hint)
        except Exception as error:  # noqa: BLE001 - a library's mistake must not look like a failed backup
            self._failed = Undelivered(self._channel.key, msg("it failed: {error}", error=type(error).__name__))

    def result(self) -> Undelivered | None:
        """None if it was delivered; waits until its time is over."""
        self.join(max(0.0, self.until - time.monotonic()))
        if self.is_alive():
            return Undelivered(
                self._channel.key, msg("it did not end within {seconds:g} s", seconds=self._channel.timeout)
            )
        return self._failed


def deliver(channels: Iterable[Channel], event: Event) -> list[Undelivered]:
    """Tells every channel that wants it, side by side; those that were not told. Takes no longer than the most patient
    channel."""
    sent = [Delivery(channel, event) for channel in channels if channel.wants(event.kind)]
    for delivery in sent:
        delivery.start()
    return [failed for delivery in sent if (failed := delivery.result()) is not None]
