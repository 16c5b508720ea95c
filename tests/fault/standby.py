"""A standby of a cluster, as tests need one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.machine import server_user
from tests.servers import Cluster


@contextmanager
def standby_of(primary: Cluster, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Streams from the primary and answers queries; gone with the block."""
    cluster = Cluster(primary.installation)
    try:
        cluster.folder.chmod(0o755)
        server_user().takes(cluster.folder)
        where = ["-h", str(primary.folder), "-p", str(primary.port), "-U", "postgres"]
        cluster._tool("pg_basebackup", *where, "-D", str(cluster.data), "-R", "-c", "fast")
        cluster.configure({"unix_socket_directories": str(cluster.folder), **(settings or {})})
        cluster._first_start()
        cluster.password = primary.password
        yield cluster
    finally:
        cluster.close()
