"""Threads read manifests and records first thing in a process: what crashes here ends `backups`, `verify`, `prune`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dbops.model import Report, Verdict
from tests.unit.samples import MOMENT, a_catalog, a_manifest, keep

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
sys.setswitchinterval(1e-6)
from dbops.catalog import Catalog
from dbops.store.local import LocalStore
catalog = Catalog(LocalStore(Path(sys.argv[1])))
[name] = [entry.key.split("/")[1] for entry in catalog.store.list() if entry.key.endswith("/manifest.json")]
work = {
    "manifests": lambda _: catalog.read("shop", name).id,
    "records": lambda _: len(catalog.records.of("shop", name)),
}[sys.argv[2]]
with ThreadPoolExecutor(8) as pool:
    assert len(set(pool.map(work, range(64)))) == 1
"""


@pytest.mark.parametrize("what", ["manifests", "records"])
def test_the_first_decoding_may_come_from_many_threads(tmp_path: Path, what: str) -> None:
    """Eight tries: without decoders made beforehand every other one is a segmentation fault."""
    catalog = a_catalog(tmp_path / "store")
    manifest = keep(catalog, a_manifest())
    catalog.records.add(manifest, Report(task="verify", target="shop", verdict=Verdict.PASS), MOMENT)
    for _ in range(8):
        argv = [sys.executable, "-c", PROGRAM, str(tmp_path / "store"), what]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
