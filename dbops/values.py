"""The base of all values of the domain, their schema, and how a table is called for people."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all values: immutable, compared by content, strict when decoded."""


def json_schema(of: type[Value]) -> dict[str, Any]:
    """The JSON schema of a value. Docstrings are dedented here: not every msgspec does it."""

    def tidied(part: Any) -> Any:
        if isinstance(part, dict):
            return {
                key: inspect.cleandoc(one) if key == "description" and isinstance(one, str) else tidied(one)
                for key, one in part.items()
            }
        return [tidied(one) for one in part] if isinstance(part, list) else part

    found: dict[str, Any] = tidied(msgspec.json.schema(of))
    return found


def label(schema: str, name: str) -> str:
    """`schema.name`; the bare name in a dialect without schemas within a database."""
    return f"{schema}.{name}" if schema else name
