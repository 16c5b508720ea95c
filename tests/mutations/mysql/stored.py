"""Mutations of the store: files that were exchanged, cut, edited, or are another backup's; and text of SQL that was
edited, packed again and hashed again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from dbops.ops.fetch import archive_name
from tests.mutations.mutation import Stored
from tests.mutations.mysql.workshop import Workshop, with_inventory
from tests.mysql_restoring import Backed, artifact, rewritten
from tests.restoring import forged

Change = Callable[[Workshop, Backed], Backed]


def _archive(backed: Backed) -> Path:
    path = artifact(backed, archive_name(backed.manifest))
    path.chmod(0o600)
    return path


def _believed(backed: Backed, change: Callable[[bytes], bytes]) -> Backed:
    """The backup whose archive has other text; its manifest believes it."""
    manifest = rewritten(backed, change)
    backed.catalog.publish(manifest)
    return backed._replace(manifest=manifest)


def _edited(pattern: bytes, by: bytes) -> Change:
    """One place in the text of the archive."""

    def change(_: Workshop, backed: Backed) -> Backed:
        def edit(text: bytes) -> bytes:
            edited, count = re.subn(pattern, by, text, count=1, flags=re.DOTALL)
            assert count, f"the dump has no {pattern!r}"
            return edited

        return _believed(backed, edit)

    return change


def _flipped(_: Workshop, backed: Backed) -> Backed:
    path = _archive(backed)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return backed


def _gone(_: Workshop, backed: Backed) -> Backed:
    _archive(backed).unlink()
    return backed


def _cut_at_a_statement(_: Workshop, backed: Backed) -> Backed:
    return _believed(backed, lambda text: text[: text.rindex(b"CREATE TABLE") - 300].rpartition(b";\n")[0] + b";\n")


def _cut_frame(_: Workshop, backed: Backed) -> Backed:
    """The file itself is shorter than it should be, and the manifest believes it."""
    whole = _believed(backed, lambda text: text)
    path = _archive(whole)
    path.write_bytes(path.read_bytes()[:-100])
    return _with_hashes(whole)


def _with_hashes(backed: Backed) -> Backed:
    manifest = forged(backed)
    backed.catalog.publish(manifest)
    return backed._replace(manifest=manifest)


def _other(workshop: Workshop, backed: Backed) -> Backed:
    """Another database's dump, with correct hashes."""
    other = workshop.backup(
        "SET foreign_key_checks = 0; DROP TABLE invoices, customers; DROP VIEW open_invoices, owned; "
        "CREATE TABLE strangers (id INT PRIMARY KEY); INSERT INTO strangers VALUES (1), (2)"
    )
    return with_inventory(other, backed.manifest)


def _older(workshop: Workshop, backed: Backed) -> Backed:
    """The dump of an earlier moment under the newer backup's name: it lacks what came since."""
    return with_inventory(workshop.backup("DELETE FROM invoices WHERE id > 390"), backed.manifest)


def _part_of_an_older(workshop: Workshop, backed: Backed) -> Backed:
    """One part of a parallel dump, of an earlier moment."""
    good = workshop.backup(jobs=2)
    older = workshop.backup("DELETE FROM invoices WHERE id > 390", jobs=2)
    for item in good.manifest.artifacts:
        if "/data-" in item.name:
            name = item.name.replace(good.manifest.id, older.manifest.id)
            path = artifact(good, item.name)
            path.chmod(0o600)
            path.write_bytes(artifact(older, name).read_bytes())
    return _with_hashes(good)


def _part_missing(workshop: Workshop, _: Backed) -> Backed:
    """A part of a parallel dump that the manifest does not even name."""
    good = workshop.backup(jobs=2)
    kept = tuple(item for item in good.manifest.artifacts if not item.name.endswith("/data-01.sql.zst"))
    (name,) = {item.name for item in good.manifest.artifacts} - {item.name for item in kept}
    artifact(good, name).unlink()
    return _with_hashes(good._replace(manifest=msgspec.structs.replace(good.manifest, artifacts=kept)))


