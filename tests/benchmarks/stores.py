"""The S3 servers that backups are measured against, both on this machine's own cores.

SeaweedFS does a store's whole work: checks signatures and checksums, writes files. The light one stands for a store on
another machine: it takes the bytes in, answers with their MD5, and keeps them in memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.contract.s3_servers import running_seaweedfs

_LIGHT = """
from tests.contract.raw_s3 import RawS3
server = RawS3()
print(server.endpoint, flush=True)
server.serve_forever()
"""


class Served(NamedTuple):
    """A running server with an empty bucket."""

    endpoint: str
    bucket: str
    pid: int

    def cpu_seconds(self) -> float | None:
        """What its process has taken of the processors so far; None where there is no /proc."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Served]:
    folder.mkdir()
    with running_seaweedfs(folder) as server:
        yield Served(server.endpoint, server.bucket(), _child("weed"))


@contextmanager
def light() -> Iterator[Served]:
    with subprocess.Popen([sys.executable, "-c", _LIGHT], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            # Its listings know one bucket: /b/.
            yield Served(process.stdout.readline().strip(), "b", process.pid)
        finally:
            process.kill()


def _child(name: str) -> int:
    """The process of this name that we have started; 0 where that cannot be seen."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = path.read_text().rpartition(")")
        except OSError:
            continue
        if before.endswith(f"({name}") and after.split()[1] == str(os.getpid()):
            return int(path.parent.name)
    return 0
