"""The demo's story as plain text for people who see the product for the first time: 80 columns, one block a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import singledispatch

from dbops.config.units import format_duration, format_size
from dbops.model import Finding, Manifest, Report, Severity
from dbops.ops.demo_steps import (
    STEPS,
    BackedUp,
    Caught,
    Compared,
    Damaged,
    Drilled,
    Figures,
    Filled,
    Restored,
    Started,
    Step,
    Verified,
)
from dbops.ops.drill import RTO_PHASES
from dbops.report.text import WIDTH

INDENT = 12
_FOLLOWS = ("column_order", "columns", "comment", "owner")
"""Kinds of objects that are gone only because what they belong to is gone."""


def opening() -> str:
    return (
        "A finance database is filled, backed up, damaged, restored and compared; then a\n"
        "backup is corrupted, and caught. All on a PostgreSQL server of the demo's own.\n\n"
    )


def head(name: str) -> str:
    """`3 backup    `: how the block of a step begins."""
    return f"{STEPS.index(name) + 1} {name}".ljust(INDENT)


def block(name: str, seconds: float, step: Step) -> str:
    """A finished step: its first line ends with the seconds that it took."""
    first, *rest = _lines(step)
    took = format_duration(seconds)
    room = WIDTH - INDENT - len(took) - 1
    return "".join(
        [f"{head(name)}{first:<{room}} {took}\n", *(f"{' ' * INDENT}{line}".rstrip() + "\n" for line in rest)]
    )


@singledispatch
def _lines(step: Step) -> Iterator[str]:
    raise TypeError(step)


@_lines.register
def _started(step: Started) -> Iterator[str]:
    user = f", as user {step.about.user}" if step.about.user else ""
    yield f"PostgreSQL {step.about.version} out of a Python package{user}"
    yield "on a unix socket in a private folder; no network port, no Docker"


@_lines.register
def _filled(step: Filled) -> Iterator[str]:
    yield f"database '{step.database}', {format_size(step.bytes)}: customers, invoices, ledger"
    yield _figures(step.figures)


@_lines.register
def _backed_up(step: BackedUp) -> Iterator[str]:
    manifest = step.manifest
    yield f"{manifest.id}: {format_size(manifest.bytes)}, {len(manifest.artifacts)} files and a manifest"
    yield f"inventory of the same snapshot: {_held(manifest)}"


@_lines.register
def _damaged(step: Damaged) -> Iterator[str]:
    yield "what people do to databases:"
    for statement in step.statements:
        words = statement.status.split()
        rows = f"{number(int(words[-1]))} rows" if words[-1].isdigit() else ""
        yield f"  {statement.sql:<{WIDTH - INDENT - 2 - 12}}{rows:>12}"
    yield from _changes(step.before, step.after)
    yield from _wrapped(f"compared with the backup's inventory: {_differences(step.differences)}")


@_lines.register
def _restored(step: Restored) -> Iterator[str]:
    verdict = "" if step.report.verdict.value == "PASS" else f" ({step.report.verdict.value})"
    yield f"loaded beside it, compared, swapped in one transaction{verdict}"
    if step.old_database:
        yield "the damaged one is not lost, it is set aside as"
        yield f"  {step.old_database}"


@_lines.register
def _compared(step: Compared) -> Iterator[str]:
    unread = f", {step.unread} things not compared" if step.unread else ""
    yield f"{_differences(step.differences)}{unread}"
    yield f"equal to what was backed up: {_held(step.manifest)}" if not step.differences else _held(step.manifest)
    yield _figures(step.figures)


@_lines.register
def _verified(step: Verified) -> Iterator[str]:
    yield f"{step.report.verdict.value}: every file read again, hashed, the archive decoded"


@_lines.register
def _drilled(step: Drilled) -> Iterator[str]:
    rto = sum(step.report.phases.get(name, 0.0) for name in RTO_PHASES)
    yield f"{step.report.verdict.value}: restored into a second server, compared, tried out"
    yield f"back in {format_duration(rto)} if it had been needed; that server is gone, too"


@_lines.register
def _caught(step: Caught) -> Iterator[str]:
    yield f"a copy of the backup: byte {number(step.offset)} is now {step.after:02x}, not {step.before:02x}"
    listed = f"sees nothing: status 0, {step.listing} entries" if step.listing is not None else "complains"
    yield f"pg_restore --list   {listed}"
    yield f"dbops verify        {step.report.verdict.value}, and names the file:"
    yield f"  {step.archive}"
    errors = dict.fromkeys(f.id for f in step.report.findings if f.severity is Severity.ERROR)
    yield f"  {', '.join(errors) or 'nothing wrong was found'}"


def closing(report: Report, *, kept: str, kept_bytes: int, seconds: float, command: str) -> str:
    """Where everything lies, and what to type next. `kept` is the folder, quoted for a shell; `command` runs dbops."""
    backup = f"{kept}/backups/{report.target}/{report.provenance['backup']}"
    return (
        f"\n{report.verdict.value} in {format_duration(seconds)}. The server and its data are gone."
        f" Kept, to look at ({format_size(kept_bytes)}):\n"
        f"  {backup}/\n"
        "    manifest.json   what the backup holds: tables, rows, digests, objects\n"
        "    RESTORE.md      how to restore it by hand, without dbops\n"
        f"  {kept}/report.html\n"
        "    what the drill has proved: open it in a browser\n"
        "\nNext:\n"
        f"  {command} backups --store {kept}/backups\n"
        f"  {command} verify --store {kept}/backups\n"
        f"  {command} backup --url postgresql://USER@HOST/DATABASE --store file:///FOLDER\n"
        f"  rm -r {kept}\n"
    )


def number(value: int) -> str:
    """`136 462`: digits in threes."""
    return f"{value:,}".replace(",", " ")


def _figures(figures: Figures) -> str:
    return f"invoiced {_money(figures.invoiced)}, paid {_money(figures.paid)} in {number(figures.payments)} payments"


def _changes(before: Figures, after: Figures) -> Iterator[str]:
    yield f"  invoiced  {_money(before.invoiced):>14} -> {_money(after.invoiced):>14}"
    yield f"  paid      {_money(before.paid):>14} -> {_money(after.paid):>14}"
    yield f"  payments  {number(before.payments):>14} -> {number(after.payments):>14}"


def _money(amount: Decimal) -> str:
    return f"{amount:,}".replace(",", " ")


def _held(manifest: Manifest) -> str:
    objects = sum(map(len, manifest.inventory.objects.values()))
    return f"{len(manifest.inventory.tables)} tables, {number(manifest.rows)} rows, {objects} objects"


def _differences(findings: Sequence[Finding]) -> str:
    """Their number, and the subjects of those that are not a consequence of another."""
    count = f"{len(findings)} difference{'s' if len(findings) != 1 else ''}"
    causes = [f for f in findings if not f.id.startswith(_FOLLOWS)]
    named = ", ".join(dict.fromkeys(f.subject.replace("public.", "") for f in causes))
    return f"{count} ({named})" if named else count


def _wrapped(text: str) -> Iterator[str]:
    import textwrap

    yield from textwrap.wrap(text, WIDTH - INDENT, break_long_words=False, break_on_hyphens=False)
