"""What one engine's images need: the part of a container that is not the container's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from dbops.config.urls import Secret
from dbops.sandbox.base import Needs
from dbops.sandbox.machine import Machine


class Place(NamedTuple):
    """Where the server will run. `room`: bytes for its data and its WAL; `data`: the folder for them inside the
    container, '' for the image's own; `socket`: the folder for its unix socket inside, '' if it listens on `port`."""

    machine: Machine
    room: int
    data: str
    socket: str


class Recipe(Protocol):
    """An engine in containers. All of it is pure, but for `ready` and `take_over`, which connect."""

    @property
    def engine(self) -> str:
        """The dialect: `postgres`, `mysql`, `mariadb`."""

    @property
    def port(self) -> int:
        """On which the server listens inside the container."""

    def image(self, needs: Needs) -> str:
        """Its name with its tag: what the target says, or else what the environment or the custom is."""

    def lacks(self, needs: Needs) -> tuple[str, ...]:
        """What the image is known not to have, each a phrase; empty where nothing is known of it."""

    def major(self, image: str, variables: Mapping[str, str]) -> int:
        """By the image's name and the variables that it sets; 0: not known."""

    def series(self, image: str, variables: Mapping[str, str]) -> str:
        """The same for `Offer.series`; '' where it is not known, or the major tells all there is to know."""

    def environment(self, place: Place, password: str) -> dict[str, str]:
        """For the entrypoint of the image. The password is good until `take_over`."""

    def command(self, needs: Needs, place: Place) -> list[str]:
        """Arguments of the server."""

    def url(self, where: str, port: int, password: str, database: str) -> Secret:
        """`where` is a host, or the folder of a unix socket if it begins with a slash."""

    def ready(self, url: Secret) -> bool:
        """Whether the real server takes connections: not the one that an entrypoint starts to set things up."""

    def take_over(self, url: Secret, password: str) -> str:
        """Replaces the password that stands in the container's environment; the version of the server."""

    def missing(self, log: str) -> str:
        """What the server did not find in its image, by its last words; '' if that was not it."""
