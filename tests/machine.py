"""What tests need to know of the machine: who may run servers, which ports are free, which processes live."""

from __future__ import annotations

import functools
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Below the range from which kernels take ports for outgoing connections, so that a stopped cluster finds its own
# port free again; not so low that services live there.
PORTS = range(20000, 32000)


def short_folder(prefix: str) -> Path:
    """A server's folder: below TMPDIR if that is short, else in /tmp: a socket's path has about 100 bytes of room."""
    base = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix=prefix, dir=base if len(base) <= 24 else "/tmp"))


@dataclass(frozen=True)
class ServerUser:
    """Whom server processes run as: PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int
    switch: bool  # whether we have to become somebody else

    def run(self, argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs a program as this user; standard output and error are captured as text."""
        if self.switch:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(argv, capture_output=True, text=True, **options)

    def takes(self, path: Path) -> None:
        """Makes the user the owner of a path."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def can_run(self, program: Path) -> bool:
        """Whether the program starts as this user; false below a home that only root may enter, for instance."""
        try:
            return self.run([str(program), "--version"], cwd="/").returncode == 0
        except OSError:
            return False


@functools.cache
def server_user() -> ServerUser:
    if os.geteuid() != 0:
        return ServerUser(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid(), switch=False)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise RuntimeError("running as root, and there is neither a user 'postgres' nor 'nobody' to run a server as")


_guards: dict[Path, subprocess.Popen[bytes]] = {}
# Reads until we are gone, then ends the server and removes the folder, which a dying server may still write to.
_GUARD = """
cat >/dev/null
read -r pid <"$1/data/postmaster.pid" && kill -QUIT "$pid"
read -r pid <"$1/mysqld.pid" && kill -KILL "$pid"
for _ in 1 2 3 4 5; do rm -rf "$1" && break; sleep 1; done
"""


def guard(folder: Path) -> None:
    """From now on the folder, and the server in it, do not outlive this process, even if that gets SIGKILL."""
    argv = ["sh", "-c", _GUARD, "guard", str(folder)]
    quiet = subprocess.DEVNULL
    _guards[folder] = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, cwd="/", start_new_session=True
    )


def release(folder: Path) -> None:
    """Removes the folder now, and with it the need for its guard."""
    shutil.rmtree(folder, ignore_errors=True)
    if watching := _guards.pop(folder, None):
        watching.communicate()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    for port in random.SystemRandom().sample(PORTS, 100):  # workers that run at once must not share a seed
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no free port between {PORTS.start} and {PORTS.stop}")


def live_processes() -> dict[int, int]:
    """Process id -> parent's id, without zombies (nobody may be there to reap a server's orphans)."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in table.splitlines())
    return {int(pid): int(parent) for pid, parent, state, *_ in rows if not state.startswith("Z")}
