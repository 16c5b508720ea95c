"""The base of all values of the domain, and how a table is called for people."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all values: immutable, compared by content, strict when decoded."""


def label(schema: str, name: str) -> str:
    """`schema.name`; the bare name in a dialect without schemas within a database."""
    return f"{schema}.{name}" if schema else name
