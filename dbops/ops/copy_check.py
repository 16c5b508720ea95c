"""Reads a restored copy as its source was read when it was dumped, and compares: table by table, object by object."""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import NamedTuple

from dbops.engine.base import Content, Reading, Snapshot, TableKey, TableRef
from dbops.engine.restoring import SideDatabase, Wishes
from dbops.inventory.compare import Comparison, compare, suspects
from dbops.inventory.difference import differences, explain
from dbops.inventory.digests import comparable, reading
from dbops.inventory.rules import Rules
from dbops.language import msg
from dbops.model import EngineInfo, Finding, Inventory, Manifest, Sequence, Severity, Table
from dbops.ops.restore_plan import Archive
from dbops.progress import Progress


class CopyCheck(NamedTuple):
    """What a comparison gave, and what it rests on: the copy's inventory, and the closer look at some tables' rows."""

    comparison: Comparison
    found: Inventory
    explained: dict[TableKey, list[Finding]]


def check_copy(
    side: SideDatabase,
    archive: Archive,
    wishes: Wishes,
    progress: Progress,
    *,
    server: EngineInfo,
    loaded: Many[Finding] = (),
) -> CopyCheck:
    """Everything in the copy that is not as in the source. `server` is the copy's, `loaded` what its load has told.

    Rows are read in at most `wishes.jobs` sessions. Where digests differ, the rows themselves are compared with those
    in the archive, so that an equal copy is never called different because its rows lie in another order.
    """
    manifest = archive.manifest
    rules = Rules(
        same_series=manifest.engine.same_series(server),
        owners=not wishes.no_owner,
        skipped_kinds=side.waits_for_swap,
        known=frozenset((finding.id, finding.subject) for finding in (*manifest.findings, *loaded)),
        other_defaults=side.other_defaults(manifest),
    )
    with side.snapshot() as snapshot:
        refs = _refs(manifest, snapshot)
        found = _read(manifest, snapshot, refs, wishes.jobs, progress)
        explained: dict[TableKey, list[Finding]] = {}
        suspected = suspects(manifest.inventory, found)
        held = side.archive_contents(manifest, archive.path, progress) if suspected else {}
        for table in suspected:
            key = (table.schema, table.name)
            progress.item(msg("rows of {label}", label=table.label))
            explained[key] = _not_the_source(table, held.get(key)) or _look_closer(
                side, archive, snapshot, refs[key], table
            )
    result = compare(manifest.inventory, found, rules, explained)
    result = result._replace(findings=[*result.findings, *side.probe(manifest)])
    return CopyCheck(result, found, explained)


def _refs(manifest: Manifest, snapshot: Snapshot) -> dict[TableKey, TableRef]:
    """The copy's tables, to be read by the manifest's column lists and in its way."""
    expected = {(t.schema, t.name): t for t in manifest.inventory.tables}
    found = {}
    for ref in snapshot.tables():
        table = expected.get((ref.schema, ref.name))
        if table is None or not table.digest or not set(table.columns) <= set(ref.columns):
            found[ref.schema, ref.name] = ref._replace(reading=Reading.COUNTED)
        else:
            found[ref.schema, ref.name] = ref._replace(reading=reading(table), columns=table.columns)
    return found


def _read(
    manifest: Manifest, snapshot: Snapshot, refs: dict[TableKey, TableRef], jobs: int, progress: Progress
) -> Inventory:
    counted = [ref for ref in refs.values() if ref.reading is Reading.COUNTED]
    read = [ref for ref in refs.values() if ref.reading is not Reading.COUNTED]
    contents = snapshot.counts(counted, jobs) | snapshot.contents(read, jobs, progress)
    expected = {(t.schema, t.name): t for t in manifest.inventory.tables}
    return Inventory(
        basis=snapshot.basis,
        level=manifest.inventory.level,
        tables=tuple(_table(ref, contents[key], expected.get(key)) for key, ref in refs.items()),
        sequences=tuple(
            Sequence(schema=key[0], name=key[1], value=value, called=called, value_after=value, called_after=called)
            for key, (value, called) in sorted(snapshot.sequences().items())
        ),
        large_objects=snapshot.large_objects(digest=bool(manifest.inventory.large_objects.digest)),
        objects=snapshot.objects(),
        extensions=snapshot.extensions(),
        settings=snapshot.settings(),
    )


def _table(ref: TableRef, content: Content, expected: Table | None) -> Table:
    """Columns in the manifest's order if they are the same ones: a restored child may have them in another."""
    columns = ref.columns
    if expected is not None and set(columns) == set(expected.columns):
        columns = expected.columns
    digest = content.digest if ref.reading is not Reading.COUNTED else ""
    return Table(schema=ref.schema, name=ref.name, rows=content.rows, digest=digest, columns=columns)


def _not_the_source(table: Table, archived: Content | None) -> list[Finding]:
    """A finding if the archive itself has not the source's rows: then it cannot say which of the copy are wrong."""
    if archived is not None and not (comparable(table.digest, archived.digest) and table.digest != archived.digest):
        return []
    return [
        _of_another_moment(
            table,
            msg("{rows} rows, {digest}, in the archive", rows=archived.rows, digest=archived.digest)
            if archived
            else msg("not in the archive"),
        )
    ]


def _of_another_moment(table: Table, actual: str) -> Finding:
    return Finding(
        id="archive-content",
        severity=Severity.ERROR,
        subject=table.label,
        expected=msg("{rows} rows, {digest}, as in the source", rows=table.rows, digest=table.digest),
        actual=actual,
        hint=msg("the archive is not the dump of this inventory's moment"),
    )


def _look_closer(
    side: SideDatabase, archive: Archive, snapshot: Snapshot, ref: TableRef, source: Table
) -> list[Finding]:
    key = side.key_columns(ref)
    found = differences(
        lambda: side.archive_lines(archive.manifest, archive.path, ref),
        lambda: snapshot.lines(ref),
        [ref.columns.index(name) for name in key if name in ref.columns],
    )
    if found.equal and ref.reading is Reading.UNORDERED:
        # Such a digest does not hang on the order: the rows are the archive's, and not the source's.
        return [_of_another_moment(source, msg("{rows} rows with another digest", rows=source.rows))]
    return explain(ref.label, found, ref.columns, key)
