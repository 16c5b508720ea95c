"""A bucket under fault: dropped connections, wrong credentials, full and missing buckets (B03, B17, B18)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dbops.errors import StoreError, StoreFullError
from dbops.store.readback import read_back
from dbops.store.s3 import S3Store, download, parts
from dbops.store.s3.errors import translated
from tests.contract.backends import PART, content, get, keys, pour
from tests.contract.cut_proxy import CutProxy
from tests.contract.raw_s3 import raw_s3
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


# -- checksums inside objects (B17) ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, 2 * PART])
def test_no_checksum_gets_inside_an_object(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server keeps bodies as they come. What boto3 sends by itself is changed by that; what we send is not."""
    import boto3

    with raw_s3(tmp_path) as (server, certificate):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        boto3.client("s3", endpoint_url=server.endpoint, region_name="us-east-1").put_object(
            Bucket="b", Key="k", Body=b"x" * 1000
        )
        assert b"x-amz-checksum" in server.objects["/b/k"], "the fault that this is about"
        store = S3Store("b", endpoint_url=server.endpoint, region="us-east-1", part_bytes=PART)
        read_back(store, pour(store, "ours", content(size)))
        sent = [request.headers for request in server.requests if request.target.startswith("/b/ours")]
    assert not any("aws-chunked" in headers.get("content-encoding", "") for headers in sent)
    assert any("x-amz-checksum-sha256" in headers for headers in sent)


@pytest.mark.parametrize("size", [1000, 2 * PART])
def test_reading_back_finds_framing_inside_an_object(size: int) -> None:
    with raw_s3() as (server, _):
        server.frames = True
        store = S3Store("b", endpoint_url=server.endpoint, region="us-east-1", part_bytes=PART)
        stored = pour(store, "k", content(size))  # HEAD lies: nothing to be seen yet
        with pytest.raises(StoreError) as caught:
            read_back(store, stored)
    assert caught.value.kind == "read-back"
    assert f"with {size:,} bytes" in caught.value.message
    assert "when_required" in caught.value.hint


def test_a_size_that_is_not_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """HEAD tells the truth: found at once, and the wrong object does not stay."""
    with raw_s3() as (server, _):
        server.frames = True
        store = S3Store("b", endpoint_url=server.endpoint, region="us-east-1", part_bytes=PART)
        monkeypatch.setattr(server, "claimed", _Nothing())
        with pytest.raises(StoreError) as caught:
            store.put("k", b"1234")
    assert caught.value.kind == "read-back"
    assert "4 bytes were sent" in caught.value.message


class _Nothing(dict[str, int]):
    """Forgets the sizes that clients claimed."""

    def __setitem__(self, name: str, value: int) -> None:
        return


def test_settings_reach_the_service() -> None:
    with raw_s3() as (server, _):
        options: dict[str, Any] = {"sse": "aws:kms", "sse_kms_key_id": "key-1", "storage_class": "STANDARD_IA"}
        store = S3Store("b", "p", endpoint_url=server.endpoint, region="us-east-1", part_bytes=PART, **options)
        store.put("small", b"")
        pour(store, "large", content(PART + 1))
    created = [r.headers for r in server.requests if r.target in ("/b/p/small", "/b/p/large?uploads")]
    created = [headers for headers in created if "x-amz-storage-class" in headers]
    assert len(created) == 2
    for headers in created:
        assert headers["x-amz-storage-class"] == "STANDARD_IA"
        assert headers["x-amz-server-side-encryption"] == "aws:kms"
        assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key-1"


@pytest.mark.parametrize(("style", "url"), [("virtual", "http://bbb.s3.test/k"), ("path", "http://s3.test/bbb/k")])
def test_addressing(style: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_s3() as (server, _):
        monkeypatch.setenv("HTTP_PROXY", server.endpoint)
        monkeypatch.delenv("NO_PROXY", raising=False)
        S3Store("bbb", endpoint_url="http://s3.test", region="us-east-1", addressing_style=style).put("k", b"")
    assert server.requests[0].target == url


def test_checksums_only_when_required() -> None:
    with raw_s3() as (server, _):
        store = S3Store(
            "b", endpoint_url=server.endpoint, region="us-east-1", part_bytes=PART, checksums="when_required"
        )
        store.put("small", b"1")
        pour(store, "large", content(2 * PART))
    names = {name for request in server.requests for name in request.headers}
    assert not any("checksum" in name or "trailer" in name for name in names)
