"""An ssh server of the tests' own, on a free port of the loopback address, and a configuration of ssh that knows it.

ssh looks for its configuration in the account's home, whatever HOME says: a wrapper of the real program, first in PATH,
gives it another file, as a user's own would be.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine import free_port
from tests.needs import need
from tests.waiting import until

NAME = "db-server"


class SshServer:
    """Login by key alone, as whoever runs the tests. `settings` are lines of sshd_config."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self._sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or need("no sshd (openssh-server)")
        self._ssh = shutil.which("ssh") or need("no ssh (openssh-client)")
        self.port = free_port()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("host_key", "key"):
            self.make_key(name)
        (folder / "authorized_keys").write_bytes((folder / "key.pub").read_bytes())
        self.know((folder / "host_key.pub").read_text())
        self.configure()
        (folder / "bin").mkdir()
        self.wrap()

    def make_key(self, name: str, passphrase: str = "") -> None:
        (self.folder / name).unlink(missing_ok=True)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(self.folder / name)]
        subprocess.run(argv, check=True)

    def know(self, key: str) -> None:
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {key}" if key else "")

    def wrap(self, variables: str = "") -> None:
        """The program that is found as `ssh`; `variables` are set for the real one."""
        wrapper = self.folder / "bin" / "ssh"
        wrapper.write_text(f'#!/bin/sh\n{variables} exec {self._ssh} -F {self.folder}/config "$@"\n')
        wrapper.chmod(0o755)

    def answer(self, text: str) -> None:
        """Somebody sits there who answers whatever ssh asks."""
        program = self.folder / "answer"
        program.write_text(f"#!/bin/sh\necho '{text}'\n")
        program.chmod(0o755)
        self.wrap(f"SSH_ASKPASS={program} SSH_ASKPASS_REQUIRE=force")

    def configure(self, *lines: str, key: str = "key") -> None:
        """The client's configuration; `lines` are added to that of the host."""
        text = [
            f"Host {NAME}",
            "HostName 127.0.0.1",
            f"Port {self.port}",
            f"User {getpass.getuser()}",
            "IdentitiesOnly yes",
            f"IdentityFile {self.folder / key}",
            f"UserKnownHostsFile {self.folder / 'known_hosts'}",
            "GlobalKnownHostsFile none",
            *lines,
        ]
        (self.folder / "config").write_text("\n".join(text) + "\n")

    def start(self) -> None:
        config = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder / 'host_key'}",
            f"AuthorizedKeysFile {self.folder / 'authorized_keys'}",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "StrictModes no",  # the folder is below /tmp, which all may write
            "PidFile none",
            "UsePAM no",
            *self._settings,
        ]
        (self.folder / "sshd_config").write_text("\n".join(config) + "\n")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # what the package's unit makes
        log = self.folder / "sshd.log"
        argv = [self._sshd, "-D", "-f", str(self.folder / "sshd_config"), "-E", str(log)]
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
        until(self._listens, "sshd listens")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "sshd.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def sessions(self) -> list[int]:
        """The processes of sshd that serve a login."""
        assert self._process is not None
        found = subprocess.run(["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True)
        return [int(word) for word in found.stdout.split()]

    def drop(self) -> None:
        """Ends every login, as a lost network would."""
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        if self._process is not None:
            self.drop()
            self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def ssh_server(folder: Path, monkeypatch: pytest.MonkeyPatch, *settings: str) -> Iterator[SshServer]:
    """Started, and known to `ssh db-server` for the time of the block."""
    server = SshServer(folder, *settings)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    server.start()
    try:
        yield server
    finally:
        server.stop()
