"""To a server in a container whose port need not be published, by the engine's own command line."""

from __future__ import annotations

import time
from typing import Any

from dbops.command import describe_status, run
from dbops.errors import ToolError
from dbops.language import msg
from dbops.route import container_find
from dbops.route.base import LOOPBACK, Far, Near, RouteError, Said
from dbops.route.bridge import Bridge

_SECONDS = 60.0
_SAID_SECONDS = 2.0
_LOOK_SECONDS = 0.1
_LOOPBACKS = ("", "localhost", LOOPBACK, "::1")
_OPEN = "exec 3<>/dev/tcp/$0/$1"
_JOIN = f"{_OPEN} 4<&0; cat <&3 & cat <&4 >&3 & wait -n; kill $(jobs -p) 2>/dev/null"
"""Bash alone, which the images of all three products have. Whichever side ends first ends both."""


class ContainerRoute:
    """The container's own address where this machine can be sure to reach it, else a port that it publishes, else a
    bridge through `docker exec`. `RouteError` if the container is not there, does not run, or is not the only one."""

    user = ""

    def __init__(self, name: str, far: Far) -> None:
        self._name = name
        self.label = msg("in container {name}", name=name)
        found = container_find.running(name)
        self._id: str = found["Id"]
        self._bridge: Bridge | None = None
        if far.socket:
            raise RouteError(
                msg("container {name}: the URL names a socket, {socket}", name=name, socket=far.socket),
                hint=msg("a container is reached by TCP: leave the socket out of the URL"),
                kind="container",
            )
        host = far.host if far.host not in _LOOPBACKS else LOOPBACK
        near = container_find.address(found, far.port) if host == LOOPBACK else None
        self.near = near or self._through_exec(host, far)

    def alive(self) -> bool:
        return True

    def said(self) -> Said:
        """Whether the container still runs, and what `docker exec` has said. The engine notices an end a little after
        those who were connected."""
        deadline = time.monotonic() + _SAID_SECONDS
        while time.monotonic() < deadline:
            state = self._state()
            if state != "running":
                return Said(
                    msg("container {name} is {state}", name=self._name, state=state),
                    msg("look into its log: docker logs {name}", name=self._name),
                )
            time.sleep(_LOOK_SECONDS)
        text = self._bridge.said() if self._bridge is not None else ""
        return Said(f"docker exec {self._name}: {text}") if text else Said()

    def close(self) -> None:
        if self._bridge is not None:
            self._bridge.close()

    def _state(self) -> str:
        try:
            state: dict[str, Any] = container_find.inspect(self._id)["State"]
        except RouteError:
            return "gone"
        return f"exited ({state['ExitCode']})" if state["Status"] == "exited" else str(state["Status"])

    def _through_exec(self, host: str, far: Far) -> Near:
        argv = ("docker", "exec", "-i", self._id, "bash", "-c")
        where = (host, str(far.port))
        try:
            done = run([*argv, _OPEN, *where], timeout=_SECONDS)
        except ToolError as error:
            raise RouteError(
                msg("container {name}: {message}", name=self._name, message=error.message),
                hint=error.hint,
                kind="container",
            ) from None
        if done.status:
            said = " ".join(done.stderr.split()) or describe_status(done.status)
            raise RouteError(
                msg(
                    "container {name}: nothing answers at {host}:{port} inside: {said}",
                    name=self._name,
                    host=host,
                    port=far.port,
                    said=said,
                ),
                hint=msg(
                    "does the server run there, on this port? docker logs {name}. Without bash in "
                    "the image, publish the port",
                    name=self._name,
                ),
                kind="container",
            )
        self._bridge = Bridge((*argv, _JOIN, *where), far.socket_name if far.over_socket else "")
        return self._bridge.near
