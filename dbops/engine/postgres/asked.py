"""What an archive asks of the server that it is loaded into."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from dbops.command import run
from dbops.engine.postgres.tools import Tools
from dbops.errors import ToolError
from dbops.language import msg

_TABLESPACE = re.compile(r"^SET default_tablespace = (.+);$", re.MULTILINE)
_OWNER = re.compile(
    r"^ALTER .* OWNER TO (.+);$|^ALTER DEFAULT PRIVILEGES FOR ROLE ((?:\"(?:[^\"]|\"\")*\"|[^\" ])+) ", re.MULTILINE
)


class Asked(NamedTuple):
    """Names of tablespaces, and of roles that own something or for which default privileges are set. Either may hold a
    name that only stands in a function's body."""

    tablespaces: set[str]
    owners: set[str]


def asked_of(tools: Tools, archive: Path) -> Asked:
    """By the schema as pg_restore writes it out; no server is met. Raises `ToolError`."""
    argv = [tools.program("pg_restore"), "--schema-only", "--file=-", str(archive)]
    result = run(argv, env={"LC_ALL": "C", "LANGUAGE": "C"})
    if result.status != 0:
        raise ToolError(msg("pg_restore cannot read the archive"), hint=result.stderr, kind="tool-failed")
    spaces = {_plain(name).strip("'") for name in _TABLESPACE.findall(result.stdout)}
    owners = {_plain(owner or default) for owner, default in _OWNER.findall(result.stdout)}
    return Asked(spaces - {""}, owners)


def _plain(name: str) -> str:
    return name.strip('"').replace('""', '"')
