"""A backup into a bucket that fails under it (B03, B17, B18)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import EncryptionConfig
from dbops.errors import DbopsError, StoreError
from dbops.keys.keyring import Keyring
from dbops.model import Manifest, Verdict
from dbops.ops.verify import verify
from dbops.progress import Silent
from dbops.store.s3 import S3Store
from tests.contract.backends import PART, keys
from tests.contract.cut_proxy import CutProxy
from tests.contract.raw_s3 import raw_s3
from tests.fault.buckets import Later, Unlisted
from tests.fault.support import (
    DUMPING,
    At,
    copying,
    fill,
    half_read,
    no_sessions,
    only,
    programs,
    run,
    target,
    until,
    verified,
)
from tests.keys import new_identity
from tests.servers import Cluster, Database

if TYPE_CHECKING:
    from tests.contract.s3_servers import S3Server

pytest_plugins = ["tests.contract.s3_servers"]
pytestmark = pytest.mark.usefixtures("s3_credentials")

both_jobs = pytest.mark.parametrize("jobs", [1, 2])


@pytest.fixture(scope="module")
def shop(pg_server: Cluster) -> Iterator[Database]:
    pg_server.create_database("bucket")
    database = Database(pg_server, "bucket")
    fill(database)
    yield database
    pg_server.drop_database("bucket")


@pytest.fixture
def proxy(seaweedfs: S3Server) -> Iterator[CutProxy]:
    with CutProxy(seaweedfs.endpoint) as proxy:
        yield proxy


@pytest.fixture
def direct(seaweedfs: S3Server) -> S3Store:
    return seaweedfs.store()


@pytest.fixture
def store(direct: S3Store, proxy: CutProxy) -> S3Store:
    options: dict[str, Any] = {"region": "us-east-1", "part_bytes": PART, "max_attempts": 2}
    return S3Store(direct.bucket, direct.prefix, endpoint_url=proxy.endpoint, **options)


@pytest.fixture
def older(shop: Database, direct: S3Store) -> Manifest:
    return run(target(shop.url, inventory="counts"), direct)


@both_jobs
def test_a_backup_in_a_bucket(shop: Database, direct: S3Store, jobs: int) -> None:
    made = run(target(shop.url, jobs=jobs), direct)
    only(direct, made)
    verified(direct)


def test_an_encrypted_backup_in_a_bucket(shop: Database, direct: S3Store, tmp_path: Path) -> None:
    """It is encrypted before the network sees it, and what the bucket has is what the manifest says."""
    identity, recipient = new_identity(tmp_path)
    encryption = EncryptionConfig(recipients=(recipient,))
    made = run(target(shop.url, compression="none", encryption=encryption), direct)
    only(direct, made)
    for key in keys(direct):
        name = key.rpartition("/")[2]
        data = b"".join(direct.read(key))
        assert data.startswith(b"age-encryption.org/v1\n") is name.endswith(".age")
        assert name.endswith(".age") or name in ("RESTORE.md", "SHA256SUMS", "manifest.json")
    engine, catalog = app.archive_engine("postgres"), Catalog(direct, Keyring(identity=identity, environment={}))
    report = verify(engine, catalog, made, jobs=2, progress=Silent(), clock=app.now)
    assert report.verdict is Verdict.PASS, report


@both_jobs
def test_connections_drop_midway(
    shop: Database, direct: S3Store, store: S3Store, proxy: CutProxy, older: Manifest, jobs: int
) -> None:
    proxy.up = 2 << 20
    with pytest.raises(StoreError) as caught:
        run(target(shop.url, jobs=jobs), store)
    assert proxy.cuts
    assert caught.value.exit_code == 4
    proxy.up = None
    only(direct, older)
    verified(direct)
    no_sessions(shop)
    assert not programs("pg_dump", "pg_restore", "psql")


@both_jobs
def test_the_service_goes_away_for_good(
    shop: Database, direct: S3Store, store: S3Store, proxy: CutProxy, older: Manifest, jobs: int
) -> None:
    """Nothing can be removed any more: what stays has no manifest, so it is debris and no backup."""

    def die() -> None:
        proxy.dead = True

    with pytest.raises(StoreError) as caught:
        run(target(shop.url, jobs=jobs), store, At("item public.big", die, thread=DUMPING))
    assert caught.value.exit_code == 4
    assert [key for key in keys(direct) if key.endswith("manifest.json")] == [f"shop/{older.id}/manifest.json"]
    verified(direct)
    no_sessions(shop)


def test_the_service_goes_away_before_the_manifest(
    shop: Database, direct: S3Store, store: S3Store, proxy: CutProxy, older: Manifest
) -> None:
    def die() -> None:
        proxy.dead = True

    with pytest.raises(StoreError):
        run(target(shop.url), store, At("phase publish", die))
    assert [key for key in keys(direct) if key.endswith("manifest.json")] == [f"shop/{older.id}/manifest.json"]


@both_jobs
def test_an_upload_is_aborted_when_the_dump_fails(shop: Database, direct: S3Store, older: Manifest, jobs: int) -> None:
    with half_read(shop) as (url, go):

        def terminate() -> None:
            pids = until(lambda: copying(shop), "pg_dump reads the big table")
            until(lambda: jobs > 1 or list(direct.unfinished()), "parts are on their way")
            with shop.connect() as connection:
                for pid in pids:
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])
            go.set()

        # A stream waits in `advance`, so that the dump cannot end before its session is terminated.
        progress = Later(terminate) if jobs == 1 else At("item public.big", terminate, thread=DUMPING)
        with pytest.raises(DbopsError) as caught:
            run(target(shop.url if jobs == 1 else url, jobs=jobs, inventory="counts"), direct, progress)
    assert progress.done
    assert "terminat" in str(caught.value)
    only(direct, older)  # no unfinished upload either
    verified(direct)


@both_jobs
def test_a_service_that_keeps_framing_inside_objects(shop: Database, jobs: int) -> None:
    """Read back before the manifest: nothing is listed."""
    with raw_s3() as (server, _):
        store = S3Store("b", "p", endpoint_url=server.endpoint, region="us-east-1", part_bytes=PART)

        def begin() -> None:
            server.frames = True

        # From the dump on: what the probe and an empty listing meet is not the fault that this is about.
        with pytest.raises(DbopsError) as caught:
            run(target(shop.url, jobs=jobs), Unlisted(store), At("phase dump", begin))
        assert caught.value.kind == "read-back", str(caught.value)
        assert "when_required" in caught.value.hint
        assert not any("manifest" in name for name in server.objects)
        assert not [name for name in server.objects if name.startswith("/b/p/shop/")]
