"""A small valid backup for tests that need no server."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from dbops.catalog import Catalog
from dbops.ids import backup_id
from dbops.manifests import inventory_digest
from dbops.model import (
    Artifact,
    EngineInfo,
    Freshness,
    Inventory,
    Manifest,
    Method,
    Migration,
    Table,
    ToolInfo,
)
from dbops.store.local import LocalStore

MOMENT = datetime(2026, 11, 24, 2, 45, tzinfo=UTC)


def a_manifest(target: str = "shop", moment: datetime = MOMENT, **changes: object) -> Manifest:
    """A manifest of one artifact (`backup_<id>.dump`, content `data`)."""
    backup = backup_id(moment)
    data = b"data"
    manifest = Manifest(
        format=1,
        id=backup,
        target=target,
        started_at=moment,
        snapshot_at=moment,
        finished_at=moment,
        dbops_version="0",
        engine=EngineInfo(
            name="postgres", server_version="15.1", server_id="1", database="shop", encoding="UTF8", collation="C"
        ),
        tool=ToolInfo(name="pg_dump", version="15.1", argv=("pg_dump",)),
        method=Method(format="custom", compression="gzip:1", jobs=1),
        artifacts=(Artifact(name=f"backup_{backup}.dump", bytes=len(data), sha256=hashlib.sha256(data).hexdigest()),),
        inventory=Inventory(basis="snapshot", level="counts", tables=(Table(schema="public", name="t", rows=3),)),
        migration=Migration(),
        freshness=Freshness(newest=moment),
    )
    changed = msgspec.structs.replace(manifest, **changes)
    inventory = msgspec.structs.replace(changed.inventory, digest=inventory_digest(changed.inventory))
    return msgspec.structs.replace(changed, inventory=inventory)


def a_catalog(folder: Path) -> Catalog:
    folder.mkdir(exist_ok=True)
    return Catalog(LocalStore(folder))


def keep(catalog: Catalog, manifest: Manifest) -> Manifest:
    """Puts the backup into the store."""
    for artifact in manifest.artifacts:
        catalog.store.put(catalog.key(manifest.target, manifest.id, artifact.name), b"data")
    catalog.publish(manifest)
    return manifest
