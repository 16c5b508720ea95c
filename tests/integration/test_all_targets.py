"""Several databases of one server, protected at once; hooks and metrics on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dbops.notify.metrics import read
from tests.servers import Cluster
from tests.unit.test_cli import dbops

NAMES = ("shop", "books")


@pytest.fixture(scope="module")
def place(pg_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder with a configuration of two good databases, and one that is not there."""
    folder = tmp_path_factory.mktemp("several")
    (folder / "metrics").mkdir()
    text = f'[store]\nurl = "{folder}/store"\n[notify]\nmetrics = "{folder}/metrics"\nmetrics_mode = "0644"\n'
    text += f'on_success = ["sh", "-c", "echo $DBOPS_TASK $DBOPS_TARGET >> {folder}/told"]\n'
    text += f'on_failure = ["sh", "-c", "echo failed: $DBOPS_TASK $DBOPS_TARGET >> {folder}/told"]\n'
    for name in (*NAMES, "missing"):
        text += f'[targets.{name}]\nurl = "{pg_server.url(f"several_{name}")}"\n'
        text += f"[targets.{name}.policy]\nkeep = {{ last = 1 }}\n"
        text += f'[targets.{name}.drill]\nsandbox = "local"\n'
    for name in NAMES:
        pg_server.create_database(f"several_{name}")
        pg_server.psql("create table t as select generate_series(1, 100) i", f"several_{name}")
    (folder / "dbops.toml").write_text(text)
    (folder / "dbops.toml").chmod(0o600)  # it holds a password: the checks look at that, too
    yield folder
    for name in NAMES:
        pg_server.drop_database(f"several_{name}")


def told(place: Path) -> set[str]:
    lines = set((place / "told").read_text().splitlines())
    (place / "told").unlink()
    return lines


def test_a_missing_database_does_not_stop_the_others(place: Path) -> None:
    done = dbops(place, "backup", "--all", "--jobs", "3", "--json")
    assert done.returncode == 4, done.stderr
    report = json.loads(done.stdout)
    codes = {one["target"]: one["exit_code"] for one in report["provenance"]["targets"]}
    assert codes == {"shop": 0, "books": 0, "missing": 4}
    assert told(place) == {"backup shop", "backup books", "failed: backup missing"}
    found = {name: value for (name, _), value in read(place / "metrics/dbops_backup_shop.prom").items()}
    assert found["dbops_backup_rows"] == 100
    assert found["dbops_last_run_success"] == 1
    text = (place / "dbops.toml").read_text()
    (place / "dbops.toml").write_text(text[: text.index("[targets.missing]")])
    assert dbops(place, "verify", "--all", "--jobs", "2").returncode == 0
    assert told(place) == {"verify shop", "verify books"}
    assert {path.name for path in (place / "metrics").iterdir()} >= {
        "dbops_verify_shop.prom",
        "dbops_verify_books.prom",
    }


def test_drills_and_checks_of_all_are_one_report(place: Path) -> None:
    drilled = dbops(place, "drill", "--all", "--jobs", "2", "--html", "d.html", "--json")
    assert drilled.returncode == 0, drilled.stderr
    assert [one["target"] for one in json.loads(drilled.stdout)["provenance"]["backups"]] == ["shop", "books"]
    assert all(name in (place / "d.html").read_text() for name in NAMES)
    assert told(place) == {"drill shop", "drill books"}
    figures = {name for name, _ in read(place / "metrics/dbops_drill_books.prom")}
    assert {"dbops_drill_rto_seconds", "dbops_drill_rpo_seconds", "dbops_verified"} <= figures
    checked = dbops(place, "check", "--all", "--jobs", "2", "--json")
    assert checked.returncode == 0, checked.stderr
    report = json.loads(checked.stdout)
    assert (report["verdict"], report["provenance"]["proved"]) == ("PASS", ["books", "shop"])
    written = json.loads((place / "reports/report.json").read_text())
    assert sorted(drill["target"] for drill in written["drills"]) == ["books", "shop"]
    suites = ElementTree.parse(place / "reports/junit.xml").getroot()
    assert int(suites.get("tests", 0)) == len(list(suites.iter("testcase"))) > report["provenance"]["checks_passed"] / 2
    assert len((place / "reports/history.jsonl").read_text().splitlines()) == 4, "two drills, and those of two checks"
    assert told(place) == {"check shop", "check books"}


def test_one_process_tells_each_target_too(place: Path) -> None:
    """Without --jobs, check and drill go over all targets in one process."""
    assert dbops(place, "check", "--json").returncode == 0
    assert told(place) == {"check shop", "check books"}
    assert dbops(place, "drill", "--all", "--json").returncode == 0
    assert told(place) == {"drill shop", "drill books"}


def test_prune_of_all(place: Path) -> None:
    assert dbops(place, "backup", "--all").returncode == 0
    assert dbops(place, "verify", "--all").returncode == 0
    done = dbops(place, "prune", "--all", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    kept = {
        one["target"]: [item["keep"] for item in one["items"]]
        for one in json.loads(done.stdout)["provenance"]["targets"]
    }
    assert set(kept) == set(NAMES)
    told(place)
