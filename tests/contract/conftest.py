"""Every store that the contract is held against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dbops.store.local import LocalStore
from tests.contract.backends import Backend

if TYPE_CHECKING:
    from tests.contract.s3_servers import S3Server


@pytest.fixture(params=["local", "moto", "seaweedfs", "rclone"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """An empty store: runs the test once for each kind."""
    if request.param == "local":
        root = tmp_path / "store"
        return Backend("local", LocalStore(root), f"LocalStore(Path({str(root)!r}))", frozenset({"upload-dates"}))
    request.getfixturevalue("s3_credentials")
    server: S3Server = request.getfixturevalue(request.param)
    store = server.store()
    where = f"{store.bucket!r}, {store.prefix!r}, endpoint_url={server.endpoint!r}, region='us-east-1'"
    return Backend(request.param, store, f"S3Store({where}, part_bytes=5 << 20)", server.can)
