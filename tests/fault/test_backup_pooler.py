"""Through PgBouncer, as the DATABASE_URL of many applications leads: refused, in each of its modes, and said why."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.config import Target
from dbops.errors import DatabaseError
from tests.fault.support import run, target, until
from tests.machine import free_port, release, server_user, short_folder
from tests.needs import need
from tests.servers import Database


@pytest.fixture(params=["session", "transaction", "statement"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["", "options"], ids=["strict", "lenient"])
def pooled(request: pytest.FixtureRequest, mode: str, database: Database) -> Iterator[Target]:
    """By way of a PgBouncer. `lenient`: it takes settings and hands none of them on, which is what applications that
    send some are told to configure."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin") or need("no pgbouncer")
    folder, port, cluster = short_folder("dbops-pool-"), free_port(), database.cluster
    lines = f"""
[databases]
* = host=127.0.0.1 port={cluster.port} user=postgres password={cluster.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = {request.param}
"""
    (folder / "pgbouncer.ini").write_text(lines)
    server_user().takes(folder)
    server_user().takes(folder / "pgbouncer.ini")
    user = server_user().uid if server_user().switch else None
    process = subprocess.Popen([program, "-q", str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL, user=user)
    try:
        until(lambda: _listens(port), "pgbouncer listens")
        yield target(f"postgresql://postgres@127.0.0.1:{port}/{database.name}")
    finally:
        process.kill()
        process.wait()
        release(folder)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_pooler_is_refused_by_name(pooled: Target, database: Database, tmp_path: Path) -> None:
    """A transaction pooler would give each statement another session: no snapshot, and locks that nobody lets go."""
    with pytest.raises(DatabaseError) as caught:
        run(pooled, tmp_path)
    assert "PgBouncer" in caught.value.hint
    assert "the server itself" in caught.value.hint