def _part_unnamed(workshop: Workshop, _: Backed) -> Backed:
    """A part that lies in the folder, but that no manifest names: nobody knows where its rows come from."""
    good = workshop.backup(jobs=2)
    kept = tuple(item for item in good.manifest.artifacts if not item.name.endswith("/data-01.sql.zst"))
    return _with_hashes(good._replace(manifest=msgspec.structs.replace(good.manifest, artifacts=kept)))


STORED: tuple[Stored[Workshop, Backed], ...] = (
    Stored("flipped bit", _flipped, "backup_"),
    Stored("archive gone", _gone, "backup_"),
    Stored("cut inside the packing", _cut_frame, "backup_"),
    Stored("cut between statements", _cut_at_a_statement, "Dump completed"),
    Stored("another database's backup", _other, "customers"),
    Stored("older backup, newer name", _older, "invoices"),
    Stored("part of an older backup", _part_of_an_older, "invoices"),
    Stored("missing part", _part_missing, "table-rows"),
    Stored("part that no manifest names", _part_unnamed, "table-rows"),
    Stored(
        "table with a grant out of the text",
        _edited(rb"DROP TABLE IF EXISTS `events`;.*?(?=\n--\n-- Table structure for table `invoices`)", b""),
        "table-missing events",
    ),
    Stored("row out of the text", _edited(rb"\('2024-06-08','event 7'\),\n?", b""), "events"),
    Stored("row twice in the text", _edited(rb"(\('2024-06-08','event 7'\)),", rb"\1,\1,"), "events"),
    Stored("value in the text", _edited(rb"'event 7'", b"'event 0'"), "events"),
    Stored("NULL as ''", _edited(rb"(\(5,'[^']*','[^']*',)NULL", rb"\1''"), "customers"),
    Stored("utf8 taken for latin1", _edited(rb"SET NAMES utf8mb4", b"SET NAMES latin1"), "customers"),
    Stored(
        "trigger out of the text",
        _edited(rb"/\*M?!\d+ CREATE\*/ (?:(?!;;\n).)*?TRIGGER `?touch`?.*?;;\n", b""),
        "touch",
    ),
    Stored(
        "sql_mode of a trigger",
        _edited(rb"(SET sql_mode\s*= )'([^']*)'(.{0,200}TRIGGER)", rb"\1'ANSI_QUOTES'\3"),
        "touch",
    ),
    Stored("index out of the text", _edited(rb",\n  KEY `by_total` \([^\n]*\)", b""), "by_total"),
    Stored("default out of the text", _edited(rb" DEFAULT 'ok' COMMENT", b" COMMENT"), "customers.mood"),
    Stored(
        "collation out of the text",
        _edited(rb"(`code` varchar\(20\)[^,\n]*) COLLATE utf8mb4_bin", rb"\1"),
        "customers.code",
    ),
    Stored(
        "generated column that is none",
        _edited(rb"(`due` int[^ ,\n]*) GENERATED ALWAYS AS [^,]*VIRTUAL", rb"\1"),
        "invoices",
    ),
    Stored(
        "partitions out of the text", _edited(rb"\n/\*!\d+ PARTITION BY .*?\*/;|\n PARTITION BY .*?;", b";"), "events"
    ),
    Stored("counter in the text", _edited(rb"AUTO_INCREMENT=503", b"AUTO_INCREMENT=2"), "counted"),
    Stored("another definer in the text", _edited(rb"`owner`@`%`", b"`reader`@`%`"), "owned"),
    Stored(
        "client command in the text",
        _edited(rb"\nDROP TABLE IF EXISTS `events`", rb"\n\\! touch /tmp/x\nDROP TABLE IF EXISTS `events`"),
        "mysql client",
    ),
)
