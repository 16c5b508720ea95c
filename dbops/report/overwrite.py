"""What a restore will replace, as text that is shown before the question."""

from __future__ import annotations

from collections.abc import Sequence

from dbops.config.units import format_duration, format_size
from dbops.engine.restoring import Aside
from dbops.language import plural, tr, translated
from dbops.model import Finding
from dbops.ops.restore_plan import Plan, plan_warnings
from dbops.report.text import block, finding, wrap


def plan(value: Plan) -> str:
    """Which backup, how old, and over what."""
    manifest, there = value.manifest, value.destination
    holds = tr(
        "{tables}, {rows}, {bytes}",
        tables=plural(len(manifest.inventory.tables), "{count} table", "{count} tables"),
        rows=plural(manifest.rows, "{count} row", "{count} rows"),
        bytes=format_size(manifest.bytes),
    )
    lines = [
        (
            tr("backup"),
            tr(
                "{backup} of {target}, {age} old: {holds}",
                backup=manifest.id,
                target=manifest.target,
                age=format_duration(max(0.0, value.age_seconds)),
                holds=holds,
            ),
        ),
        (tr("server"), f"{there.server.host}, {there.server.info.name} {there.server.info.server_version}"),
    ]
    bytes_there = format_size(there.bytes)
    if there.tables is None:
        size = tr("{bytes}, which cannot be looked into", bytes=bytes_there)
    else:
        size = tr(
            "{tables}, about {rows}, {bytes}",
            tables=plural(there.tables, "{count} table", "{count} tables"),
            rows=plural(there.rows, "{count} row", "{count} rows"),
            bytes=bytes_there,
        )
    if not there.exists:
        lines.append((tr("creates"), there.name))
    elif value.wishes.in_place:
        lines.append((tr("replaces"), tr("the content of {name}: {size}", name=there.name, size=size)))
    else:
        lines.append((tr("replaces"), tr("{name}: {size}; it is kept aside", name=there.name, size=size)))
    lines += [(tr("session"), translated(session)) for session in there.sessions]
    warnings = [_warning(found) for found in (*plan_warnings(value), *value.preflight.findings)]
    return "".join([*(wrap(text, f"{mark:<8} ", " " * 9) for mark, text in lines), *warnings])


def _warning(found: Finding) -> str:
    if found.id == "other-database":
        return block(
            tr("note"),
            found.id,
            tr("restored under another name: {expected} as {actual}", expected=found.expected, actual=found.actual),
        )
    return finding(found)


def undo(name: str, aside: Aside) -> str:
    """What an undo will do, before it is confirmed."""
    return tr(
        "{aside} ({bytes}) becomes {name} again; what is there now is kept aside\n",
        aside=aside.name,
        bytes=format_size(aside.bytes),
        name=name,
    )


def drop(asides: Sequence[Aside]) -> str:
    """What is about to be deleted for good."""
    return "".join(
        tr("drop     {aside}, {bytes}\n", aside=aside.name, bytes=format_size(aside.bytes)) for aside in asides
    )
