"""The published schema is the one of the code, and real manifests keep to it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from dbops import app, manifests
from dbops.catalog import Catalog
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.model import Manifest
from dbops.ops.backup import backup
from dbops.progress import Silent
from dbops.store.local import LocalStore
from tests.servers import Database

PUBLISHED = Path(__file__).parents[2] / "docs" / "manifest.schema.json"


def test_published_schema_is_that_of_the_code() -> None:
    regenerate = "python -c 'import json; from dbops.manifests import schema; print(json.dumps(schema(), indent=2))'"
    current = json.loads(json.dumps(manifests.schema()))
    assert json.loads(PUBLISHED.read_text()) == current, f"write it anew: {regenerate} > {PUBLISHED}"


@pytest.mark.parametrize("jobs", [1, 2])
def test_real_manifest_keeps_to_the_schema(database: Database, tmp_path: Path, jobs: int) -> None:
    database.psql("CREATE TABLE t (i int, s serial); INSERT INTO t SELECT 1 FROM generate_series(1, 10)")
    target = Target(url=Secret(database.url), name="shop", jobs=jobs)
    result = backup(app.open_engine(target), Catalog(LocalStore(tmp_path)), target, clock=app.now, progress=Silent())
    assert isinstance(result, Manifest)
    written = json.loads((tmp_path / "shop" / result.id / "manifest.json").read_text())
    jsonschema.validate(written, json.loads(PUBLISHED.read_text()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written | {"format": "one"}, json.loads(PUBLISHED.read_text()))
