"""A tunnel through the system's own ssh, with its configuration, agent and known hosts."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time

from dbops.command import Process, describe_status, run
from dbops.errors import ToolError
from dbops.folder import Folder
from dbops.language import msg
from dbops.route.base import LOOPBACK, Far, Near, RouteError, Said
from dbops.route.bridge import script
from dbops.route.ssh_words import hint

_OPEN_SECONDS = 90.0
_FORWARD_SECONDS = 30.0
_SAID_SECONDS = 0.5
_LOOK_SECONDS = 0.02
_LINES = 2
_PORTS = 5
_OPTIONS = (
    "BatchMode=yes",  # it asks for nothing: nobody is there
    "StrictHostKeyChecking=yes",  # also where the user's configuration is laxer
    "ClearAllForwardings=yes",  # those of the user's configuration: their ports may be in use
    "ControlMaster=yes",
    "ControlPersist=no",
    "PermitLocalCommand=no",
    "ConnectTimeout=20",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",  # a lost network is noticed in a minute
    "LogLevel=INFO",
)


class SshTunnel:
    """Opened when it is made; `RouteError` if it cannot be. `destination`: as ssh takes it, such as `user@host`.

    A master connection without a session carries one forwarding, which is asked for once the master is there: either
    step says whether it has worked. The tunnel ends with `close`, and with this process.
    """

    user = ""

    def __init__(self, destination: str, far: Far) -> None:
        self._destination = destination
        self.label = msg("through ssh {destination}", destination=destination)
        self._folder = Folder(shared=False)
        self._process: Process | None = None
        self._control = self._folder.path / "control"
        try:
            self._process = self._start()
            self._wait(self._process)
            self.near = self._forward(far)
        except BaseException:
            self.close()
            raise

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def said(self) -> Said:
        """That it has ended, or could not reach the server from there."""
        process = self._process
        if process is None:
            return Said()
        deadline = time.monotonic() + _SAID_SECONDS
        while process.poll() is None and not _refused(process) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        text = _refused(process)
        if process.poll() is not None:
            text = msg(
                "the tunnel has ended: ssh {status}: {said}",
                status=describe_status(process.wait()),
                said=_last(process),
            )
        if not text:
            return Said()
        said = msg("ssh {destination}: {said}", destination=self._destination, said=text)
        return Said(said, hint(text, self._destination))

    def close(self) -> None:
        if self._process is not None:
            self._process.end()
        with contextlib.suppress(OSError):
            self._folder.remove()

    def _start(self) -> Process:
        options = [word for option in _OPTIONS for word in ("-o", option)]
        argv = ["ssh", "-N", "-T", "-a", "-x", "-S", str(self._control), *options, "--", self._destination]
        keeper = [sys.executable, "-I", "-S", str(script("keeper.py"))]
        return Process([*keeper, *argv], stdin=subprocess.PIPE)

    def _wait(self, process: Process) -> None:
        """Until ssh has logged in: it makes its control socket then, and by a rename, so that it listens already."""
        deadline = time.monotonic() + _OPEN_SECONDS
        while not self._control.exists():
            if process.poll() is not None:
                process.wait()
                text = _last(process) or f"ssh {describe_status(process.wait())}"
                raise self._failed(text)
            if time.monotonic() > deadline:
                raise self._failed(f"not connected after {_OPEN_SECONDS:g} s {_last(process)}".rstrip())
            time.sleep(_LOOK_SECONDS)

    def _forward(self, far: Far) -> Near:
        there = far.socket or f"{_bracketed(far.host or 'localhost')}:{far.port}"
        if far.socket or far.over_socket:
            near = Near(socket=self._folder.path / far.socket_name)
            self._ask(f"{near.socket}:{there}")
            return near
        for attempt in range(_PORTS):
            near = Near(host=LOOPBACK, port=_free_port())
            try:
                self._ask(f"{near.host}:{near.port}:{there}")
            except RouteError:  # somebody else may have taken the port since
                if attempt == _PORTS - 1:
                    raise
            else:
                break
        return near

    def _ask(self, forwarding: str) -> None:
        """Raises `RouteError` with ssh's words if it does not listen afterwards."""
        argv = ["ssh", "-F", "none", "-S", str(self._control), "-O", "forward", "-L", forwarding, "--"]
        try:
            done = run([*argv, self._destination], timeout=_FORWARD_SECONDS)
        except ToolError as error:
            raise self._failed(error.message) from None
        if done.status:
            raise self._failed(done.stderr or f"-O forward {describe_status(done.status)}")

    def _failed(self, text: str) -> RouteError:
        said = " ".join(text.split())
        advice = hint(said, self._destination) or msg(
            "try it by hand: ssh -v -o BatchMode=yes {destination} true", destination=self._destination
        )
        return RouteError(
            msg("ssh {destination}: {said}", destination=self._destination, said=said), hint=advice, kind="ssh"
        )


def _refused(process: Process) -> str:
    """The last word on a connection that the other side could not, or would not, make; '' if there is none."""
    return next((line for line in reversed(process.stderr_tail.splitlines()) if "open failed" in line), "")


def _last(process: Process) -> str:
    return " ".join(process.stderr_tail.splitlines()[-_LINES:])


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
