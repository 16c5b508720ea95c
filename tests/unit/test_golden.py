"""Manifest format 1 is frozen: what was written once is read for ever; what a later version writes is told apart."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from dbops import cli, manifests
from dbops.catalog import Catalog, State
from dbops.errors import Exit, NewerFormatError
from dbops.keys.keyring import Keyring
from dbops.model import MANIFEST_FORMAT, Manifest, Verdict
from dbops.ops.verify import verify, verify_selected
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.unit.samples import MOMENT

GOLDEN = Path(__file__).parents[1] / "golden"
ID = "20261124T024500Z"
TARGETS = ("custom", "directory", "parts", "sealed", "sql")
SCHEMA = Path(__file__).parents[2] / "docs" / "manifest.schema.json"


@pytest.fixture
def golden(tmp_path: Path) -> Catalog:
    shutil.copytree(GOLDEN / "store", tmp_path / "store")
    return Catalog(LocalStore(tmp_path / "store"), Keyring(environment={}))


@pytest.mark.parametrize("target", TARGETS)
def test_a_golden_backup_is_read_and_whole(golden: Catalog, target: str) -> None:
    manifest = golden.find(target, "latest")
    report = verify(None, golden, manifest, jobs=1, progress=Silent(), clock=lambda: MOMENT)
    assert report.verdict is Verdict.INCONCLUSIVE, "hashed and not decoded: there is no engine"
    assert report.findings == ()


@pytest.mark.parametrize("target", TARGETS)
def test_a_golden_manifest_means_what_it_meant(golden: Catalog, target: str) -> None:
    """Nothing of it is lost when it is read, and it keeps to the schema that is published."""
    text = (GOLDEN / "store" / target / ID / "manifest.json").read_text()
    manifest = golden.read(target, ID)
    assert json.loads(manifests.encode(manifest)) == json.loads(text)
    jsonschema.validate(json.loads(text), json.loads(SCHEMA.read_text()))


def test_the_fields_of_format_1_are_frozen() -> None:
    """A manifest with another field is refused by every version before: whoever adds one needs a format 2, written only
    where the field is used (docs/decisions/034-format-1.md)."""
    assert MANIFEST_FORMAT == 1

    def fields(kind: Any) -> set[str]:
        return {field.name for field in msgspec.structs.fields(kind)}

    written = json.loads((GOLDEN / "store" / "sealed" / ID / "manifest.json").read_text())
    assert fields(Manifest) == set(written)
    kinds = {field.name: field.type for field in msgspec.structs.fields(Manifest)}
    for name in ("engine", "tool", "method", "inventory", "migration", "freshness"):
        assert fields(kinds[name]) == set(written[name]), name
    for name in ("tables", "sequences", "extensions", "large_objects"):
        kind = next(field.type for field in msgspec.structs.fields(kinds["inventory"]) if field.name == name)
        value = written["inventory"][name]
        if isinstance(value, list):
            kind, value = kind.__args__[0], value[0] if value else None
        if value is not None:
            assert fields(kind) == set(value), name


def test_a_newer_format_is_refused_politely(golden: Catalog) -> None:
    """By its name, with what to do; it is no bad backup, and the others are not touched by it."""
    newer = "20301124T024500Z"
    golden.store.put(f"custom/{newer}/manifest.json", (GOLDEN / "newer" / "manifest.json").read_bytes())
    with pytest.raises(NewerFormatError) as raised:
        golden.find("custom", newer)
    assert (raised.value.kind, raised.value.exit_code) == ("newer-format", Exit.INCONCLUSIVE)
    assert "newer format" in raised.value.message
    assert "upgrade dbops" in raised.value.hint
    assert golden.latest("custom").id == ID
    listed = {item.id: item for item in golden.list("custom")}
    assert listed[newer].state is State.NEWER
    assert "newer format" in listed[newer].reason
    assert listed[ID].state is State.OK
    report = verify_selected(lambda _: None, golden, "custom", "all", jobs=1, progress=Silent(), clock=lambda: MOMENT)
    assert (report.verdict, report.findings) == (Verdict.INCONCLUSIVE, ())
    assert report.not_evaluated[0].id == "newer-format"
    assert report.not_evaluated[0].reason.startswith(f"{newer}: ")
    assert cli.code_of(report) is Exit.INCONCLUSIVE
