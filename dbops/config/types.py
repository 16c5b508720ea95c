"""Types of values that TOML has none for; `convert` makes them from text."""

from __future__ import annotations

from dbops.config.urls import Secret


class Seconds(float):
    """Seconds, written as a duration (`24h`)."""


class Patience(Seconds):
    """Seconds, or `never`: infinite."""


class Bytes(int):
    """Bytes, written as a size (`2GB`)."""


class Mode(int):
    """Access bits of a file, written as in `chmod` (`"0644"`)."""


class Argv(tuple[str, ...]):
    """A command as an argument list, written as a list or as one string split like a shell would."""

    __slots__ = ()


class Zone(str):
    """A time zone by its name (`Europe/Madrid`)."""

    __slots__ = ()


class Link(Secret):
    """An address of a web server; what comes after its host is often a key, so that it prints as a mask."""

    __slots__ = ()


class Links(tuple[Link, ...]):
    """Addresses, written as one or as a list."""

    __slots__ = ()


class Addresses(tuple[Secret, ...]):
    """Addresses of Apprise (`slack://…`), written as one or as a list."""

    __slots__ = ()
