"""Containers as a way to come by servers."""

from __future__ import annotations

from dbops.language import msg
from dbops.sandbox.base import Needs, Offer, Sandbox, SandboxError, SandboxMissingError
from dbops.sandbox.container.docker import Docker
from dbops.sandbox.container.recipe import Recipe
from dbops.sandbox.container.server import ContainerServer

KIND = "container"


class ContainerProvider:
    """See `sandbox.base.Provider`."""

    kind = KIND

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def offer(self, needs: Needs) -> Offer:
        """Asks the registry only for an image that is not here; fetches nothing."""
        recipe = self._recipe

        def make() -> Sandbox:
            return ContainerServer(Docker(), recipe, needs)

        name = recipe.image(needs)
        obstacles = list(recipe.lacks(needs))
        try:
            docker = Docker()
        except SandboxMissingError as error:
            said = f"{error.message} ({error.hint})" if error.hint else error.message
            return Offer(KIND, recipe.major(name, {}), (said, *obstacles), make, series=recipe.series(name, {}))
        try:
            image = docker.image(name)
            if image is None and (reason := docker.why_not_fetched(name)):
                obstacles.insert(
                    0, msg("the image {name} is not here, and cannot be fetched: {reason}", name=name, reason=reason)
                )
            if lacking := docker.room_lacking(needs.bytes):
                obstacles.append(lacking)
        except SandboxError as error:
            return Offer(KIND, 0, (error.message,), make)
        finally:
            docker.close()
        told = image.variables if image else {}
        major, series = recipe.major(name, told), recipe.series(name, told)
        return Offer(KIND, major, tuple(obstacles), make, docker.shares_files, series)
