"""Compares what a copy holds with what the source held. Pure: two inventories in, findings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dbops.engine.base import Reading, TableKey
from dbops.engine.restoring import NOT_MADE
from dbops.language import msg, plural
from dbops.model import Finding, Inventory, LargeObjects, NotEvaluated, ObjectDigest, Severity, Table
from dbops.model import Sequence as DbSequence

OWNERSHIP = frozenset(
    {"owner", "grant", "default_privilege", "database_owner", "database_grant", "large_object_owner", "user_mapping"}
)
"""Kinds that say to whom something belongs: not compared where a copy was made for another owner."""
PLAIN = frozenset(
    {
        "column_order",
        "comment",
        "database_comment",
        "database_owner",
        "extension",
        "inheritance",
        "large_object_owner",
        "owner",
        "sequence",
        "setting",
    }
)
"""Kinds whose definitions are not printed by the server's own rules: equal on every version."""
TELLING_SETTINGS = ("default_text_search_config", "lc_monetary", "shared_preload_libraries")
OUTSIDE = "outside-snapshot"
"""Finding of a backup: a table that no snapshot holds (of a storage engine without transactions). Inventory and dump
have read it one after the other, so that a difference in its rows proves nothing."""
FOREIGN = "foreign-table"
"""Finding of a backup: a table whose rows are elsewhere. A dump of MySQL or MariaDB holds its definition."""
VIEW = "view-left-out"
"""Finding of a backup: a view of what is not there, at which a dump program would end."""
_LEFT_OUT = (
    ("invalid-index", "index"),
    ("subscription-left-out", "subscription"),
    (VIEW, "view"),
    (NOT_MADE, "view"),
)
_SHOWN = 5
_READINGS = {"copy-sha256": Reading.ORDERED, "copy-sum64": Reading.UNORDERED, "rows-sum64": Reading.UNORDERED}
"""Kind of digest -> how it was taken; see docs/decisions, 'Fingerprints'."""


class Rules(NamedTuple):
    """What a difference means. `known`: (id, subject) of what was found in the source itself, and by the load."""

    same_series: bool = True
    owners: bool = True
    skipped_kinds: frozenset[str] = frozenset()
    known: frozenset[tuple[str, str]] = frozenset()


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
        *_objects(expected, found, rules, not_evaluated),
        *_settings(expected, found),
    ]
    if expected.basis != "unanchored" or not any(f.severity is Severity.ERROR for f in findings):
        return Comparison(findings, not_evaluated)
    reason = msg("the inventory is of another moment than the dump: a difference proves nothing")
    not_evaluated.append(NotEvaluated(id="copy", reason=reason))
    return Comparison([_lowered(finding) for finding in findings], not_evaluated, conclusive=False)


def reading(table: Table) -> Reading:
    """How a copy's rows must be read to be comparable with a digest of an inventory."""
    return _READINGS.get(table.digest.partition(":")[0], Reading.COUNTED)


def suspects(expected: Inventory, found: Inventory) -> list[Table]:
    """Tables of the source whose copy has another digest of the same kind: worth a look at their rows."""
    there = {(t.schema, t.name): t for t in found.tables}
    return [
        table
        for table in expected.tables
        if (other := there.get((table.schema, table.name))) is not None and _differ(table.digest, other.digest)
    ]


def _differ(one: str, other: str) -> bool:
    return one != other and comparable(one, other)


def comparable(one: str, other: str) -> bool:
    return bool(one and other) and one.partition(":")[0] == other.partition(":")[0]


