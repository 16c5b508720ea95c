"""YAML of plain values: every string quoted in JSON's manner, which YAML reads as it is, so that no name can be taken
for something else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def dump(value: Any) -> str:
    """Mappings and lists as blocks, all else as JSON."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            name = (
                key
                if key.replace("-", "").replace("_", "").isalnum() and key not in ("on", "yes", "no")
                else json.dumps(key)
            )
            yield from _under(f"{name}:", item)
    elif isinstance(value, list) and value:
        for item in value:
            first, *rest = _lines(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield json.dumps(value, ensure_ascii=False)


def _under(head: str, item: Any) -> Iterator[str]:
    if isinstance(item, dict | list) and item:
        yield head
        yield from (f"  {line}" for line in _lines(item))
    else:
        yield f"{head} {json.dumps(item, ensure_ascii=False)}"
