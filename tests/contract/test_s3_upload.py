"""What only an upload to S3 has: memory that stays flat, parts that grow."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dbops.errors import StoreFullError
from dbops.store.base import CHUNK
from dbops.store.readback import read_back
from dbops.store.s3 import parts
from tests.contract.backends import PART, content, get, keys, pour

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.s3_servers import S3Server

pytest_plugins = ["tests.contract.s3_servers"]
pytestmark = pytest.mark.usefixtures("s3_credentials")

# Parts 1 and 2 as asked for; from the third on, so large that they do not fit the memory of one sender.
SOON_LARGE = ((2, 1), (100, 4))


@pytest.mark.parametrize("writers", [1, 4])
def test_memory_stays_flat(seaweedfs: S3Server, writers: int) -> None:
    """Under 120 MiB for the whole process, whatever the size and however many objects are written at once."""
    code = f"""
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from dbops.store.s3 import S3Store
store = S3Store({seaweedfs.bucket()!r}, endpoint_url={seaweedfs.endpoint!r}, region="us-east-1")
piece = bytes(range(256)) * 4096
def write(number):
    with store.writer(f"k{{number}}") as writer:
        for _ in range(256 // {writers}):
            writer.write(piece)
    with store.writer(f"short{{number}}") as writer:
        for _ in range(7):
            writer.write(piece)
with ThreadPoolExecutor({writers}) as pool:
    for _ in range(4 if {writers} > 1 else 1):
        list(pool.map(write, range({writers})))
assert sum(len(chunk) for chunk in store.read("k0")) == (256 // {writers}) << 20
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 120 * 1024, f"{int(done.stdout) // 1024} MiB"


def test_parts_too_large_for_memory_wait_on_disk(seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_GROWTH", SOON_LARGE)
    store = seaweedfs.store(concurrency=1)
    data = content(2 * PART + 2 * 4 * PART + 12345)
    stored = pour(store, "k", data)
    assert get(store, "k") == data
    read_back(store, stored)
    sizes = _part_sizes(seaweedfs, store.bucket)
    assert sizes == [PART, PART, 4 * PART, 4 * PART, 12345]


def _part_sizes(server: S3Server, bucket: str) -> list[int]:
    client, name = server.client(), "prod/here/k"
    count = client.head_object(Bucket=bucket, Key=name, PartNumber=1)["PartsCount"]
    heads = [client.head_object(Bucket=bucket, Key=name, PartNumber=number + 1) for number in range(count)]
    return [head["ContentLength"] for head in heads]


def test_no_room_for_a_part_on_disk(
    seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch, small_tmpfs: Callable[[str], Path]
) -> None:
    folder = small_tmpfs("8m")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr(parts, "_GROWTH", SOON_LARGE)
    store = seaweedfs.store(concurrency=1)
    with pytest.raises(StoreFullError) as caught:
        pour(store, "k", content(5 * PART))
    assert str(folder) in caught.value.message
    assert "TMPDIR" in caught.value.hint
    assert keys(store) == []
    assert not list(store.unfinished())
    assert list(folder.iterdir()) == []


def test_reads_can_be_compared_with_the_services_checksum(seaweedfs: S3Server) -> None:
    store = seaweedfs.store(verify_reads=True)
    for size in (CHUNK, 2 * PART):
        read_back(store, pour(store, "k", content(size)))
