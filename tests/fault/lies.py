"""What tests of stores that lie share: a backup's place, its verification, and a forger's manifest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from dbops import app
from dbops.catalog import Catalog
from dbops.model import Manifest, Report
from dbops.ops.verify import verify
from dbops.progress import Silent

Place = tuple[Catalog, Manifest, Path]
"""A catalog, a manifest in it, and the folder of that backup."""


def run(catalog: Catalog, manifest: Manifest, *, decode: bool = True) -> Report:
    engine = app.archive_engine(manifest.engine.name) if decode else None
    return verify(engine, catalog, manifest, jobs=2, progress=Silent(), clock=app.now)


def ids(report: Report) -> set[str]:
    return {finding.id for finding in report.findings}


def archive(manifest: Manifest, folder: Path) -> Path:
    """The largest file of the archive."""
    names = [item.name for item in manifest.artifacts if item.name.startswith("backup_")]
    return max((folder / name for name in names), key=lambda path: path.stat().st_size)


def rehashed(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest as a forger would make it agree with changed files."""
    artifacts = tuple(
        msgspec.structs.replace(
            item,
            bytes=(folder / item.name).stat().st_size,
            sha256=hashlib.sha256((folder / item.name).read_bytes()).hexdigest(),
        )
        for item in manifest.artifacts
    )
    return msgspec.structs.replace(manifest, artifacts=artifacts)


def flip(path: Path) -> None:
    """One bit of a byte in the middle of a file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
