"""How long work tells what it is doing: a port that the command line draws and everything below only calls."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives progress from any thread. Calls are cheap and never raise."""

    def phase(self, name: str, *, total_bytes: int | None = None) -> None:
        """A new phase begins ('dump', 'inventory', 'restore', …); `total_bytes` is an estimate of its work."""

    def advance(self, count: int) -> None:
        """`count` more bytes are done in this phase."""

    def item(self, name: str) -> None:
        """What is being worked on now, such as a table."""

    def note(self, text: str) -> None:
        """One line that matters to the reader, such as a warning: always shown."""


class Silent:
    """Progress that nobody watches."""

    def phase(self, name: str, *, total_bytes: int | None = None) -> None:
        """Ignored."""

    def advance(self, count: int) -> None:
        """Ignored."""

    def item(self, name: str) -> None:
        """Ignored."""

    def note(self, text: str) -> None:
        """Ignored."""
