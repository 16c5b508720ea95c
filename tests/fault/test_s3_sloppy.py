"""Services that are only nearly S3: checksums kept inside objects (B17), forgotten uploads, prefixes ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbops.errors import StoreError
from dbops.store.readback import read_back
from dbops.store.s3 import S3Store
from tests.contract.backends import PART, content, keys, pour
from tests.contract.raw_s3 import raw_s3

pytest_plugins = ["tests.contract.s3_servers"]
pytestmark = pytest.mark.usefixtures("s3_credentials")


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


@pytest.mark.parametrize("checksums", ["when_supported", "when_required"])
def test_the_signature_covers_every_body(checksums: str) -> None:
    """By a checksum among the signed headers, or else by a hash of the body: no body could be exchanged on its way."""
    with raw_s3() as (server, _):
        store = S3Store("b", endpoint_url=server.endpoint, region="us-east-1", part_bytes=PART, checksums=checksums)
        pour(store, "k", content(2 * PART))
        sent = [one.headers for one in server.requests if one.method == "PUT"]
    assert sent
    for headers in sent:
        by_checksum = "x-amz-checksum-sha256" in headers["authorization"]
        assert by_checksum == (checksums == "when_supported")
        assert (headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD") == by_checksum


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


def test_a_service_that_ignores_the_prefix() -> None:
    """What is not in this store is nobody's to list, and never to discard."""
    with raw_s3() as (server, _):
        for name in ("/b/other/t/k", "/b/t/k", "/b/p/t/k", "/b/p/u/k"):
            server.objects[name] = b"1"
        store = S3Store("b", "p", endpoint_url=server.endpoint, region="us-east-1")
        assert keys(store) == ["t/k", "u/k"]
        assert keys(store, "t/") == ["t/k"]
        assert [item.key for item in store.unfinished()] == ["t/k", "u/k"]
        assert [item.key for item in store.unfinished("t/")] == ["t/k"]


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


def test_a_completion_that_is_found_done() -> None:
    """Some services forget an upload at once when it is complete: a retry hears that there is none."""
    with raw_s3() as (server, _):
        server.forgets_uploads = True
        store = S3Store("b", endpoint_url=server.endpoint, region="us-east-1", part_bytes=PART)
        read_back(store, pour(store, "k", content(2 * PART)))
        with pytest.raises(StoreError) as caught:
            pour(store, "k", content(3 * PART))  # three parts: not what an ETag that ends in -2 stands for
    assert "(NoSuchUpload)" in caught.value.message
