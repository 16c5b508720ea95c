"""SQL lives in named files beside the code: `statement('server')` is `sql/server.sql`."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def statement(name: str) -> bytes:
    """The SQL of `sql/<name>.sql`, as bytes: what psycopg takes for text that is not a literal in the code."""
    return resources.files(__package__).joinpath("sql", f"{name}.sql").read_bytes()
