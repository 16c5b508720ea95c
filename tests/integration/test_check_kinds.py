"""`check` of the demo's database is green in a server of every kind, and a mutated backup beside it turns it red."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from dbops import app, ops
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.ops.backup import backup
from dbops.progress import Silent
from dbops.sandbox.postgres.image import VARIABLE
from tests.checking import check
from tests.mutations.workshop import Workshop
from tests.restoring import Backed
from tests.sandboxes import IMAGES, KINDS, need_kind
from tests.servers import Cluster

MUTATION = """
UPDATE customers SET name = 'x' WHERE id = 7;
DROP VIEW customer_balance;
"""


@pytest.fixture(scope="module")
def store(pg_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backed]:
    """A store with two targets, both of the demo's database: `finance`, and `shop`, whose backup is not its source."""
    demo = files(ops).joinpath("demo.sql").read_text()
    workshop = Workshop(pg_server, Path(tmp_path_factory.mktemp("workshop")), demo)
    try:
        shop = workshop.mutated(MUTATION)
        target = Target(url=Secret(workshop.source.url), name="finance")
        backup(app.open_engine(target), shop.catalog, target, clock=app.now, progress=Silent())
        yield shop
    finally:
        workshop.close()


@pytest.mark.parametrize("kind", KINDS)
def test_good_is_green_and_mutated_is_red(
    kind: str, store: Backed, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    need_kind(kind, request)
    done = check(tmp_path, store, kind, **{VARIABLE: IMAGES})
    assert done.returncode == 3, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {(finding["id"], finding["subject"]) for finding in report["findings"]} == {
        ("archive-decodes-to-its-end", "shop"),
        ("content-is-equal", "shop"),
        ("table-is-equal", "shop: public.customers"),
        ("schema-objects-are-equal", "shop"),
    }
    said = {finding["id"]: finding["actual"] for finding in report["findings"]}
    assert "customer_balance" in said["schema-objects-are-equal"]
    good, _ = json.loads((tmp_path / "reports/report.json").read_text())["drills"]
    assert (good["target"], good["verdict"], good["evidence"]["sandbox"]["kind"]) == ("finance", "PASS", kind)
    passed = {
        case.get("name", "")
        for case in ET.parse(tmp_path / "reports/junit.xml").getroot().iter("testcase")
        if case.find("failure") is None and case.find("skipped") is None
    }
    assert {"test_content_is_equal[finance]", "test_table_is_equal[finance: public.ledger_entries]"} <= passed
