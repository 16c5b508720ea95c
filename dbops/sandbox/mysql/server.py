"""A MySQL or MariaDB server made from programs on this machine: no root, no installation, no network port."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dbops.command import Process, describe_status, redact
from dbops.config.urls import Secret
from dbops.folder import Folder
from dbops.language import msg
from dbops.sandbox.account import can_isolate, environment, launched, other_account
from dbops.sandbox.base import About, Needs, SandboxError
from dbops.sandbox.machine import free_room, this_machine
from dbops.sandbox.mysql.driver import ACCESS_DENIED, connected, socket_url
from dbops.sandbox.mysql.installation import Installation
from dbops.sandbox.mysql.product import MARIADB
from dbops.sandbox.mysql.settings import arguments, birth, settings
from dbops.sandbox.mysql.statements import statement
from dbops.signals import uninterrupted

KIND = "local"
_MAKE_SECONDS = 120.0
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_END = signal.SIGKILL
"""There is nothing to end in order: all that it has is in the folder, and goes with it."""


class ProgramServer:
    """See `sandbox.base.Sandbox`. Its socket lies in a folder of mode 0700, and asks for a password; it listens on
    nothing else. Where the machine allows it, it is in a network namespace of its own, with nothing in it."""

    ephemeral = True

    def __init__(self, found: Installation, needs: Needs) -> None:
        self._found = found
        self._needs = needs
        self._password = secrets.token_urlsafe(18)  # no quote in it
        self._account = other_account()
        self._folder: Folder | None = None
        self._process: Process | None = None

    # --- its beginning and its end ----------------------------------------------------------------------------------

    def start(self) -> None:
        try:
            with uninterrupted():  # else it could be made, and nobody know of it
                self._folder = Folder(shared=self._account is not None)
            for name in ("data", "socket", "tmp", "files"):
                self._own(self._folder.path / name)
            self._make_data(self._folder)
            accounts = self._accounts(self._folder.path / "accounts.sql")
            argv = [str(self._found.server), *self._options(self._folder.path), f"--init-file={accounts}"]
            self._launch(argv, self._folder, isolated=can_isolate())
            self._wait()
            accounts.unlink()
        except OSError as error:
            self.stop()
            raise SandboxError(
                msg("{server} could not be started: {error}", server=self._found.server, error=error), kind="sandbox"
            ) from None
        except BaseException:
            with suppress(OSError):
                self.stop()
            raise

    def stop(self) -> None:
        with uninterrupted():
            self._end_process()
            if self._folder is not None:
                self._folder.remove()

    # --- using it ---------------------------------------------------------------------------------------------------

    @property
    def about(self) -> About:
        user = self._account.name if self._account else ""
        tuned = not self._needs.production_like
        found = self._found
        return About(KIND, found.product.name, found.version, str(found.server), user, tuned, can_isolate())

    def url(self, database: str) -> Secret:
        return socket_url(self._found.product.name, str(self._socket), self._password, database)

    def log(self) -> str:
        return redact(self._process.stderr_tail, [self._password]) if self._process is not None else ""

    # --- making it --------------------------------------------------------------------------------------------------

    @property
    def _socket(self) -> Path:
        assert self._folder is not None, "not started"  # noqa: S101
        return self._folder.path / "socket" / "s"

    def _own(self, path: Path) -> None:
        """A folder that belongs to the server's account alone."""
        path.mkdir(mode=0o700)
        self._give(path)

    def _give(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _make_data(self, folder: Folder) -> None:
        """The data folder with the system's tables, and the superuser without a password: nothing listens yet."""
        product, born = self._found.product, arguments(birth(self._needs))
        places = [f"--datadir={folder.path / 'data'}", f"--tmpdir={folder.path / 'tmp'}"]
        quick = ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=OFF"]
        if product is MARIADB:
            own = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
            own += self._basedir()
        else:
            own = ["--initialize-insecure", "--auto-generate-certs=OFF", "--secure-file-priv=NULL", "--mysqlx=OFF"]
            own += ["--caching-sha2-password-auto-generate-rsa-keys=OFF", "--skip-log-bin"]
        argv = [str(self._found.installer or self._found.server), "--no-defaults", *places, *own, *quick, *born]
        self._launch(argv, folder, isolated=False)
        assert self._process is not None  # noqa: S101
        try:
            status = self._process.wait(_MAKE_SECONDS)
        except subprocess.TimeoutExpired:
            raise SandboxError(
                msg("{argv} did not end within {make_seconds:g} s", argv=argv[0], make_seconds=_MAKE_SECONDS),
                hint=self.log(),
                kind="sandbox",
            ) from None
        if status != 0:
            raise SandboxError(
                msg("{argv} {describe_status}", argv=argv[0], describe_status=describe_status(status)),
                hint=self.log(),
                kind="sandbox",
            )
        self._end_process()

    def _basedir(self) -> list[str]:
        """Of a MariaDB that is not where it was built for; MySQL finds it out by itself."""
        basedir = self._found.basedir
        return [f"--basedir={basedir}"] if self._found.product is MARIADB and basedir != Path("/usr") else []

    def _accounts(self, path: Path) -> Path:
        path.touch(0o600)
        text = statement(f"accounts_{self._found.product.name}")
        path.write_text(text.replace("%(password)s;", f"'{self._password}';"))
        self._give(path)
        return path

    def _options(self, folder: Path) -> list[str]:
        found = settings(self._needs, this_machine(), free_room(folder))
        if self._found.product is MARIADB:
            found["secure-file-priv"] = str(folder / "files")  # it has no word for 'nowhere'
        found |= {
            "datadir": str(folder / "data"),
            "tmpdir": str(folder / "tmp"),
            "pid-file": str(folder / "data" / "pid"),
            "socket": str(self._socket),
            "skip-networking": "ON",  # nothing but the unix socket
        }
        return ["--no-defaults", *self._basedir(), *arguments(found)]

    def _launch(self, argv: Sequence[str], folder: Folder, *, isolated: bool) -> None:
        with uninterrupted():
            self._process = Process(
                launched(argv, self._account, isolated=isolated, end=_END),
                env=environment() | {"HOME": str(folder.path)},
                stdout=subprocess.DEVNULL,
                cwd=folder.path,
                secrets=[self._password],
            )
            folder.holds_server(self._process.pid, _END)

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, _END)  # the installer is a script with children
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
        process.end()

    def _wait(self) -> None:
        """Until it lets us in with the password."""
        import pymysql

        assert self._process is not None  # noqa: S101
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if (status := self._process.poll()) is not None:
                self._process.wait()
                raise SandboxError(
                    msg(
                        "{server} {describe_status}", server=self._found.server, describe_status=describe_status(status)
                    ),
                    hint=self.log(),
                    kind="sandbox",
                )
            if self._socket.exists():
                try:
                    with connected(self.url("")):
                        return
                except pymysql.MySQLError as error:
                    if error.args and error.args[0] == ACCESS_DENIED:
                        said = redact(str(error), [self._password])
                        raise SandboxError(
                            msg("{server}: {said}", server=self._found.server, said=said),
                            hint=self.log(),
                            kind="sandbox",
                        ) from None
            time.sleep(0.02)
        raise SandboxError(
            msg(
                "{server} was not ready after {start_seconds:g} s",
                server=self._found.server,
                start_seconds=_START_SECONDS,
            ),
            hint=self.log(),
            kind="sandbox",
        )
