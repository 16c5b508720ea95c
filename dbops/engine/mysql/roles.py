"""The users with the least rights that a backup and a restore need, as SQL to be pasted."""

from __future__ import annotations

import re

from dbops.engine.mysql.statements import identifier, statement
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.model import EngineInfo


def role_sql(info: EngineInfo) -> str:
    """Both, for the connected database. Its name is hostile: it is quoted, and refused if it does not fit on a line,
    since a line break would end a comment and there is no other way to write it."""
    name = info.database
    if not name or not name.isprintable():
        hint = msg("write the statements by hand: its name is not printable") if name else msg("name one in the URL")
        raise ConfigError(msg("there is no database to name in the statements"), hint=hint, kind="no-database")
    # In a grant a name is a pattern, in which `_` is any character and `\_` is itself.
    plain = re.sub(r"([\\_%])", r"\\\1", name)
    values = {"database": identifier(name), "pattern": identifier(plain), "beside": identifier(rf"{plain}\_%")}
    text = "\n".join(statement(f"role_{purpose}_{info.name}") for purpose in ("backup", "restore"))
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)  # in one pass: a name may hold braces
