"""S3 servers of our own, as fixtures: moto, SeaweedFS, `rclone serve s3`. A plugin: `pytest_plugins` loads it.

They differ on purpose. SeaweedFS is strict: it refuses wrong checksums and signatures. rclone stands for the sloppy
S3-compatible store: it checks the signature and nothing else. moto checks nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from dbops.store.s3 import S3Store
from tests.machine import free_port
from tests.needs import need

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ACCESS_KEY = "dbops-test-key"
SECRET_KEY = "dbops-test-not-a-secret"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""The environment of a client of these servers."""
START_SECONDS = 60


class S3Server(NamedTuple):
    """A running server, and what it can do.

    'checksums': refuses a wrong one. 'upload-dates': knows when an unfinished upload began (moto says 2010).
    """

    name: str
    endpoint: str
    can: frozenset[str]

    def client(self) -> S3Client:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
        )

    def bucket(self) -> str:
        """Makes a bucket that no other test knows."""
        name = f"dbops-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def store(self, bucket: str | None = None, prefix: str = "prod/here", **options: Any) -> S3Store:
        """A store in a bucket of its own unless one is named. Parts are as small as S3 allows."""
        options = {"endpoint_url": self.endpoint, "region": "us-east-1", "part_bytes": 5 << 20, **options}
        return S3Store(bucket or self.bucket(), prefix, **options)


@pytest.fixture
def s3_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers' credentials in the environment, and nothing else that boto3 would find on this machine."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        need(f"moto is not installed: {error}")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server("moto", f"http://{host}:{port}", frozenset())
    server.stop()


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@contextmanager
def running_seaweedfs(folder: Path) -> Iterator[S3Server]:
    """A real S3 server with its data in the folder, for the time of the block."""
    s3_port = free_port()
    services = ("s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port")
    ports = {f"-{name}": str(free_port()) for name in (*services, "filer.port.grpc", "admin.port")}
    argv = [_program("weed"), "mini", "-dir", str(folder), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1"]
    argv += ["-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-s3.autoCreateBucket=false"]
    argv += ["-s3.port", str(s3_port), "-s3.port.iceberg", "0", "-s3.port.lance", "0"]
    # A bucket takes volumes of its own, and as many as fit the free disk are few: the tests make hundreds of buckets.
    argv += ["-volume.max", "4000"]
    argv += [word for pair in ports.items() for word in pair]
    env = os.environ | {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    with _running(argv, env, folder, f"http://127.0.0.1:{s3_port}") as endpoint:
        yield S3Server("seaweedfs", endpoint, frozenset({"checksums", "upload-dates"}))


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("rclone")
    data = folder / "data"
    data.mkdir()
    port = free_port()
    argv = [_program("rclone"), "serve", "s3", "--addr", f"127.0.0.1:{port}", "--config", os.devnull]
    argv += ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", str(data)]
    with _running(argv, dict(os.environ), folder, f"http://127.0.0.1:{port}") as endpoint:
        yield S3Server("rclone", endpoint, frozenset({"upload-dates"}))


def _program(name: str) -> str:
    """A program that came as a wheel lies beside this Python."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    return found or need(f"there is no {name} program: install the test extra")


@contextmanager
def _running(argv: list[str], env: dict[str, str], folder: Path, endpoint: str) -> Iterator[str]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env=env, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, endpoint, log)
        yield endpoint
    finally:
        process.kill()  # its data is thrown away: no need for the seconds of an orderly end
        process.wait()


def _wait(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    """Until the server answers S3 requests, an error of its own included (they come before it can store anything)."""
    deadline = time.monotonic() + START_SECONDS
    server = S3Server("", endpoint, frozenset())
    while True:
        try:
            with urlopen(endpoint, timeout=5):
                pass
        except HTTPError as error:
            answers = error.code < 500
        except (URLError, OSError):
            answers = False
        else:
            answers = True
        if answers and _stores(server):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)


def _stores(server: S3Server) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        server.client().put_object(Bucket=server.bucket(), Key="probe", Body=b"1")
    except (BotoCoreError, ClientError):
        return False
    return True
