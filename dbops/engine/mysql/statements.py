"""SQL lives in named files beside the code: `statement('server')` is `sql/server.sql`."""

from __future__ import annotations

from functools import cache
from importlib import resources

from dbops.language import msg


@cache
def statement(name: str) -> str:
    """The SQL of `sql/<name>.sql`: one statement, whose values are `%(name)s` as PyMySQL takes them."""
    return resources.files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def identifier(name: str) -> str:
    """A name as SQL text, whatever it holds: in backticks, its own doubled. The driver has no function for it.
    `ValueError` for one with a NUL, which cannot be a name."""
    if "\0" in name:
        raise ValueError(msg("no name of MySQL or MariaDB holds a NUL character"))
    return "`" + name.replace("`", "``") + "`"
