"""What tests of probes share: a manifest of a database as it stands, and the closer look at it."""

from __future__ import annotations

import msgspec

from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.examine import examine
from dbops.engine.postgres.moment import open_snapshot
from dbops.engine.postgres.tools import for_server, installations
from dbops.engine.restoring import Probed
from dbops.model import Finding, Inventory, Manifest, Sequence, Severity
from dbops.progress import Silent
from tests.servers import Database
from tests.unit.samples import a_manifest


def manifest_of(database: Database) -> Manifest:
    """What a backup of the database would say of it now, as far as the probes look at that."""
    access = Access(database.url)
    with open_snapshot(
        access, for_server(database.cluster.major, installations()), lock_timeout=30.0, give_way=None
    ) as snapshot:
        sequences = tuple(
            Sequence(schema=s, name=n, value=v, called=c, value_after=v, called_after=c)
            for (s, n), (v, c) in snapshot.sequences().items()
        )
        inventory = Inventory(
            basis="snapshot", level="counts", tables=(), sequences=sequences, objects=snapshot.objects()
        )
        findings = tuple(snapshot.warnings())
    manifest = a_manifest(inventory=inventory, findings=findings)
    engine = msgspec.structs.replace(manifest.engine, server_version=f"{database.cluster.major}.1", role="postgres")
    return msgspec.structs.replace(manifest, engine=engine)


def examined(database: Database, manifest: Manifest | None = None, jobs: int = 2) -> Probed:
    """`examine` of a database as if it were a copy; the manifest is that of an empty source unless given."""
    return examine(Access(database.url), manifest or a_manifest(), jobs, Silent())


def told(probed: Probed, severity: Severity = Severity.ERROR) -> list[Finding]:
    return [finding for finding in probed.findings if finding.severity is severity]


def tried(probed: Probed, kind: str) -> int:
    return sum(probe.tried for probe in probed.probes if probe.id == kind)
