"""A PostgreSQL server made from programs on this machine: no root, no installation, no network port."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from dbops.command import Process, describe_status, run
from dbops.config.urls import Secret
from dbops.folder import Folder
from dbops.language import msg
from dbops.sandbox.account import can_isolate, environment, launched, other_account
from dbops.sandbox.base import About, Needs, SandboxError
from dbops.sandbox.machine import free_room, this_machine
from dbops.sandbox.postgres.installation import Installation
from dbops.sandbox.postgres.settings import settings
from dbops.sandbox.postgres.urls import SUPERUSER, socket_url
from dbops.sandbox.postgres.wheel import reachable
from dbops.signals import uninterrupted

PORT = 5432
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_OF_ITS_PLACE = {
    "listen_addresses": "",  # nothing but the unix socket
    "dynamic_shared_memory_type": "mmap",  # in the data folder: nothing is left in /dev/shm, whatever happens
    "port": str(PORT),
}


class ProgramServer:
    """See `sandbox.base.Sandbox`. Its socket lies in a folder of mode 0700, and asks for a password (SCRAM). Where the
    machine allows it, the server is in a network namespace of its own, with nothing in it."""

    ephemeral = True

    def __init__(self, kind: str, found: Installation, needs: Needs, source: str) -> None:
        self._kind = kind
        self._found = found
        self._needs = needs
        self._source = source
        self._password = secrets.token_urlsafe(18)
        self._account = other_account()
        self._folder: Folder | None = None
        self._process: Process | None = None
        self._socket = Path()

    # --- its beginning and its end ----------------------------------------------------------------------------------

    def start(self) -> None:
        try:
            with uninterrupted():  # else it could be made, and nobody know of it
                self._folder = Folder(shared=self._account is not None)
            bindir = reachable(self._found, self._account, self._folder.path)
            data = self._made(self._folder.path / "data")
            self._socket = self._made(self._folder.path / "socket")
            self._initdb(bindir, data)
            argv = [str(bindir / "postgres"), "-D", str(data), *self._options(self._folder.path)]
            with uninterrupted():
                self._process = Process(
                    launched(argv, self._account, isolated=can_isolate()),
                    env=environment(),
                    stdout=subprocess.DEVNULL,
                    cwd=self._folder.path,
                )
                self._folder.holds_server(self._process.pid)
            self._wait(data / "postmaster.pid")
        except OSError as error:
            self.stop()
            raise SandboxError(
                msg("{source} could not be started: {error}", source=self._source, error=error), kind="sandbox"
            ) from None
        except BaseException:
            with suppress(OSError):
                self.stop()
            raise

    def stop(self) -> None:
        with uninterrupted():
            process, self._process = self._process, None
            if process is not None:
                if process.poll() is None:
                    with suppress(ProcessLookupError):
                        os.kill(process.pid, signal.SIGQUIT)  # at once, and with it all its sessions
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(_STOP_SECONDS)
                process.end()
            if self._folder is not None:
                self._folder.remove()

    # --- using it ---------------------------------------------------------------------------------------------------

    @property
    def about(self) -> About:
        user = self._account.name if self._account else ""
        tuned = not self._needs.production_like
        return About(self._kind, "postgres", self._found.version, self._source, user, tuned, can_isolate())

    def url(self, database: str) -> Secret:
        return socket_url(str(self._socket), PORT, self._password, database)

    def log(self) -> str:
        return self._process.stderr_tail if self._process is not None else ""

    # --- making it --------------------------------------------------------------------------------------------------

    def _options(self, folder: Path) -> list[str]:
        found = settings(self._needs, this_machine(), free_room(folder))
        found |= _OF_ITS_PLACE | {"unix_socket_directories": str(self._socket)}
        return [f"--{name}={value}" for name, value in found.items()]

    def _made(self, path: Path) -> Path:
        """A folder that belongs to the server's account alone."""
        path.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)
        return path

    def _initdb(self, bindir: Path, data: Path) -> None:
        secret = data.with_name("password")
        secret.touch(0o600)
        secret.write_text(self._password)
        if self._account is not None:
            os.chown(secret, self._account.uid, self._account.gid)
        argv = [str(bindir / "initdb"), "-D", str(data), "-U", SUPERUSER, f"--pwfile={secret}"]
        argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        result = run(launched(argv, self._account), env=environment(), cwd=data.parent, timeout=_START_SECONDS)
        secret.unlink()
        if result.status != 0:
            said = "\n".join(part for part in (result.stdout.strip()[-500:], result.stderr) if part)
            raise SandboxError(
                msg(
                    "initdb of {source} {describe_status}",
                    source=self._source,
                    describe_status=describe_status(result.status),
                ),
                hint=said,
                kind="sandbox",
            )

    def _wait(self, state: Path) -> None:
        """Until the server says that it is ready, in the last line of its pid file."""
        assert self._process is not None  # noqa: S101
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if (status := self._process.poll()) is not None:
                self._process.wait()
                said = self._process.stderr_tail
                raise SandboxError(
                    msg("{source} {describe_status}", source=self._source, describe_status=describe_status(status)),
                    hint=said,
                    kind="sandbox",
                )
            with suppress(FileNotFoundError, IndexError):
                if state.read_text().split("\n")[7].strip() == "ready":
                    return
            time.sleep(0.02)
        raise SandboxError(
            msg("{source} was not ready after {start_seconds:g} s", source=self._source, start_seconds=_START_SECONDS),
            hint=self.log(),
            kind="sandbox",
        )
