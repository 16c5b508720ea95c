"""The container engine (Docker, through testcontainers): is it there, what images has it, what did we leave in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from dbops.language import msg
from dbops.sandbox.base import SandboxError, SandboxMissingError
from dbops.sandbox.container.owner import MARK, is_leftover
from dbops.sandbox.machine import Machine, free_room, room_lacking, room_needed, this_machine

SECONDS = 60
"""The longest that the engine may think about one request."""

_UNKNOWN_ROOM = 10 << 30
"""Bytes: of the engine's disk, where we cannot look at it."""


class Image(NamedTuple):
    """One that is here. `digest`: what its registry calls it, or else its id."""

    digest: str
    variables: Mapping[str, str]


class Docker:
    """A connection to the engine. Errors of the engine come out as `SandboxError`."""

    def __init__(self) -> None:
        """Raises `SandboxMissingError` if the package is not installed, or nothing answers."""
        if find_spec("testcontainers") is None:
            raise SandboxMissingError(
                msg("the package testcontainers is not installed"), hint=msg("pip install 'dbops[containers]'")
            )
        from docker.errors import DockerException
        from testcontainers.core.docker_client import DockerClient

        try:
            self.client: Any = DockerClient(timeout=SECONDS).client
            self._info: dict[str, Any] = self.client.info()
        except (DockerException, OSError) as error:
            raise SandboxMissingError(
                msg("no Docker engine answers: {first_line}", first_line=_first_line(error))
            ) from None
        if self._info.get("OSType") != "linux":
            raise SandboxMissingError(
                msg("the Docker engine runs {info} containers, not Linux ones", info=self._info.get("OSType"))
            )

    def close(self) -> None:
        """Ends the connection to the daemon, and none of its containers."""
        self.client.close()

    @property
    def machine(self) -> Machine:
        """The engine's: perhaps another than ours, or a virtual one in ours."""
        ours = this_machine()
        memory = int(self._info.get("MemTotal") or ours.memory)
        cpus = int(self._info.get("NCPU") or ours.cpus)
        return Machine(min(ours.memory, memory), cpus) if self.shares_files else Machine(memory // 2, cpus)

    def fits_in_memory(self, data_bytes: int) -> bool:
        """Whether half of the memory is enough for a restore of so many bytes; of 0, which means unknown, it is not."""
        return 0 < room_needed(data_bytes) <= self.machine.memory // 2

    def room(self, data_bytes: int) -> int:
        """Bytes for the data and the WAL: in memory if they fit, or else on the engine's disk."""
        if self.fits_in_memory(data_bytes):
            return self.machine.memory // 2
        if self.shares_files:
            with suppress(OSError):
                return free_room(self._root)
        return _UNKNOWN_ROOM

    def room_lacking(self, data_bytes: int) -> str | None:
        """A phrase, or None if it is enough or cannot be known."""
        if self.fits_in_memory(data_bytes) or not self.shares_files:
            return None
        try:
            return room_lacking(self._root, data_bytes, "data-root of the Docker engine")
        except OSError:
            return None

    @property
    def _root(self) -> Path:
        return Path(str(self._info.get("DockerRootDir") or "/var/lib/docker"))

    @property
    def shares_files(self) -> bool:
        """Whether a unix socket that a container makes in a folder of ours can be used by us: a local engine on Linux,
        and none in a virtual machine."""
        local = self.client.api.base_url.startswith("http+docker://")
        return sys.platform == "linux" and local and "Desktop" not in str(self._info.get("OperatingSystem"))

    def image(self, name: str) -> Image | None:
        """None: it is not here."""
        from docker.errors import ImageNotFound

        with errors_of_docker(msg("image {name}", name=name)):
            try:
                attributes = self.client.images.get(full_name(name)).attrs
            except ImageNotFound:
                return None
        digests = [digest.partition("@")[2] for digest in attributes.get("RepoDigests") or ()]
        pairs = (pair.partition("=") for pair in (attributes.get("Config") or {}).get("Env") or ())
        return Image((digests or [attributes["Id"]])[0], {key: value for key, _, value in pairs})

    def why_not_fetched(self, name: str) -> str | None:
        """None: its registry has it, and would give it."""
        from docker.errors import DockerException

        try:
            self.client.images.get_registry_data(full_name(name))
        except (DockerException, OSError) as error:
            return _first_line(error)
        return None

    def fetch(self, name: str) -> None:
        """Raises `SandboxMissingError`."""
        from docker.errors import DockerException

        try:
            self.client.images.pull(full_name(name))
        except (DockerException, OSError) as error:
            raise SandboxMissingError(
                msg(
                    "the image {name} is not here, and cannot be fetched: {first_line}",
                    name=name,
                    first_line=_first_line(error),
                ),
                hint=msg("docker pull {name}", name=name),
            ) from None

    def log(self, name: str, lines: int) -> str:
        """The last lines that the container of that name has written; '' if there is none."""
        from docker.errors import NotFound

        with errors_of_docker(msg("container {name}", name=name)), suppress(NotFound):
            raw: bytes = self.client.containers.get(name).logs(tail=lines)
            return raw.decode("utf-8", "replace").strip()
        return ""

    def remove(self, name: str) -> None:
        """The container of that name, at once, with its anonymous volumes; if there is none, so much the better."""
        from docker.errors import NotFound

        with errors_of_docker(msg("container {name}", name=name)), suppress(NotFound):
            self.client.containers.get(name).remove(force=True, v=True)

    def sweep(self) -> None:
        """Removes containers of our own runs that were killed, with their anonymous volumes. Anybody else's stay."""
        from docker.errors import APIError, NotFound

        with errors_of_docker(msg("leftovers of earlier runs")):
            found = self.client.containers.list(all=True, filters={"label": f"{MARK}=1"}, ignore_removed=True)
            for container in found:
                if is_leftover(container.labels):
                    with suppress(NotFound, APIError):  # another run may be sweeping too
                        container.remove(force=True, v=True)


@contextmanager
def errors_of_docker(subject: str) -> Iterator[None]:
    """Turns errors of Docker and of the socket to it into `SandboxError`. `subject`: what was being done, or on
    what."""
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, OSError) as error:
        raise SandboxError(
            msg("Docker, {subject}: {first_line}", subject=subject, first_line=_first_line(error)), kind="sandbox"
        ) from None


@contextmanager
def without_ryuk() -> Iterator[None]:
    """We clean up ourselves, and its image may not be here. What other users of testcontainers in this process have
    chosen holds again afterwards."""
    from testcontainers.core.config import testcontainers_config

    before = testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before


def full_name(image: str) -> str:
    """With the prefix that testcontainers is told to put before it (a registry of one's own)."""
    from testcontainers.core.config import testcontainers_config

    return f"{testcontainers_config.hub_image_name_prefix}{image}"


def _first_line(error: Exception) -> str:
    text = getattr(error, "explanation", None) or str(error)
    return str(text).strip().split("\n", 1)[0][:300]
