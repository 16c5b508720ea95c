"""One server in a container, which nobody can reach but through a unix socket in a folder of ours.

It has no network at all (`none`). Where a socket of a container cannot be used (an engine in a virtual machine or on
another host), it publishes a port instead, is not cut off from the network, and says so.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import Any

from dbops.command import redact
from dbops.config.urls import Secret
from dbops.errors import DbopsError
from dbops.folder import Folder
from dbops.language import msg
from dbops.sandbox.base import About, Needs, SandboxError, SandboxMissingError
from dbops.sandbox.container.docker import SECONDS, Docker, errors_of_docker, without_ryuk
from dbops.sandbox.container.owner import labels
from dbops.sandbox.container.recipe import Place, Recipe
from dbops.signals import uninterrupted

_START_SECONDS = 120.0
_SOCKET = "/run/dbops"
_DATA = "/dbops"
_LOG_LINES = 40
_LOOPBACK = ("localhost", "127.0.0.1")


class ContainerServer:
    """See `sandbox.base.Sandbox`."""

    ephemeral = True

    def __init__(self, docker: Docker, recipe: Recipe, needs: Needs) -> None:
        self._docker = docker
        self._recipe = recipe
        self._needs = needs
        self._image = recipe.image(needs)
        self._password = secrets.token_urlsafe(18)
        self._isolated = docker.shares_files
        self._folder: Folder | None = None
        self._name = f"dbops-sandbox-{secrets.token_hex(6)}"
        self._container: Any = None
        self._version = ""
        self._digest = ""
        self._log = ""

    # --- its beginning and its end ----------------------------------------------------------------------------------

    def start(self) -> None:
        try:
            self._docker.sweep()
            if self._docker.image(self._image) is None:
                self._docker.fetch(self._image)
            image = self._docker.image(self._image)
            self._digest = image.digest if image else ""
            with uninterrupted():  # else there could be a container that we do not know of
                self._folder = Folder(shared=False)
                (self._folder.path / "socket").mkdir()
                (self._folder.path / "socket").chmod(0o777)  # for the account in the container; ours is the way to it
                self._create()
            self._wait()
            password = secrets.token_urlsafe(18)
            self._version = self._recipe.take_over(self.url(""), password)
            self._password = password
        except OSError as error:
            self.stop()
            raise SandboxError(
                msg("{image} could not be started: {error}", image=self._image, error=error), kind="sandbox"
            ) from None
        except BaseException:
            with suppress(DbopsError, OSError):
                self.stop()
            raise

    def stop(self) -> None:
        with uninterrupted():
            try:
                container, self._container = self._container, None
                if container is not None:
                    container.get_docker_client().client.close()
                    self._docker.remove(self._name)
            finally:
                if self._folder is not None:
                    self._folder.remove()
                self._docker.close()

    # --- using it ---------------------------------------------------------------------------------------------------

    @property
    def about(self) -> About:
        source = f"{self._image} ({self._digest})"
        if not self._isolated:
            source += ", not cut off from the network"
        tuned = not self._needs.production_like
        return About("container", self._recipe.engine, self._version, source, "", tuned, self._isolated)

    def url(self, database: str) -> Secret:
        if self._isolated:
            assert self._folder is not None, "not started"  # noqa: S101
            return self._recipe.url(str(self._folder.path / "socket"), self._recipe.port, self._password, database)
        host = self._container.get_container_host_ip()
        return self._recipe.url(host, self._container.get_exposed_port(self._recipe.port), self._password, database)

    def log(self) -> str:
        if self._container is not None:
            with suppress(SandboxError):
                self._log = redact(self._docker.log(self._name, _LOG_LINES), [self._password])
        return self._log

    # --- making it --------------------------------------------------------------------------------------------------

    def _create(self) -> None:
        from docker.errors import APIError

        try:
            with errors_of_docker(self._image):
                try:
                    self._start_container()
                except APIError as error:
                    if not self._isolated or "bind source path does not exist" not in str(error):
                        raise
                    self._isolated = False  # the engine does not see our files: we are in a container ourselves
                    self._start_container()
        except SandboxError as error:
            raise SandboxError(
                msg("the container could not be started: {message}", message=error.message), kind="sandbox"
            ) from None

    def _start_container(self) -> None:
        from docker.types import Mount
        from testcontainers.core.container import DockerContainer

        assert self._folder is not None  # noqa: S101
        machine, needs = self._docker.machine, self._needs
        in_memory, room = self._docker.fits_in_memory(needs.bytes), self._docker.room(needs.bytes)
        place = Place(machine, room, _DATA if in_memory else "", _SOCKET if self._isolated else "")
        options: dict[str, Any] = {
            "labels": labels(),
            "init": False,
            "shm_size": max(64 << 20, machine.memory // 4),
            "security_opt": ["no-new-privileges", "label=disable"],
        }
        if self._isolated:
            mount = Mount(_SOCKET, str(self._folder.path / "socket"), type="bind")
            options |= {"network": "none", "mounts": [mount]}
        container = self._container = DockerContainer(
            self._image,
            {"timeout": SECONDS},
            self._recipe.command(needs, place),  # type: ignore[arg-type] # a list is welcome
            self._recipe.environment(place, self._password),
            self._name,
        ).with_kwargs(**options)
        if in_memory:
            container.with_tmpfs_mount(_DATA, f"size={room}")
        if not self._isolated:
            container.ports[str(self._recipe.port)] = self._published()
        with without_ryuk():
            container.start()

    def _published(self) -> Any:
        """On the loopback address, unless we are in a container ourselves and have to come in from outside."""
        from testcontainers.core.config import ConnectionMode

        client = self._container.get_docker_client()
        loopback = client.get_connection_mode() == ConnectionMode.docker_host and client.host() in _LOOPBACK
        return ("127.0.0.1", None) if loopback else None

    def _wait(self) -> None:
        wrapped = self._container.get_wrapped_container()
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            with errors_of_docker(self._image):
                wrapped.reload()
            if wrapped.status in ("exited", "dead"):
                said = self.log()
                if missing := self._recipe.missing(said):
                    raise SandboxMissingError(
                        msg("{image} has no {missing}", image=self._image, missing=missing), hint=said
                    )
                raise SandboxError(
                    msg("the server of {image} ended at once", image=self._image), hint=said, kind="sandbox"
                )
            if self._recipe.ready(self.url("")):
                return
            time.sleep(0.05)
        raise SandboxError(
            msg("{image} was not ready after {start_seconds:g} s", image=self._image, start_seconds=_START_SECONDS),
            hint=self.log(),
            kind="sandbox",
        )
