"""MySQL or MariaDB in a container: the official image, or one with its entrypoint. See `container.recipe.Recipe`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dbops.command import redact
from dbops.config.urls import Secret
from dbops.language import msg
from dbops.sandbox.base import Needs, SandboxError
from dbops.sandbox.mysql.driver import connected, port_url, row, socket_url
from dbops.sandbox.mysql.product import Product, major_of, number_of, product_of, series_of
from dbops.sandbox.mysql.settings import arguments, settings
from dbops.sandbox.mysql.statements import statement

if TYPE_CHECKING:
    from dbops.sandbox.container.recipe import Place

_LOOPBACK = "127.0.0.1"  # of the container: nobody else is there
_SOCKET = "s"


class MysqlImage:
    """The recipe of one of the two products."""

    port = 3306

    def __init__(self, product: Product) -> None:
        self._product = product
        self.engine = product.name

    def image(self, needs: Needs) -> str:
        if needs.image:
            return needs.image
        version = needs.series or (str(needs.major) if needs.major else self._product.newest)
        return (os.environ.get(self._product.variable) or self._product.image).replace("{version}", version)

    def lacks(self, needs: Needs) -> tuple[str, ...]:  # noqa: ARG002 - nothing is known of it
        return ()

    def major(self, image: str, variables: Mapping[str, str]) -> int:
        told = _told(self._product, variables)
        if told:
            return major_of(told)
        found = re.match(r"\d+", _tag(image))
        return int(found[0]) if found else 0

    def series(self, image: str, variables: Mapping[str, str]) -> str:
        return series_of(_told(self._product, variables) or _tag(image))

    def environment(self, place: Place, password: str) -> dict[str, str]:
        prefix = self._product.prefix
        # Through a socket one comes from `localhost`, and then nobody needs to come from elsewhere.
        host = "localhost" if place.socket else "%"
        return {f"{prefix}_ROOT_PASSWORD": password, f"{prefix}_ROOT_HOST": host}

    def command(self, needs: Needs, place: Place) -> list[str]:
        found = settings(needs, place.machine, place.room)
        found["port"] = str(self.port)
        if place.data:
            found["datadir"] = f"{place.data}/data"
        if place.socket:
            found |= {"bind-address": _LOOPBACK, "socket": f"{place.socket}/{_SOCKET}"}
        return [self._product.programs[0], *arguments(found)]

    def url(self, where: str, port: int, password: str, database: str) -> Secret:
        if where.startswith("/"):
            return socket_url(self._product.name, f"{where}/{_SOCKET}", password, database)
        return port_url(self._product.name, where, port, password, database)

    def ready(self, url: Secret) -> bool:
        import pymysql

        try:
            with connected(url) as connection:
                return row(connection, statement("networking"))[:1] in ((0,), ("OFF",))
        except (pymysql.MySQLError, OSError, RuntimeError):
            return False

    def take_over(self, url: Secret, password: str) -> str:
        import pymysql

        try:
            with connected(url) as connection:
                with connection.cursor() as cursor:
                    cursor.execute(statement("change_password"), {"password": password})
                version = " ".join(str(text) for text in row(connection, statement("version")))
        except (pymysql.MySQLError, OSError) as error:
            said = redact(str(error), [password])
            raise SandboxError(msg("the server in the container: {said}", said=said), kind="sandbox") from None
        if product_of(version) is not self._product:
            raise SandboxError(
                msg(
                    "the image holds {product_of}, not {product}",
                    product_of=product_of(version).title,
                    product=self._product.title,
                ),
                hint=msg("set the target's drill.image, or {variable}", variable=self._product.variable),
                kind="sandbox",
            )
        return number_of(version)

    def missing(self, log: str) -> str:  # noqa: ARG002 - no library is asked for
        return ""


def _told(product: Product, variables: Mapping[str, str]) -> str:
    """`9.4.0-1.el9`, `1:11.8.2+maria~ubu2404`: what an official image says of itself."""
    return number_of(variables.get(f"{product.prefix}_VERSION", "").rpartition(":")[2])


def _tag(image: str) -> str:
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return tag if re.match(r"\d", tag) else ""
