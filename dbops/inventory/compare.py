"""Compares what a copy holds with what the source held. Pure: two inventories in, findings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dbops.engine.base import TableKey
from dbops.inventory.compare_objects import objects
from dbops.inventory.digests import comparable, differ
from dbops.inventory.rules import Rules, difference
from dbops.language import msg, plural, some
from dbops.model import Finding, Inventory, LargeObjects, NotEvaluated, Severity, Table
from dbops.model import Sequence as DbSequence

TELLING_SETTINGS = ("default_text_search_config", "lc_monetary", "shared_preload_libraries")
OUTSIDE = "outside-snapshot"
"""Finding of a backup: a table that no snapshot holds (of a storage engine without transactions). Inventory and dump
have read it one after the other, so that a difference in its rows proves nothing."""
FOREIGN = "foreign-table"
"""Finding of a backup: a table whose rows are elsewhere. A dump of MySQL or MariaDB holds its definition."""


class Comparison(NamedTuple):
    """`conclusive` False: a difference proves nothing, since inventory and dump do not share one moment."""

    findings: list[Finding]
    not_evaluated: list[NotEvaluated]
    conclusive: bool = True


def compare(
    expected: Inventory, found: Inventory, rules: Rules, explained: Mapping[TableKey, Sequence[Finding]] | None = None
) -> Comparison:
    """All differences. `explained` holds what a closer look at a table with another digest gave (see `suspects`)."""
    not_evaluated: list[NotEvaluated] = []
    findings = [
        *_tables(expected, found, rules, explained or {}, not_evaluated),
        *_sequences(expected, found),
        *_large_objects(expected.large_objects, found.large_objects, not_evaluated),
        *objects(expected, found, rules, not_evaluated),
        *_settings(expected, found),
    ]
    if expected.basis != "unanchored" or not any(f.severity is Severity.ERROR for f in findings):
        return Comparison(findings, not_evaluated)
    reason = msg("the inventory is of another moment than the dump: a difference proves nothing")
    not_evaluated.append(NotEvaluated(id="copy", reason=reason))
    return Comparison([_lowered(finding) for finding in findings], not_evaluated, conclusive=False)


def suspects(expected: Inventory, found: Inventory) -> list[Table]:
    """Tables of the source whose copy has another digest of the same kind: worth a look at their rows."""
    there = {(t.schema, t.name): t for t in found.tables}
    return [
        table
        for table in expected.tables
        if (other := there.get((table.schema, table.name))) is not None and differ(table.digest, other.digest)
    ]


def _lowered(finding: Finding) -> Finding:
    if finding.severity is not Severity.ERROR:
        return finding
    return difference(finding.id, finding.subject, finding.expected, finding.actual, Severity.WARNING)


def outside(known: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Labels of the tables that findings (id, subject) say to be outside of the snapshot."""
    return frozenset(subject for kind, subject in known if kind == OUTSIDE)


def _tables(
    expected: Inventory,
    found: Inventory,
    rules: Rules,
    explained: Mapping[TableKey, Sequence[Finding]],
    not_evaluated: list[NotEvaluated],
) -> Iterator[Finding]:
    there = {(t.schema, t.name): t for t in found.tables}
    counted, loose = [], outside(rules.known)
    for table in expected.tables:
        key = (table.schema, table.name)
        copy = there.pop(key, None)
        if copy is None:
            yield difference(
                "table-missing", table.label, plural(table.rows, "{count} row", "{count} rows"), msg("no such table")
            )
            continue
        if copy.columns != table.columns:
            yield difference("table-columns", table.label, ", ".join(table.columns), ", ".join(copy.columns))
        differing = list(_rows(table, copy, explained.get(key, ())))
        if differing and table.label in loose:
            reason = msg("{table} is outside of the snapshot: a difference proves nothing", table=table.label)
            not_evaluated.append(NotEvaluated(id="table-content", reason=reason))
            differing = [_lowered(finding) for finding in differing]
        yield from differing
        if not comparable(table.digest, copy.digest) and table.rows:
            counted.append(table.label)
    for copy in there.values():
        yield difference(
            "table-extra", copy.label, msg("no such table"), plural(copy.rows, "{count} row", "{count} rows")
        )
    if counted:
        not_evaluated.append(
            NotEvaluated(id="table-content", reason=msg("rows were only counted: {some}", some=some(counted)))
        )


def _rows(table: Table, copy: Table, explained: Sequence[Finding]) -> Iterator[Finding]:
    if copy.rows != table.rows:
        yield difference(
            "table-rows",
            table.label,
            plural(table.rows, "{count} row", "{count} rows"),
            plural(copy.rows, "{count} row", "{count} rows"),
        )
    if explained:
        yield from explained
    elif copy.rows == table.rows and differ(table.digest, copy.digest):
        yield difference("table-content", table.label, table.digest, copy.digest)


def _sequences(expected: Inventory, found: Inventory) -> Iterator[Finding]:
    there = {(s.schema, s.name): s for s in found.sequences}
    for sequence in expected.sequences:
        copy = there.pop((sequence.schema, sequence.name), None)
        if copy is None:
            yield difference("sequence-missing", sequence.label, _position(sequence), msg("no such sequence"))
        elif not _possible(sequence, copy):
            # One that moved while it was dumped may also have wrapped round or been set: that cannot be told apart.
            moved = (sequence.value, sequence.called) != (sequence.value_after, sequence.called_after)
            severity = Severity.WARNING if moved else Severity.ERROR
            yield difference("sequence", sequence.label, _position(sequence), _position(copy), severity)
    for copy in there.values():
        yield difference("sequence-extra", copy.label, msg("no such sequence"), _position(copy))


def _possible(sequence: DbSequence, copy: DbSequence) -> bool:
    """Whether the dump can have read this position: sequences go on while a snapshot is held."""
    low, high = sorted((sequence.value, sequence.value_after))
    if sequence.value == sequence.value_after:
        return copy.value == low and copy.called in (sequence.called, sequence.called_after)
    return low <= copy.value <= high


def _position(sequence: DbSequence) -> str:
    def one(value: int, called: bool) -> str:
        return msg("{value}", value=value) if called else msg("{value}, not drawn yet", value=value)

    first, last = one(sequence.value, sequence.called), one(sequence.value_after, sequence.called_after)
    return first if first == last else msg("{first} to {last}", first=first, last=last)


def _large_objects(expected: LargeObjects, found: LargeObjects, not_evaluated: list[NotEvaluated]) -> Iterator[Finding]:
    if expected.count != found.count:
        yield difference("large-objects", msg("large objects"), str(expected.count), str(found.count))
    elif expected.digest and found.digest and expected.digest != found.digest:
        yield difference(
            "large-objects",
            msg("content of {count} large objects", count=expected.count),
            expected.digest,
            found.digest,
        )
    elif expected.count and not (expected.digest and found.digest):
        not_evaluated.append(NotEvaluated(id="large-objects", reason=msg("the inventory has only their number")))


def _settings(expected: Inventory, found: Inventory) -> Iterator[Finding]:
    for name in TELLING_SETTINGS:
        before, now = expected.settings.get(name), found.settings.get(name)
        if before is not None and now is not None and before != now:
            yield difference("server-setting", name, before or msg("empty"), now or msg("empty"), Severity.INFO)
