"""The client programs do not fit the server (B06)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbops.engine.postgres import tools
from dbops.errors import DbopsError, PreflightError
from tests.fault.support import At, fill, only, run, target, verified
from tests.installations import Installation, find_installations
from tests.needs import need
from tests.servers import Cluster, Database


def of_major(major: int) -> Installation:
    found = {installation.major: installation for installation in find_installations()}
    return found.get(major) or need(f"no PostgreSQL {major} on this machine")


@pytest.mark.parametrize("major", [17, 18])
def test_a_client_older_than_the_server(
    pg_servers: Callable[[Installation], Cluster], tmp_path: Path, major: int
) -> None:
    cluster = pg_servers(of_major(major))
    progress = At("phase dump", lambda: None)
    with pytest.raises(PreflightError) as caught:
        run(target(cluster.url(), bindir=of_major(15).bindir), tmp_path, progress)
    assert not progress.done
    assert caught.value.kind == "tool-too-old"
    assert caught.value.exit_code == 4
    assert f"PostgreSQL {major}" in caught.value.message
    assert "15." in caught.value.message
    assert f"postgresql-client-{major}" in caught.value.hint
    only(tmp_path)


@pytest.mark.parametrize(("client", "level"), [(17, "content"), (18, "archive")])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_newer_client_is_used_when_there_is_no_other(
    pg_server: Cluster, database: Database, tmp_path: Path, client: int, jobs: int, level: str
) -> None:
    if pg_server.major >= client:
        pytest.skip("the client is no newer")
    fill(database, 100)
    made = run(target(database.url, bindir=of_major(client).bindir, jobs=jobs, inventory=level), tmp_path)
    assert made.tool.version.startswith(f"{client}.")
    assert made.inventory.basis == "snapshot"
    assert made.rows == 600
    same = run(target(database.url, jobs=jobs), tmp_path)
    assert same.inventory.tables == made.inventory.tables, "the client's version changes no digest"
    only(tmp_path, made, same)
    verified(tmp_path, made.id)


def test_the_same_major_is_preferred(pg_server: Cluster, database: Database, tmp_path: Path) -> None:
    assert run(target(database.url), tmp_path).tool.version.startswith(f"{pg_server.major}.")


def test_a_bindir_without_pg_dump(database: Database, tmp_path: Path) -> None:
    with pytest.raises(PreflightError) as caught:
        run(target(database.url, bindir=tmp_path), tmp_path / "store")
    assert caught.value.kind == "tool-missing"
    assert str(tmp_path) in caught.value.message


def test_a_wrapper_that_lies_about_its_version(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump says no by itself: whatever was believed of it, its status counts, and no empty file is a backup."""
    bindir = tmp_path / "bin"
    bindir.mkdir()
    real = of_major(15).bindir
    for name in ("pg_dump", "pg_restore", "psql"):
        script = bindir / name
        fails = 'echo "pg_dump: error: aborting because of server version mismatch" >&2; exit 1'
        body = fails if name == "pg_dump" else f'exec {real / name} "$@"'
        script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{name} (PostgreSQL) 99.0" && exit 0\n{body}\n')
        script.chmod(0o755)
    tools._probe.cache_clear()
    for jobs in (1, 2):
        with pytest.raises(DbopsError, match="server version mismatch"):
            run(target(database.url, bindir=bindir, jobs=jobs), tmp_path / "store")
        only(tmp_path / "store")
