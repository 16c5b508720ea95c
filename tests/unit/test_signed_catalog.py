"""Signed backups in a store: what was edited, moved, exchanged or taken away is not used, and why is said."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dbops.catalog import SIGNATURE, Catalog, State
from dbops.config import SigningConfig, Target
from dbops.errors import BadBackupError, NothingToCheckError
from dbops.keys.keyring import Keyring
from dbops.model import Manifest, Report, Verdict
from dbops.ops.verify import verify
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.keys import new_ssh_key
from tests.restoring import DBOPS, ROOT
from tests.unit.samples import MOMENT, a_manifest, keep

HOUR = 3600


class Vault:
    """A store with one signed backup."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "store"
        self.private, self.public = new_ssh_key(folder, name="signing")
        self.foreign, self.foreign_public = new_ssh_key(folder, name="foreign")
        self.manifest = keep(self.catalog(key_file=self.private), a_manifest())

    def catalog(self, **signing: Any) -> Catalog:
        target = Target(name="shop", signing=SigningConfig(**signing)) if signing else Target(name="shop")
        return Catalog(LocalStore(self.folder), Keyring({"shop": target}, environment={}))

    def strict(self) -> Catalog:
        """Whoever trusts the key, and has none."""
        return self.catalog(public_keys=(self.public,))

    def path(self, name: str) -> Path:
        return self.folder / "shop" / self.manifest.id / name

    def record(self, catalog: Catalog, second: int) -> str:
        at = MOMENT.replace(minute=50, second=second)
        catalog.records.add(self.manifest, Report(task="drill", target="shop", verdict=Verdict.PASS), at)
        return f"drills/{at:%Y%m%dT%H%M%SZ}.json"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def refused(catalog: Catalog, manifest: Manifest) -> str:
    """Everywhere: by its id, as the latest, in the list."""
    with pytest.raises(BadBackupError) as raised:
        catalog.find("shop", manifest.id)
    with pytest.raises(NothingToCheckError):
        catalog.latest("shop")
    (item,) = catalog.list("shop")
    assert (item.state, item.reason) == (State.BROKEN, raised.value.message)
    return raised.value.kind


def test_what_was_signed_is_used(vault: Vault) -> None:
    for catalog in (vault.strict(), vault.catalog()):
        assert catalog.latest("shop") == vault.manifest
    assert not list(vault.strict().records.chain_problems("shop", vault.manifest.id))


def test_an_edited_manifest_is_refused(vault: Vault) -> None:
    """Also by whoever trusts no key, as long as the signature lies there."""
    path = vault.path("manifest.json")
    path.write_text(path.read_text().replace('"database": "shop"', '"database": "shap"'))
    assert refused(vault.strict(), vault.manifest) == "bad-signature"
    assert refused(vault.catalog(), vault.manifest) == "bad-signature"


def test_a_signature_that_is_gone_or_of_somebody_else(vault: Vault) -> None:
    signature = vault.path(SIGNATURE)
    good = signature.read_bytes()
    signature.unlink()
    assert refused(vault.strict(), vault.manifest) == "unsigned"
    assert vault.catalog().latest("shop") == vault.manifest, "nobody asked for signatures"
    vault.catalog(key_file=vault.foreign).publish(vault.manifest)
    assert refused(vault.strict(), vault.manifest) == "bad-signature"
    signature.write_bytes(good.replace(b"shop/", b"shap/"))
    assert refused(vault.strict(), vault.manifest) == "bad-signature"
    signature.write_bytes(good)
    assert vault.strict().latest("shop") == vault.manifest


def test_a_signed_manifest_in_another_place(vault: Vault) -> None:
    other = vault.path("").parent / "20261124T034500Z"
    vault.path("").rename(other)
    with pytest.raises(BadBackupError, match="moved"):
        vault.strict().find("shop", other.name)


def test_records_are_a_chain(vault: Vault) -> None:
    signing, strict, backup = vault.catalog(key_file=vault.private), vault.strict(), vault.manifest.id
    names = [vault.record(signing, second) for second in (1, 2, 3)]
    assert not list(strict.records.chain_problems("shop", backup))
    assert len(strict.records.of("shop", backup)) == 3
    # One is taken out of the middle: whoever comes after it names one that is not there.
    middle = vault.path(names[1]), vault.path(f"{names[1]}.sig")
    kept = [path.read_bytes() for path in middle]
    for path in middle:
        path.unlink()
    assert [problem.partition(": ")[2] for _, problem in strict.records.chain_problems("shop", backup)] == [
        "the record before it is gone"
    ]
    for path, data in zip(middle, kept, strict=True):
        path.write_bytes(data)
    # One is edited: from FAIL to PASS, say. It proves nothing any more.
    middle[0].write_bytes(kept[0].replace(b"PASS", b"FAIL"))
    assert ["edited" in problem for _, problem in strict.records.chain_problems("shop", backup)] == [True]
    assert len(strict.records.of("shop", backup)) == 2
    middle[0].write_bytes(kept[0])
    # One is by somebody who cannot sign.
    vault.record(vault.catalog(), 4)
    assert [problem.partition(": ")[2] for _, problem in strict.records.chain_problems("shop", backup)] == [
        "it is not signed"
    ]
    assert len(strict.records.of("shop", backup)) == 3
    report = verify(None, strict, vault.manifest, jobs=1, progress=Silent(), clock=lambda: MOMENT)
    assert report.verdict is Verdict.FAIL
    assert "record-signature" in {finding.id for finding in report.findings}


def run(vault: Vault, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBOPS_", "DATABASE_", "PG"))}
    return subprocess.run(
        [*DBOPS, *arguments, "--store", str(vault.folder)],
        cwd=vault.folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_on_the_command_line(vault: Vault) -> None:
    asked = ("verify", "--require-signature", "--backup", vault.manifest.id)
    done = run(vault, *asked)
    assert (done.returncode, "DBOPS_PUBLIC_KEY" in done.stderr) == (2, True)
    done = run(vault, *asked, DBOPS_PUBLIC_KEY=vault.foreign_public)
    assert (done.returncode, "not trusted" in done.stderr) == (3, True)
    done = run(vault, *asked, DBOPS_PUBLIC_KEY=vault.public)
    assert done.returncode == 3  # its artifact is no archive, and its hash is right
    assert "not trusted" not in done.stderr
    path = vault.path("manifest.json")
    path.write_text(path.read_text().replace('"server_id": "1"', '"server_id": "2"'))
    restore = ("restore", "--into", "postgresql://nobody@127.0.0.1:1/copy", "--yes", "--backup", vault.manifest.id)
    done = run(vault, *restore)
    assert (done.returncode, "edited after it was signed" in done.stderr) == (3, True)
