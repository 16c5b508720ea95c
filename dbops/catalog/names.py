"""The names of what a store holds: `<target>/<id>/<file>`."""

from __future__ import annotations

from dbops.keys import signing

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
SIGNATURE = MANIFEST + signing.SUFFIX
DRILLS = "drills"
"""The folder of a backup in which its records lie."""


def key_of(target: str, backup: str, name: str) -> str:
    """The store's key of a file of a backup: `<target>/<id>/<name>`."""
    return f"{target}/{backup}/{name}"
