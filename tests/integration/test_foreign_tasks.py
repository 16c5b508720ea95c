"""`drill --archive`, targets with `archives`, and `check` of them: from the shell, with exit codes and reports."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.contract.s3_servers import CREDENTIALS, S3Server
from tests.foreign_dumps import dump, fill
from tests.restoring import until, way_in
from tests.servers import Cluster

pytest_plugins = ["tests.contract.s3_servers"]
ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; sys.argv[0] = 'dbops'; from dbops.cli import main; main()"
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("PYTEST_") and name not in ("DATABASE_URL", "DBOPS_STORE", "DBOPS_CONFIG")
}


@pytest.fixture(scope="module")
def source(pg_server: Cluster) -> Iterator[Cluster]:
    with Cluster(pg_server.installation) as cluster:
        fill(cluster)
        yield cluster


@pytest.fixture(scope="module")
def made(source: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dump(source, tmp_path_factory.mktemp("made") / "shop.sql")


def dbops(folder: Path, *arguments: str, **environment: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, "--json"],
        cwd=folder,
        env=CLEAN | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_one_command_and_no_configuration(made: Path, tmp_path: Path) -> None:
    code, report = dbops(tmp_path, "drill", "--archive", str(made), "--sandbox", "local", "--html", "report.html")
    assert (code, report["verdict"], report["task"]) == (0, "PASS", "drill")
    assert "content-equality" in {item["id"] for item in report["not_evaluated"]}
    assert "no inventory" in (tmp_path / "report.html").read_text()
    cut = tmp_path / "cut.sql"
    cut.write_bytes(made.read_bytes()[:-300])
    code, report = dbops(tmp_path, "drill", "--archive", "cut.sql", "--sandbox", "local")
    assert (code, report["verdict"], report["failure"]) == (3, "FAIL", "bad-backup")
    cut.write_text("-- MySQL dump 10.13  Distrib 8.0\n")  # and no line that ends it
    code, report = dbops(tmp_path, "drill", "--archive", "cut.sql", "--sandbox", "local")
    assert (code, report["verdict"], report["failure"]) == (3, "FAIL", "bad-backup")
    code, report = dbops(tmp_path, "drill", "--archive", "missing.sql", "--sandbox", "local")
    assert code in (2, 4)
    for refused in (["--identity", "nowhere"], ["--all"], ["--no-owner"], ["--sandbox", "nonsense"]):
        code, _ = dbops(tmp_path, "drill", "--archive", str(made), *refused)
        assert code == 2, refused


@pytest.mark.parametrize("configured", [False, True])
def test_the_copy_of_a_dump_can_be_kept(made: Path, tmp_path: Path, configured: bool) -> None:
    if configured:
        (tmp_path / "dbops.toml").write_text(f'[targets.shop]\narchives = "{made}"\n')
    which = ["--target", "shop"] if configured else ["--archive", str(made)]
    (tmp_path / "a folder").mkdir()
    code, report = dbops(tmp_path, "drill", *which, "--sandbox", "local", "--keep", TMPDIR=str(tmp_path / "a folder"))
    assert (code, report["verdict"]) == (0, "PASS")
    url, holder = way_in(report)
    try:
        with psycopg.connect(url.read_text().strip()) as connection:
            tables = "SELECT count(*) > 0 FROM pg_tables WHERE schemaname = 'public'"
            assert connection.execute(tables).fetchone() == (True,)
    finally:
        os.kill(holder, signal.SIGTERM)
    until(lambda: not url.exists())


def test_a_target_with_archives_is_drilled_and_checked(made: Path, tmp_path: Path) -> None:
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    shutil.copy(made, dumps / "shop-2026-11-23.sql")
    config = '[targets.shop]\narchives = "dumps/*.sql"\n[targets.shop.policy]\nrpo = "24h"\nrto = "1h"\n'
    (tmp_path / "dbops.toml").write_text(config)
    code, report = dbops(tmp_path, "drill", "--target", "shop", "--sandbox", "local")
    assert (code, report["provenance"]["backup"]) == (0, "shop-2026-11-23.sql")

    # A night later: the dump is whole, and nearly empty.
    text = made.read_bytes()
    start = text.index(b"FROM stdin;\n", text.index(b"COPY public.invoices")) + 12
    small = text[:start] + text[text.index(b"\\.\n", start) :]
    (dumps / "shop-2026-11-24.sql").write_bytes(small)
    code, report = dbops(tmp_path, "drill", "--target", "shop", "--sandbox", "local")
    assert (code, report["provenance"]["backup"]) == (0, "shop-2026-11-24.sql")
    assert "rows-dropped" in {item["id"] for item in report["findings"]}

    code, report = dbops(tmp_path, "check", "--sandbox", "local")
    assert (code, report["verdict"]) == (0, "PASS"), report
    passed = {item["id"] for item in report["not_evaluated"]}
    assert {"content-is-equal", "row-counts-are-equal", "schema-objects-are-equal"} <= passed
    assert "newest-backup-is-within-the-rpo" not in passed

    old = 1_700_000_000
    os.utime(dumps / "shop-2026-11-24.sql", (old, old))
    code, report = dbops(tmp_path, "check", "--sandbox", "local")
    assert (code, report["failure"]) == (3, "over-target")
    assert [item["id"] for item in report["findings"]] == ["newest-backup-is-within-the-rpo"]

    (dumps / "shop-2026-11-25.sql").write_bytes(text[:-300])
    code, report = dbops(tmp_path, "check", "--sandbox", "local")
    assert (code, report["failure"]) == (3, "bad-backup")
    assert "backup-restores-clean" in {item["id"] for item in report["findings"]}

    shutil.rmtree(dumps)
    code, _ = dbops(tmp_path, "drill", "--target", "shop", "--sandbox", "local")
    assert code == 5
    code, _ = dbops(tmp_path, "check", "--sandbox", "local")
    assert code == 5


def test_dumps_in_a_bucket(source: Cluster, made: Path, seaweedfs: S3Server, tmp_path: Path) -> None:
    bucket = seaweedfs.bucket()
    client = seaweedfs.client()
    folder = dump(source, tmp_path / "directory", "--format=directory")
    for path in folder.iterdir():
        client.upload_file(str(path), bucket, f"nightly/a/{path.name}")
    client.upload_file(str(made), bucket, "nightly/b.sql")
    environment = CREDENTIALS | {"AWS_ENDPOINT_URL": seaweedfs.endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    code, report = dbops(
        tmp_path, "drill", "--archive", f"s3://{bucket}/nightly/a", "--sandbox", "local", **environment
    )
    assert (code, report["provenance"]["archive_format"]) == (0, "directory"), report
    code, report = dbops(
        tmp_path, "drill", "--archive", f"s3://{bucket}/nightly/b.sql", "--sandbox", "local", **environment
    )
    assert (code, report["provenance"]["archive_format"]) == (0, "plain")
    assert report["provenance"]["newest_row_by"] == "the object was last written"
    code, _ = dbops(tmp_path, "drill", "--archive", f"s3://{bucket}/nightly/c", "--sandbox", "local", **environment)
    assert code == 4
    config = f'[store]\nurl = "s3://{bucket}/dbops"\nendpoint_url = "{seaweedfs.endpoint}"\nregion = "us-east-1"\n'
    (tmp_path / "dbops.toml").write_text(f'{config}[targets.shop]\narchives = "s3://{bucket}/nightly/"\n')
    code, report = dbops(tmp_path, "drill", "--target", "shop", "--sandbox", "local", **CREDENTIALS)
    assert code == 0
    assert report["provenance"]["archive"] == f"s3://{bucket}/nightly/b.sql"
