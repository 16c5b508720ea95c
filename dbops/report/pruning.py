"""What a prune does or has done, as a table: every backup, and all else in the store, with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from dbops.config.units import format_duration, format_size
from dbops.language import tr, translated
from dbops.ops.prune import Item, Kind, Pruning
from dbops.report.layout import block, wrap

_HEAD = ("", tr("backup"), tr("age"), tr("size"), tr("proved by"))
_WIDTHS = (8, 16, 5, 7, 11)
"""Of the columns, unless something in them is longer."""


def text(pruning: Pruning, now: datetime, *, deleted: bool) -> str:
    """The backups as a table, then what else lies there, and the sum."""
    verb = tr("deleted") if deleted else tr("delete")
    backups = [item for item in pruning.items if item.kind is Kind.BACKUP]
    judged = [item for item in backups if item.backup is not None]
    shown = "".join(_table(judged, verb, now)) if judged else ""
    shown += "".join(_other(item, verb) for item in pruning.items if item.backup is None)
    shown += "".join(
        wrap(translated(reason), tr("frozen   no backup is deleted: "), " " * 9) for reason in pruning.frozen
    )
    if pruning.frozen:
        shown += wrap(tr("make a backup and verify it ('verify'), then prune again"), "         -> ", " " * 12)
    if pruning.versioned:
        shown += wrap(
            tr(
                "this bucket keeps versions: what is deleted is hidden, and its room comes back when the "
                "bucket's own lifecycle rules expire old versions"
            ),
            tr("note     "),
            " " * 9,
        )
    return shown + summary(pruning, deleted=deleted) + "\n"


def summary(pruning: Pruning, *, deleted: bool) -> str:
    """How many are kept and deleted, in one line."""
    gone = pruning.doomed
    total = format_size(sum(item.bytes for item in gone))
    return f"{counts(len(pruning.items) - len(gone), len(gone), deleted=deleted)}, {total}"


def counts(kept: int, gone: int, *, deleted: bool) -> str:
    """`4 kept, 1 deleted`."""
    if deleted:
        return tr("{kept} kept, {gone} deleted", kept=kept, gone=gone)
    return tr("{kept} kept, {gone} to delete", kept=kept, gone=gone)


def _other(item: Item, verb: str) -> str:
    return block(tr("keep") if item.keep else verb, item.name, f"{format_size(item.bytes)}: {translated(item.reason)}")


def _table(judged: Sequence[Item], verb: str, now: datetime) -> Iterator[str]:
    rows = [(_HEAD, tr("why")), *((_cells(item, verb, now), translated(item.reason)) for item in judged)]
    widths = [max(width, *(len(cells[at]) for cells, _ in rows)) for at, width in enumerate(_WIDTHS)]
    for cells, reason in rows:
        first = " ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)) + " "
        yield wrap(reason, first, " " * len(first))


def _cells(item: Item, verb: str, now: datetime) -> tuple[str, ...]:
    backup = item.backup
    assert backup is not None  # noqa: S101 - only such are given
    seconds = (now - backup.started_at).total_seconds()
    age = " ".join(format_duration(abs(seconds)).split()[:2])
    proof = backup.proofs[0] if backup.proofs else None
    proved = f"{proof.task} {tr('PASS') if proof.good else tr('FAIL')}" if proof else "-"
    return (
        tr("keep") if item.keep else verb,
        item.id,
        age if seconds >= 0 else f"-{age}",
        format_size(item.bytes),
        proved,
    )
