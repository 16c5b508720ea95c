"""Mutations of the store: files that were exchanged, cut, or are another backup's, with or without correct hashes."""

from __future__ import annotations

import secrets

from dbops.ops.fetch import archive_name
from tests.mutations.mutation import Stored
from tests.mutations.workshop import Workshop, believed
from tests.restoring import Backed, artifact
from tests.servers import Database


def _flipped(_: Workshop, backed: Backed) -> Backed:
    path = artifact(backed, archive_name(backed.manifest))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return backed


def _truncated(_: Workshop, backed: Backed) -> Backed:
    path = artifact(backed, archive_name(backed.manifest))
    path.write_bytes(path.read_bytes()[:-100])
    return believed(backed)


def _other(workshop: Workshop, backed: Backed) -> Backed:
    """Another database's dump, with correct hashes."""
    other = Database(workshop.cluster, f"other_{secrets.token_hex(3)}")
    workshop.cluster.create_database(other.name)
    try:
        other.psql("CREATE TABLE strangers (id int PRIMARY KEY); INSERT INTO strangers SELECT generate_series(1, 9)")
        workshop.replace_archive(backed, other)
    finally:
        workshop.cluster.drop_database(other.name)
    return believed(backed)


def _older(workshop: Workshop, backed: Backed) -> Backed:
    """The dump of an earlier moment under the newer backup's name: it lacks what came since."""
    with workshop.changed_copy("DELETE FROM invoices WHERE id > 1990") as earlier:
        workshop.replace_archive(backed, earlier)
    return believed(backed)


def _gone(_: Workshop, backed: Backed) -> Backed:
    artifact(backed, archive_name(backed.manifest)).unlink()
    return backed


STORED = (
    Stored("flipped bit", _flipped, "backup_"),
    Stored("truncated archive", _truncated, "restore"),
    Stored("another database's backup", _other, "public.customers"),
    Stored("older backup, newer name", _older, "public.invoices"),
    Stored("archive gone", _gone, "backup_"),
)
