"""A bucket under fault: dropped connections, wrong credentials, full and missing buckets (B03, B18)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dbops.errors import StoreError, StoreFullError
from dbops.store.readback import read_back
from dbops.store.s3 import S3Store, download, parts
from dbops.store.s3.errors import translated
from tests.contract.backends import PART, content, get, keys, pour
from tests.contract.cut_proxy import CutProxy
from tests.machine import free_port

if TYPE_CHECKING:
    from tests.contract.s3_servers import S3Server

pytest_plugins = ["tests.contract.s3_servers"]
pytestmark = pytest.mark.usefixtures("s3_credentials")

MIB = 1 << 20


@pytest.fixture
def proxy(seaweedfs: S3Server) -> Iterator[CutProxy]:
    with CutProxy(seaweedfs.endpoint) as proxy:
        yield proxy


@pytest.fixture
def direct(seaweedfs: S3Server) -> S3Store:
    """The bucket without the proxy between: what is really in it."""
    store = seaweedfs.store()
    store.put("t/old", b"old")
    return store


@pytest.fixture
def store(direct: S3Store, proxy: CutProxy) -> S3Store:
    """The bucket, through the proxy."""
    return _through(direct, proxy.endpoint)


def _through(direct: S3Store, endpoint: str, **options: Any) -> S3Store:
    options = {"region": "us-east-1", "part_bytes": PART, "max_attempts": 2, **options}
    return S3Store(direct.bucket, direct.prefix, endpoint_url=endpoint, **options)


# -- writing ---------------------------------------------------------------------------------------------------------


def test_a_connection_that_drops_once_is_made_up_for(store: S3Store, direct: S3Store, proxy: CutProxy) -> None:
    proxy.up, proxy.times = 2 * MIB, 1
    data = content(3 * PART)
    stored = pour(store, "t/k", data)
    assert proxy.cuts == 1
    read_back(direct, stored)
    assert not list(direct.unfinished())


def test_connections_that_always_drop(store: S3Store, direct: S3Store, proxy: CutProxy) -> None:
    proxy.up = 2 * MIB
    with pytest.raises(StoreError) as caught:
        pour(store, "t/k", content(3 * PART))
    assert proxy.cuts
    assert f"s3://{direct.bucket}/prod/here/t/k" in caught.value.message
    assert caught.value.hint
    assert keys(direct) == ["t/old"]
    assert not list(direct.unfinished()), "the upload must be aborted"


def test_a_service_that_goes_away(store: S3Store, direct: S3Store, proxy: CutProxy) -> None:

    def write() -> None:
        with store.writer("t/k") as writer:
            writer.write(content(2 * PART))
            proxy.dead = True
            for _ in range(20):
                writer.write(content(PART))

    with pytest.raises(StoreError) as caught:
        write()
    assert "its unfinished upload stays" in caught.value.hint
    assert keys(direct) == ["t/old"]
    (left,) = direct.unfinished()
    direct.discard(left)
    assert not list(direct.unfinished())


def test_a_completion_whose_answer_is_lost(store: S3Store, direct: S3Store, proxy: CutProxy) -> None:
    """The retry finds no such upload, because the first request did its work."""
    proxy.lose_answer_to = b"<CompleteMultipartUpload"
    stored = pour(store, "t/k", content(2 * PART + 1))
    assert proxy.cuts == 1
    read_back(direct, stored)


def test_bytes_that_change_on_their_way(direct: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service compares each part with the SHA-256 that we computed of it."""
    monkeypatch.setattr(parts.MemoryPart, "digest", lambda part: bytes(32))
    with pytest.raises(StoreError) as caught:
        pour(direct, "t/k", content(2 * PART))
    assert "checksums" in caught.value.hint
    assert keys(direct) == ["t/old"]
    assert not list(direct.unfinished())


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_read_is_resumed(store: S3Store, direct: S3Store, proxy: CutProxy) -> None:
    data = content(16 * MIB)
    pour(direct, "t/k", data)
    proxy.down = 4 * MIB
    assert get(store, "t/k") == data
    assert proxy.cuts >= 3


def test_a_read_that_never_gets_far_gives_up(store: S3Store, direct: S3Store, proxy: CutProxy) -> None:
    pour(direct, "t/k", content(16 * MIB))
    proxy.down = 5 * MIB // 4
    with pytest.raises(StoreError) as caught:
        get(store, "t/k")
    assert caught.value.kind == "cut"
    assert f"of {16 * MIB}" in caught.value.message
    assert proxy.cuts == download.RESUMES + 1


def test_an_object_replaced_while_it_is_read(store: S3Store, direct: S3Store, proxy: CutProxy) -> None:
    pour(direct, "t/k", content(16 * MIB))
    proxy.down, proxy.times = 4 * MIB, 1
    chunks = store.read("t/k")
    next(chunks)
    pour(direct, "t/k", content(16 * MIB + 1))
    with pytest.raises(StoreError) as caught:
        list(chunks)
    assert caught.value.kind == "changed"


# -- what the service says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "hunter2-wrong"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "NOBODY", "AWS_SECRET_ACCESS_KEY": "hunter2-wrong"}, "InvalidAccessKeyId"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "NoCredentialsError"),
        ({"AWS_PROFILE": "nowhere"}, "ProfileNotFound"),
    ],
)
def test_wrong_credentials(
    direct: S3Store, seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], code: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    store = seaweedfs.store(direct.bucket)
    for action in (lambda: store.put("k", b""), lambda: list(store.list()), lambda: get(store, "t/old")):
        with pytest.raises(StoreError) as caught:
            action()
        assert f"({code})" in caught.value.message
        assert caught.value.hint
        assert "hunter2" not in str(caught.value)


def test_a_missing_bucket(seaweedfs: S3Server) -> None:
    store = seaweedfs.store("no-such-bucket")
    for action in (
        lambda: store.put("k", b""),
        lambda: pour(store, "k", content(2 * PART)),
        lambda: list(store.list()),
        lambda: list(store.unfinished()),
        lambda: get(store, "k"),
        lambda: store.delete("k"),
    ):
        with pytest.raises(StoreError) as caught:
            action()
        assert caught.value.kind == "no-bucket"
        assert "no-such-bucket" in caught.value.message
        assert "create the bucket" in caught.value.hint


def test_nobody_answers(direct: S3Store) -> None:
    store = _through(direct, f"http://user:hunter2@127.0.0.1:{free_port()}", max_attempts=1)
    with pytest.raises(StoreError) as caught:
        store.put("k", b"")
    assert "(EndpointConnectionError)" in caught.value.message
    assert "endpoint_url" in caught.value.hint
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "status"), [("QuotaExceeded", 403), ("XMinioStorageFull", 507), ("SomethingElse", 507)]
)
def test_a_full_service(code: str, status: int) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "no room"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(StoreFullError) as caught, translated("s3://b/k", "writing"):
        raise ClientError(answer, "PutObject")
    assert caught.value.kind == "store-full"
    assert f"writing s3://b/k: no room ({code})" in caught.value.message
    assert caught.value.hint
