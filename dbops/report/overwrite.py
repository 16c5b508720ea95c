"""What a restore will replace, as text that is shown before the question."""

from __future__ import annotations

from collections.abc import Sequence

from dbops.config.units import format_duration, format_size
from dbops.engine.restoring import Aside
from dbops.model import Finding
from dbops.ops.restore_plan import Plan, plan_warnings
from dbops.report.text import block, finding, wrap


def plan(value: Plan) -> str:
    """Which backup, how old, and over what."""
    manifest, there = value.manifest, value.destination
    holds = f"{len(manifest.inventory.tables)} tables, {manifest.rows} rows, {format_size(manifest.bytes)}"
    lines = [
        ("backup", f"{manifest.id} of {manifest.target}, {format_duration(max(0.0, value.age_seconds))} old: {holds}"),
        ("server", f"{there.server.host}, {there.server.info.name} {there.server.info.server_version}"),
    ]
    size = f"{there.tables} tables, about {there.rows} rows, {format_size(there.bytes)}"
    if not there.exists:
        lines.append(("creates", there.name))
    elif value.wishes.in_place:
        lines.append(("replaces", f"the content of {there.name}: {size}"))
    else:
        lines.append(("replaces", f"{there.name}: {size}; it is kept aside"))
    lines += [("session", session) for session in there.sessions]
    warnings = [_warning(found) for found in (*plan_warnings(value), *value.preflight.findings)]
    return "".join([*(wrap(text, f"{mark:<8} ", " " * 9) for mark, text in lines), *warnings])


def _warning(found: Finding) -> str:
    if found.id == "other-database":
        return block("note", found.id, f"restored under another name: {found.expected} as {found.actual}")
    return finding(found)


def undo(name: str, aside: Aside) -> str:
    return f"{aside.name} ({format_size(aside.bytes)}) becomes {name} again; what is there now is kept aside\n"


def drop(asides: Sequence[Aside]) -> str:
    return "".join(f"drop     {aside.name}, {format_size(aside.bytes)}\n" for aside in asides)
