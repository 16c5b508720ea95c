"""The demo's story as plain text for people who see the product for the first time: 80 columns, one block a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import singledispatch

from dbops.config.units import format_duration, format_size
from dbops.language import plural, tr, translated
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
    """What the demo will tell."""
    return tr(
        "A finance database is filled, backed up, damaged, restored and compared; then a\nbackup is "
        "corrupted, and caught. All on a PostgreSQL server of the demo's own.\n\n"
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
    user = tr(", as user {user}", user=step.about.user) if step.about.user else ""
    yield tr("PostgreSQL {version} out of a Python package{user}", version=step.about.version, user=user)
    yield tr("on a unix socket in a private folder; no network port, no Docker")


@_lines.register
def _filled(step: Filled) -> Iterator[str]:
    yield tr(
        "database '{database}', {bytes}: customers, invoices, ledger",
        database=step.database,
        bytes=format_size(step.bytes),
    )
    yield _figures(step.figures)


@_lines.register
def _backed_up(step: BackedUp) -> Iterator[str]:
    manifest = step.manifest
    yield tr(
        "{backup}: {bytes}, {files} and a manifest",
        backup=manifest.id,
        bytes=format_size(manifest.bytes),
        files=plural(len(manifest.artifacts), "{count} file", "{count} files"),
    )
    yield tr("inventory of the same snapshot: {held}", held=_held(manifest))


@_lines.register
def _damaged(step: Damaged) -> Iterator[str]:
    yield tr("what people do to databases:")
    for statement in step.statements:
        words = statement.status.split()
        rows = translated(_rows(int(words[-1]))) if words[-1].isdigit() else ""
        yield f"  {statement.sql:<{WIDTH - INDENT - 2 - 12}}{rows:>12}"
    yield from _changes(step.before, step.after)
    yield from _wrapped(
        tr("compared with the backup's inventory: {differences}", differences=_differences(step.differences))
    )


@_lines.register
def _restored(step: Restored) -> Iterator[str]:
    verdict = "" if step.report.verdict.value == "PASS" else f" ({step.report.verdict.value})"
    yield tr("loaded beside it, compared, swapped in one transaction{verdict}", verdict=verdict)
    if step.old_database:
        yield tr("the damaged one is not lost, it is set aside as")
        yield f"  {step.old_database}"


@_lines.register
def _compared(step: Compared) -> Iterator[str]:
    unread = tr(", {unread} things not compared", unread=step.unread) if step.unread else ""
    yield f"{_differences(step.differences)}{unread}"
    yield (
        tr("equal to what was backed up: {held}", held=_held(step.manifest))
        if not step.differences
        else _held(step.manifest)
    )
    yield _figures(step.figures)


@_lines.register
def _verified(step: Verified) -> Iterator[str]:
    yield tr("{verdict}: every file read again, hashed, the archive decoded", verdict=tr(step.report.verdict.value))


@_lines.register
def _drilled(step: Drilled) -> Iterator[str]:
    rto = sum(step.report.phases.get(name, 0.0) for name in RTO_PHASES)
    yield tr("{verdict}: restored into a second server, compared, tried out", verdict=tr(step.report.verdict.value))
    yield tr("back in {rto} if it had been needed; that server is gone, too", rto=format_duration(rto))


@_lines.register
def _caught(step: Caught) -> Iterator[str]:
    yield tr(
        "a copy of the backup: byte {number} is now {after:02x}, not {before:02x}",
        number=number(step.offset),
        after=step.after,
        before=step.before,
    )
    listed = (
        tr("sees nothing: status 0, {listing} entries", listing=step.listing)
        if step.listing is not None
        else tr("complains")
    )
    yield tr("pg_restore --list   {listed}", listed=listed)
    yield tr("dbops verify        {verdict}, and names the file:", verdict=tr(step.report.verdict.value))
    yield f"  {step.archive}"
    errors = dict.fromkeys(f.id for f in step.report.findings if f.severity is Severity.ERROR)
    yield f"  {', '.join(errors) or tr('nothing wrong was found')}"


def closing(report: Report, *, kept: str, kept_bytes: int, seconds: float, command: str) -> str:
    """Where everything lies, and what to type next. `kept` is the folder, quoted for a shell; `command` runs dbops."""
    backup = f"{kept}/backups/{report.target}/{report.provenance['backup']}"
    return tr(
        "\n{verdict} in {seconds}. The server and its data are gone. Kept, to look at ({kept_bytes}):\n  "
        "{backup}/\n    manifest.json   what the backup holds: tables, rows, digests, objects\n    "
        "RESTORE.md      how to restore it by hand, without dbops\n  {kept}/report.html\n    what the "
        "drill has proved: open it in a browser\n\nNext:\n  {command} backups --store {kept}/backups\n  "
        "{command} verify --store {kept}/backups\n  {command} backup --url "
        "postgresql://USER@HOST/DATABASE --store file:///FOLDER\n  rm -r {kept}\n",
        verdict=tr(report.verdict.value),
        seconds=format_duration(seconds),
        kept_bytes=format_size(kept_bytes),
        backup=backup,
        kept=kept,
        command=command,
    )


def number(value: int) -> str:
    """`136 462`: digits in threes."""
    return f"{value:,}".replace(",", " ")


def _figures(figures: Figures) -> str:
    return tr(
        "invoiced {invoiced}, paid {paid} in {payments} payments",
        invoiced=_money(figures.invoiced),
        paid=_money(figures.paid),
        payments=number(figures.payments),
    )


def _changes(before: Figures, after: Figures) -> Iterator[str]:
    yield tr("  invoiced  {before:>14} -> {after:>14}", before=_money(before.invoiced), after=_money(after.invoiced))
    yield tr("  paid      {before:>14} -> {after:>14}", before=_money(before.paid), after=_money(after.paid))
    yield tr("  payments  {before:>14} -> {after:>14}", before=number(before.payments), after=number(after.payments))


def _money(amount: Decimal) -> str:
    return f"{amount:,}".replace(",", " ")


def _rows(count: int) -> str:
    return plural(count, "{count} row", "{count} rows", count=number(count))


def _held(manifest: Manifest) -> str:
    objects = sum(map(len, manifest.inventory.objects.values()))
    return tr(
        "{tables}, {rows}, {objects}",
        tables=plural(len(manifest.inventory.tables), "{count} table", "{count} tables"),
        rows=_rows(manifest.rows),
        objects=plural(objects, "{count} object", "{count} objects"),
    )


def _differences(findings: Sequence[Finding]) -> str:
    """Their number, and the subjects of those that are not a consequence of another."""
    count = (
        tr("{count} differences", count=len(findings))
        if len(findings) != 1
        else tr("{count} difference", count=len(findings))
    )
    causes = [f for f in findings if not f.id.startswith(_FOLLOWS)]
    named = ", ".join(dict.fromkeys(f.subject.replace("public.", "") for f in causes))
    return f"{count} ({named})" if named else count


def _wrapped(text: str) -> Iterator[str]:
    import textwrap

    yield from textwrap.wrap(text, WIDTH - INDENT, break_long_words=False, break_on_hyphens=False)
