"""What a dump says of itself in the comments at its head."""

from __future__ import annotations

import re
from typing import NamedTuple

_TOOL = re.compile(rb"-- (MySQL|MariaDB) dump (\S+?)(?:-(\d\S*?))?(?:[ \t]+Distrib (\S+?))?(?:,.*)?$")
_DATABASE = re.compile(rb"-- Host: .*[ \t]Database: (.*)$")
_SERVER = re.compile(rb"-- Server version[ \t]+(.*)$")


class Facts(NamedTuple):
    """Empty where it does not say."""

    tool: str = ""
    version: str = ""
    server_version: str = ""
    database: str = ""

    def with_comment(self, comment: bytes) -> Facts:
        """With what one more line of the head says."""
        if found := _TOOL.match(comment):
            tool = "mysqldump" if found[1] == b"MySQL" else "mariadb-dump"
            version = found[4] or found[3] or found[2]
            return self._replace(tool=tool, version=version.decode("ascii", "replace"))
        if found := _DATABASE.match(comment):
            return self._replace(database=found[1].decode("utf-8", "surrogateescape").strip())
        if found := _SERVER.match(comment):
            return self._replace(server_version=found[1].decode("utf-8", "replace").strip())
        return self
