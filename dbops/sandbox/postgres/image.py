"""PostgreSQL in a container: the official image, or one with the same entrypoint. See `container.recipe.Recipe`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dbops.command import redact
from dbops.config.urls import Secret
from dbops.language import msg
from dbops.sandbox.base import Needs, SandboxError
from dbops.sandbox.machine import lacking_locales
from dbops.sandbox.postgres.contrib import EXTENSIONS, LIBRARIES, LOCALES
from dbops.sandbox.postgres.settings import settings
from dbops.sandbox.postgres.urls import MAINTENANCE, SUPERUSER, port_url, socket_url

if TYPE_CHECKING:
    from dbops.sandbox.container.recipe import Place

VARIABLE = "DBOPS_POSTGRES_IMAGE"
"""Environment: where the images of PostgreSQL come from, such as `registry.internal/postgres:{major}`."""
_OFFICIAL = "postgres:{major}"
_NEWEST = 18
_OWN_SOCKETS = "/var/run/postgresql"
_LOOPBACK = "127.0.0.1"  # of the container: nobody else is there
_MISSING_LIBRARY = re.compile(r'could not access file "([^"]+)": No such file')
_SECONDS = 10


class PostgresImage:
    """The recipe."""

    engine = "postgres"
    port = 5432

    def image(self, needs: Needs) -> str:
        return needs.image or _custom().replace("{major}", str(needs.major or _NEWEST))

    def lacks(self, needs: Needs) -> tuple[str, ...]:
        name = self.image(needs)
        if needs.image or _custom() != _OFFICIAL:
            return ()
        lacking = []
        if missing := [extension for extension in needs.extensions if extension not in EXTENSIONS]:
            lacking.append(
                msg(
                    "the image {name} has no extension {missing} (set the target's drill.image)",
                    name=name,
                    missing=", ".join(missing),
                )
            )
        if missing := [library for library in needs.preload if library not in LIBRARIES | EXTENSIONS]:
            lacking.append(
                msg(
                    "the image {name} has no library {missing} (set the target's drill.image)",
                    name=name,
                    missing=", ".join(missing),
                )
            )
        if missing := lacking_locales(needs.locales, LOCALES):
            lacking.append(
                msg(
                    "the image {name} has no locale {missing} (set the target's drill.image)",
                    name=name,
                    missing=", ".join(missing),
                )
            )
        return tuple(lacking)

    def major(self, image: str, variables: Mapping[str, str]) -> int:
        if (told := variables.get("PG_MAJOR", "")).isdigit():
            return int(told)
        tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
        found = re.search(r"pg(\d+)", tag) or re.match(r"(\d+)", tag)
        return int(found[1]) if found else 0

    def series(self, image: str, variables: Mapping[str, str]) -> str:
        return str(self.major(image, variables) or "")

    def environment(self, place: Place, password: str) -> dict[str, str]:
        found = {
            "POSTGRES_USER": SUPERUSER,
            "POSTGRES_DB": MAINTENANCE,
            "POSTGRES_PASSWORD": password,
            "POSTGRES_INITDB_ARGS": "--auth-local=scram-sha-256 --no-sync",
        }
        return found | ({"PGDATA": f"{place.data}/data"} if place.data else {})

    def command(self, needs: Needs, place: Place) -> list[str]:
        found = settings(needs, place.machine, place.room)
        found["port"] = str(self.port)
        if place.socket:  # the entrypoint's own client looks for it in the usual place
            found |= {"listen_addresses": _LOOPBACK, "unix_socket_directories": f"{_OWN_SOCKETS},{place.socket}"}
        return ["postgres", *(part for name, value in found.items() for part in ("-c", f"{name}={value}"))]

    def url(self, where: str, port: int, password: str, database: str) -> Secret:
        at = socket_url if where.startswith("/") else port_url
        return at(where, port, password, database)

    def ready(self, url: Secret) -> bool:
        import psycopg

        try:
            with psycopg.connect(url.reveal(), autocommit=True, connect_timeout=_SECONDS) as connection:
                row = connection.execute("SHOW listen_addresses").fetchone()
        except psycopg.Error:
            return False
        return row is not None and row[0] != ""  # the server that an entrypoint starts to set things up has none

    def take_over(self, url: Secret, password: str) -> str:
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(url.reveal(), autocommit=True) as connection:
                verifier = connection.pgconn.encrypt_password(password.encode(), SUPERUSER.encode(), b"scram-sha-256")
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(SUPERUSER), sql.Literal(verifier.decode())))
                row = connection.execute("SHOW server_version").fetchone()
        except psycopg.Error as error:
            raise SandboxError(
                msg("the server in the container: {error}", error=redact(str(error))), kind="sandbox"
            ) from None
        return str(row[0]).split()[0] if row else ""

    def missing(self, log: str) -> str:
        found = _MISSING_LIBRARY.search(log)
        return msg("library {name}, which shared_preload_libraries names", name=found[1]) if found else ""


def _custom() -> str:
    return os.environ.get(VARIABLE) or _OFFICIAL
