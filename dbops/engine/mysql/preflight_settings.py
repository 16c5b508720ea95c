"""How a server is set up, looked at before a restore, against what the source's server was set to."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from dbops.config.units import format_size
from dbops.language import msg
from dbops.model import Finding, Manifest, NotEvaluated, Severity


def names(manifest: Manifest, variables: Mapping[str, str]) -> Iterator[Finding]:
    """Whether names keep their case."""
    before = manifest.inventory.settings.get("lower_case_table_names", "")
    here = variables.get("lower_case_table_names", "")
    if before in ("", here) or not here:
        return
    names = [table.name for table in manifest.inventory.tables if table.name != table.name.lower()]
    subject, expected = "lower_case_table_names", msg("{before}, as in the source", before=before)
    if here == "1" and names:
        hint = msg("restore to a server that keeps the case of names: it cannot be changed after its data was made")
        yield error(
            subject.replace("_", "-"),
            ", ".join(names[:5]),
            expected,
            msg("{here}: it would be renamed", here=here),
            hint,
        )
    else:
        hint = msg("a statement that writes a table's name in another case fails here")
        yield warning(subject.replace("_", "-"), subject, expected, here, hint if here == "0" else "")


def limits(manifest: Manifest, variables: Mapping[str, str]) -> Iterator[Finding]:
    """What is smaller than in the source, or means something else."""
    before = manifest.inventory.settings
    packet, had = variables.get("max_allowed_packet", ""), before.get("max_allowed_packet", "")
    if packet and had and int(packet) < int(had):
        hint = msg("SET GLOBAL max_allowed_packet = {had}: a row that is larger stops the restore", had=had)
        yield warning(
            "max-allowed-packet", "max_allowed_packet", msg("{had} bytes, as in the source", had=had), packet, hint
        )
    for name in ("innodb_page_size", "sql_mode"):
        if before.get(name, "") and before[name] != variables.get(name, before[name]):
            actual = variables[name] or "''"
            yield warning(name.replace("_", "-"), name, msg("{before}, as in the source", before=before[name]), actual)


def space(manifest: Manifest, variables: Mapping[str, str], skipped: list[NotEvaluated]) -> Iterator[Finding]:
    """Whether there is room for the copy, if the server is on this machine."""
    needed = sum(table.bytes for table in manifest.inventory.tables)
    folder = Path(variables.get("datadir", ""))
    try:
        if variables.get("hostname") != socket.gethostname() or not folder.is_absolute():
            raise FileNotFoundError
        state = os.statvfs(folder)
    except OSError:
        reason = msg(
            "the server's disk cannot be seen from here; tables and indexes need about {needed}",
            needed=format_size(needed),
        )
        skipped.append(NotEvaluated(id="disk-space", reason=reason))
        return
    free = state.f_bavail * state.f_frsize
    if free < needed:
        hint = msg("free space on the database server: the old database stays beside the new one")
        yield error(
            "disk-space", str(folder), msg("{needed} free", needed=format_size(needed)), format_size(free), hint
        )


def error(kind: str, subject: str, expected: str, actual: str, hint: str) -> Finding:
    """A finding of severity ERROR."""
    return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual, hint=hint)


def warning(kind: str, subject: str, expected: str, actual: str, hint: str = "") -> Finding:
    """A finding of severity WARNING."""
    return Finding(id=kind, severity=Severity.WARNING, subject=subject, expected=expected, actual=actual, hint=hint)
