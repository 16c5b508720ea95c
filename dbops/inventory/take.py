"""Takes an inventory: what one moment of a database holds. Knows no dialect: all is read through a `Snapshot`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from dbops.engine.base import Content, Reading, Snapshot, TableKey, TableRef
from dbops.inventory.digests import reading
from dbops.language import msg
from dbops.manifests import inventory_digest
from dbops.model import Inventory, Table
from dbops.model import Sequence as DbSequence
from dbops.progress import Progress

LEVELS = ("counts", "archive", "content")

Positions = dict[TableKey, tuple[int, bool]]


def take(
    snapshot: Snapshot, level: str, jobs: int, progress: Progress, positions: Positions | None = None
) -> Inventory:
    """The inventory of a snapshot, read in at most `jobs` sessions.

    `level` 'content' reads every row (a digest a table), the others count rows. The result lacks what is only known
    once the dump has ended (see `complete`): sequences hold their position of now in both places, or `positions`, read
    before a dump could read them.
    """
    before = snapshot.sequences() if positions is None else positions
    tables = snapshot.tables()
    found = snapshot.contents(tables, jobs, progress) if level == "content" else snapshot.counts(tables, jobs)
    return Inventory(
        basis=snapshot.basis,
        level=level,
        tables=tuple(_table(table, found[table.schema, table.name]) for table in sorted(tables, key=_key)),
        sequences=_sequences(before, before),
        large_objects=snapshot.large_objects(digest=level == "content"),
        objects=snapshot.objects(),
        extensions=snapshot.extensions(),
        roles=snapshot.roles(),
        settings=snapshot.settings(),
    )


def complete(inventory: Inventory, after: Positions, archive: Mapping[TableKey, Content]) -> Inventory:
    """The inventory with the sequences' positions after the dump, the archive's digests, and its own digest.

    Where the source was only counted, the archive's digest of a table stands for both.
    """
    tables = tuple(
        msgspec.structs.replace(table, digest=table.digest or archive[table.schema, table.name].digest)
        if (table.schema, table.name) in archive
        else table
        for table in inventory.tables
    )
    before = {(s.schema, s.name): (s.value, s.called) for s in inventory.sequences}
    whole = msgspec.structs.replace(inventory, tables=tables, sequences=_sequences(before, after), digest="")
    return msgspec.structs.replace(whole, digest=inventory_digest(whole))


def disagreements(inventory: Inventory, archive: Mapping[TableKey, Content], loose: Collection[str] = ()) -> list[str]:
    """Tables whose rows in the archive are not the source's, one line each. Both read one moment: any is an error,
    but of those in `loose`, which are outside of the snapshot.

    A table without a digest of the source is only counted. One that is read in order needs the same of the archive:
    where the archive gives none, its rows stand there in several parts, as no such table's do. Of the others, an
    archive may not be able to give one.
    """
    found = []
    for table in inventory.tables:
        content = archive.get((table.schema, table.name))
        if table.label in loose:
            continue
        if content is None:
            if table.rows:
                found.append(
                    msg("{label}: {rows} rows in the source, not in the archive", label=table.label, rows=table.rows)
                )
        elif content.rows != table.rows:
            found.append(
                msg(
                    "{label}: {rows} rows in the source, {archived} in the archive",
                    label=table.label,
                    rows=table.rows,
                    archived=content.rows,
                )
            )
        elif table.digest and table.digest != content.digest and (content.digest or reading(table) is Reading.ORDERED):
            differs = (
                msg("their content differs") if content.digest else msg("they stand in several parts in the archive")
            )
            found.append(
                msg("{label}: {rows} rows in both, but {differs}", label=table.label, rows=table.rows, differs=differs)
            )
    return found


def _table(table: TableRef, content: Content) -> Table:
    return Table(
        schema=table.schema,
        name=table.name,
        rows=content.rows,
        digest=content.digest,
        bytes=table.bytes,
        columns=table.columns,
    )


def _sequences(before: Positions, after: Positions) -> tuple[DbSequence, ...]:
    """A sequence that has gone meanwhile keeps its first position."""
    return tuple(
        DbSequence(
            schema=key[0],
            name=key[1],
            value=value,
            called=called,
            value_after=after.get(key, (value, called))[0],
            called_after=after.get(key, (value, called))[1],
        )
        for key, (value, called) in sorted(before.items())
    )


def _key(table: TableRef) -> TableKey:
    return (table.schema, table.name)