def _finding(kind: str, subject: str, expected: str, actual: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(id=kind, severity=severity, subject=subject, expected=expected, actual=actual)


def _lowered(finding: Finding) -> Finding:
    if finding.severity is not Severity.ERROR:
        return finding
    return _finding(finding.id, finding.subject, finding.expected, finding.actual, Severity.WARNING)


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
            yield _finding(
                "table-missing", table.label, plural(table.rows, "{count} row", "{count} rows"), msg("no such table")
            )
            continue
        if copy.columns != table.columns:
            yield _finding("table-columns", table.label, ", ".join(table.columns), ", ".join(copy.columns))
        differing = list(_rows(table, copy, explained.get(key, ())))
        if differing and table.label in loose:
            reason = msg("{table} is outside of the snapshot: a difference proves nothing", table=table.label)
            not_evaluated.append(NotEvaluated(id="table-content", reason=reason))
            differing = [_lowered(finding) for finding in differing]
        yield from differing
        if not comparable(table.digest, copy.digest) and table.rows:
            counted.append(table.label)
    for copy in there.values():
        yield _finding(
            "table-extra", copy.label, msg("no such table"), plural(copy.rows, "{count} row", "{count} rows")
        )
    if counted:
        not_evaluated.append(
            NotEvaluated(id="table-content", reason=msg("rows were only counted: {some}", some=some(counted)))
        )


def _rows(table: Table, copy: Table, explained: Sequence[Finding]) -> Iterator[Finding]:
    if copy.rows != table.rows:
        yield _finding(
            "table-rows",
            table.label,
            plural(table.rows, "{count} row", "{count} rows"),
            plural(copy.rows, "{count} row", "{count} rows"),
        )
    if explained:
        yield from explained
    elif copy.rows == table.rows and _differ(table.digest, copy.digest):
        yield _finding("table-content", table.label, table.digest, copy.digest)


def _sequences(expected: Inventory, found: Inventory) -> Iterator[Finding]:
    there = {(s.schema, s.name): s for s in found.sequences}
    for sequence in expected.sequences:
        copy = there.pop((sequence.schema, sequence.name), None)
        if copy is None:
            yield _finding("sequence-missing", sequence.label, _position(sequence), msg("no such sequence"))
        elif not _possible(sequence, copy):
            # One that moved while it was dumped may also have wrapped round or been set: that cannot be told apart.
            moved = (sequence.value, sequence.called) != (sequence.value_after, sequence.called_after)
            severity = Severity.WARNING if moved else Severity.ERROR
            yield _finding("sequence", sequence.label, _position(sequence), _position(copy), severity)
    for copy in there.values():
        yield _finding("sequence-extra", copy.label, msg("no such sequence"), _position(copy))


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
        yield _finding("large-objects", msg("large objects"), str(expected.count), str(found.count))
    elif expected.digest and found.digest and expected.digest != found.digest:
        yield _finding(
            "large-objects",
            msg("content of {count} large objects", count=expected.count),
            expected.digest,
            found.digest,
        )
    elif expected.count and not (expected.digest and found.digest):
        not_evaluated.append(NotEvaluated(id="large-objects", reason=msg("the inventory has only their number")))


def _objects(
    expected: Inventory, found: Inventory, rules: Rules, not_evaluated: list[NotEvaluated]
) -> Iterator[Finding]:
    skipped = rules.skipped_kinds | (frozenset() if rules.owners else OWNERSHIP)
    for kind in sorted(expected.objects.keys() | found.objects.keys()):
        if kind in skipped:
            continue
        if kind not in expected.objects or kind not in found.objects:
            where = msg("the inventory") if kind not in expected.objects else msg("this dbops")
            not_evaluated.append(
                NotEvaluated(id=kind, reason=msg("{where} does not know this kind of object", where=where))
            )
            continue
        strict = rules.same_series or kind in PLAIN
        undecided: list[str] = []
        yield from _kind(kind, expected.objects[kind], found.objects[kind], rules, None if strict else undecided)
        if undecided:
            names = some(undecided)
            reason = msg("another version prints definitions differently: {names}", names=names)
            not_evaluated.append(NotEvaluated(id=f"{kind}-definition", reason=reason))
    if not rules.owners and any(expected.objects.get(kind) for kind in OWNERSHIP):
        reason = msg("restored without owners and grants, as asked")
        not_evaluated.append(NotEvaluated(id="owners-and-grants", reason=reason))


def _kind(
    kind: str,
    expected: Sequence[ObjectDigest],
    found: Sequence[ObjectDigest],
    rules: Rules,
    undecided: list[str] | None,
) -> Iterator[Finding]:
    """Objects of one kind. With `undecided`, another definition proves nothing: its object's name goes there."""
    there = {item.name: item.digest for item in found}
    for item in expected:
        digest = there.pop(item.name, None)
        subject = f"{kind} {item.name}"
        if digest is None and (reason := _left_out(kind, item.name, rules)):
            why = msg("not made, as the load has told") if reason == NOT_MADE else msg("left out of the dump")
            yield _finding(reason, subject, msg("as in the source"), why, Severity.WARNING)
        elif digest is None:
            yield _finding(f"{kind}-missing", subject, msg("as in the source"), msg("is not there"))
        elif digest != item.digest and kind == "extension":
            yield _finding(
                "extension-version", subject, msg("version as in the source"), msg("another"), Severity.WARNING
            )
        elif digest != item.digest and undecided is not None:
            undecided.append(item.name)
        elif digest != item.digest:
            yield _finding(f"{kind}-differs", subject, msg("definition as in the source"), msg("another definition"))
    for name in there:
        yield _finding(f"{kind}-extra", f"{kind} {name}", msg("not in the source"), msg("is there"))


def some(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    return msg(
        "{names}{text}",
        names=", ".join(names[:_SHOWN]),
        text=msg(" and {count} more", count=len(names) - _SHOWN) if len(names) > _SHOWN else "",
    )


def _left_out(kind: str, name: str, rules: Rules) -> str:
    """The finding of the backup that says why its dump lacks this object, or what hangs on it; '' if none does."""
    for reason, of_kind in _LEFT_OUT:
        prefix = f"{of_kind} "
        if kind == of_kind and (reason, name) in rules.known:
            return reason
        if name.startswith(prefix) and (reason, name.removeprefix(prefix)) in rules.known:
            return reason
    if kind == "grant":
        views = (
            why
            for why, view in rules.known
            if why in (VIEW, NOT_MADE) and name.startswith((f"{view} to ", f"{view}."))  # or on a column of it
        )
        return next(views, "")
    return ""


def _settings(expected: Inventory, found: Inventory) -> Iterator[Finding]:
    for name in TELLING_SETTINGS:
        before, now = expected.settings.get(name), found.settings.get(name)
        if before is not None and now is not None and before != now:
            yield _finding("server-setting", name, before or msg("empty"), now or msg("empty"), Severity.INFO)
