"""Mutations of the store: files that were exchanged, cut, edited, or are another backup's; and text of SQL that was
edited, packed again and hashed again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from dbops.ops.fetch import archive_name
from tests.mutations.mutation import Stored
from tests.mutations.mysql.workshop import Workshop, with_inventory
from tests.mutations.rounds import Case
from tests.mysql_restoring import Backed, artifact, rewritten
from tests.restoring import forged


def _archive(backed: Backed) -> Path:
    path = artifact(backed, archive_name(backed.manifest))
    path.chmod(0o600)
    return path


def _believed(backed: Backed, change: Callable[[bytes], bytes]) -> Backed:
    """The backup whose archive has other text; its manifest believes it."""
    manifest = rewritten(backed, change)
    backed.catalog.publish(manifest)
    return backed._replace(manifest=manifest)


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
    good = workshop.copied(workshop.parallel)
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
    good = workshop.copied(workshop.parallel)
    kept = tuple(item for item in good.manifest.artifacts if not item.name.endswith("/data-01.sql.zst"))
    (name,) = {item.name for item in good.manifest.artifacts} - {item.name for item in kept}
    artifact(good, name).unlink()
    return _with_hashes(good._replace(manifest=msgspec.structs.replace(good.manifest, artifacts=kept)))


def _part_unnamed(workshop: Workshop, _: Backed) -> Backed:
    """A part that lies in the folder, but that no manifest names: nobody knows where its rows come from."""
    good = workshop.copied(workshop.parallel)
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
)

Edit = tuple[bytes, bytes]
"""What one place in the text of a dump looks like, and what stands there instead."""

EDITS: tuple[Case[Edit], ...] = (
    Case(
        "table with a grant out of the text",
        "table-missing events",
        (rb"DROP TABLE IF EXISTS `events`;.*?(?=\n--\n-- Table structure for table `invoices`)", b""),
    ),
    Case("row out of the text", "events", (rb"\('2024-06-08','event 7'\),\n?", b"")),
    Case("row twice in the text", "events", (rb"(\('2024-06-08','event 7'\)),", rb"\1,\1,")),
    Case("value in the text", "events", (rb"'event 7'", b"'event 0'")),
    Case("NULL as ''", "customers", (rb"(\(5,'[^']*','[^']*',)NULL", rb"\1''")),
    Case("utf8 taken for latin1", "customers", (rb"SET NAMES utf8mb4", b"SET NAMES latin1"), alone=True),
    Case("trigger out of the text", "touch", (rb"/\*M?!\d+ CREATE\*/ (?:(?!;;\n).)*?TRIGGER `?touch`?.*?;;\n", b"")),
    Case("sql_mode of a trigger", "touch", (rb"(SET sql_mode\s*= )'([^']*)'(.{0,200}TRIGGER)", rb"\1'ANSI_QUOTES'\3")),
    Case("index out of the text", "by_total", (rb",\n  KEY `by_total` \([^\n]*\)", b"")),
    Case("default out of the text", "customers.mood", (rb" DEFAULT 'ok' COMMENT", b" COMMENT")),
    Case(
        "collation out of the text",
        "customers.code",
        (rb"(`code` varchar\(20\)[^,\n]*) COLLATE utf8mb4_bin", rb"\1"),
    ),
    Case(
        "generated column that is none",
        "invoices.due",
        (rb"(`due` int[^ ,\n]*) GENERATED ALWAYS AS [^,]*VIRTUAL", rb"\1"),
    ),
    Case("partitions out of the text", "events", (rb"\n/\*!\d+ PARTITION BY .*?\*/;|\n PARTITION BY .*?;", b";")),
    Case("counter in the text", "counted", (rb"AUTO_INCREMENT=503", b"AUTO_INCREMENT=2")),
    Case("another definer in the text", "owned", (rb"`owner`@`%`", b"`reader`@`%`")),
    Case(
        "client command in the text",
        "mysql client",
        (rb"\nDROP TABLE IF EXISTS `events`", rb"\n\\! touch /tmp/x\nDROP TABLE IF EXISTS `events`"),
        alone=True,
    ),
)


def edited(backed: Backed, edits: Iterable[Edit]) -> Backed:
    """The backup whose archive has other text, and a manifest that believes it."""

    def edit(text: bytes) -> bytes:
        for pattern, by in edits:
            text, count = re.subn(pattern, by, text, count=1, flags=re.DOTALL)
            assert count, f"the dump has no {pattern!r}"
        return text

    return _believed(backed, edit)
