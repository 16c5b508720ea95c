"""A backup of MySQL and MariaDB into a bucket that fails under it (B03, B17, B18). What the store does by itself is
tested without a database (`test_s3_faults`, `test_s3_sloppy`): here, what a dump makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from dbops.errors import DbopsError, StoreError
from dbops.model import Manifest
from dbops.store.s3 import S3Store
from tests.contract.backends import PART, keys
from tests.contract.cut_proxy import CutProxy
from tests.contract.raw_s3 import raw_s3
from tests.fault import mysql
from tests.fault.buckets import Later, Unlisted
from tests.fault.support import At, only, run, until, verified
from tests.mysql_servers import MysqlServer, installation, servers

if TYPE_CHECKING:
    from tests.contract.s3_servers import S3Server

pytest_plugins = ["tests.contract.s3_servers"]
pytestmark = pytest.mark.usefixtures("s3_credentials")
BIG = 120_000
"""Rows: a dump of several parts of an upload."""


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        mysql.fill(running, "bank", BIG)
        mysql.fill(running, "little", 100)
        yield running


@pytest.fixture
def direct(seaweedfs: S3Server) -> S3Store:
    return seaweedfs.store()


@pytest.fixture
def older(server: MysqlServer, direct: S3Store) -> Manifest:
    return run(mysql.target(server, "little", inventory="counts"), direct)


@pytest.mark.parametrize("jobs", [1, 2])
def test_b18_parts_are_put_together_and_whole(server: MysqlServer, direct: S3Store, jobs: int) -> None:
    """Several parts, and nothing of an upload is left; what is read back restores."""
    made = run(mysql.target(server, "bank", jobs=jobs, compression="none"), direct)
    assert max(artifact.bytes for artifact in made.artifacts) > 2 * PART
    only(direct, made)
    verified(direct)


def test_b18_connections_drop_midway(
    server: MysqlServer, direct: S3Store, older: Manifest, seaweedfs: S3Server
) -> None:
    with CutProxy(seaweedfs.endpoint) as proxy:
        options: dict[str, Any] = {"region": "us-east-1", "part_bytes": PART, "max_attempts": 2}
        store = S3Store(direct.bucket, direct.prefix, endpoint_url=proxy.endpoint, **options)
        proxy.up = 2 << 20
        with pytest.raises(StoreError) as caught:
            run(mysql.target(server, "bank", jobs=2), store)
        assert proxy.cuts
        assert caught.value.exit_code == 4
        proxy.up = None
    only(direct, older)
    verified(direct)
    mysql.no_sessions(server)
    until(lambda: not mysql.dump_programs(), "the dump programs end")


@pytest.mark.parametrize("jobs", [1, 2])
def test_b18_an_upload_is_aborted_when_the_dump_fails(
    server: MysqlServer, direct: S3Store, older: Manifest, jobs: int
) -> None:
    """Its parts cost money for as long as nobody aborts it, and no listing of objects shows them."""
    seen: list[object] = []

    def end_dumps() -> None:
        seen.extend(until(lambda: list(direct.unfinished()), "parts are on their way"))
        dumping = "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT /*!40001 SQL_NO_CACHE%'"
        for (number,) in server.execute(dumping):
            server.execute(f"KILL {number}")

    progress = Later(end_dumps)
    with pytest.raises(DbopsError) as caught:
        run(mysql.target(server, "bank", jobs=jobs, inventory="counts", compression="none"), direct, progress)
    assert seen
    assert caught.value.exit_code == 4
    only(direct, older)  # no unfinished upload either
    verified(direct)


def test_b17_a_service_that_keeps_framing_inside_objects(server: MysqlServer) -> None:
    """As of trailing checksums: read back before the manifest, so that nothing is listed."""
    with raw_s3() as (service, _):
        store = S3Store("b", "p", endpoint_url=service.endpoint, region="us-east-1", part_bytes=PART)

        def begin() -> None:
            service.frames = True

        for jobs in (1, 2):
            service.frames = False
            # From the dump on: what the probe and an empty listing meet is not the fault that this is about.
            with pytest.raises(DbopsError) as caught:
                run(mysql.target(server, "little", jobs=jobs), Unlisted(store), At("phase dump", begin))
            assert caught.value.kind == "read-back", str(caught.value)
            assert "when_required" in caught.value.hint
            assert not any("manifest" in name for name in service.objects)
            assert not [name for name in service.objects if name.startswith("/b/p/shop/")]


def test_b17_a_service_without_checksums_keeps_what_was_sent(server: MysqlServer, rclone: S3Server) -> None:
    store = rclone.store(checksums="when_required")
    made = run(mysql.target(server, "little", jobs=2), store)
    assert f"shop/{made.id}/manifest.json" in keys(store)
    verified(store)
