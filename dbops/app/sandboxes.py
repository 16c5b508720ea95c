"""Which throw-away server a word stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dbops.config import Target
from dbops.config.urls import Secret, dialect, split_password
from dbops.errors import ConfigError
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.sandbox.base import Chosen, Needs, Provider, Seen

MYSQL_FAMILY = ("mysql", "mariadb")
_WORDS = ("auto", "container", "local", "embedded")


def sandbox_choice(target: Target, given: str | None) -> str:
    """What was given, or else the target's setting. A word that means nothing is refused before a backup is fetched."""
    choice = given if given is not None else target.drill.sandbox.reveal()
    if "://" not in choice and choice not in _WORDS:
        raise _no_sandbox(choice, _WORDS[1:])
    return choice


def open_sandbox(choice: str, needs: Needs) -> Chosen:
    """A server for a backup with these needs, not started. `choice`: `auto`, `container`, `local`, `embedded`, or the
    URL of an empty server. Raises `ConfigError` for other words, `SandboxMissingError` if it cannot be had."""
    from dbops.sandbox.choose import choose

    return choose(_sandboxes(choice, needs.engine), needs)


def _sandboxes(choice: str, engine: str) -> list[Provider]:
    """Those of an engine that a word stands for, the preferred first."""
    if "://" in choice:
        return [_given_server(Secret("".join(choice)))]
    if engine == "postgres":
        known = _postgres_sandboxes()
    elif engine in MYSQL_FAMILY:
        known = _mysql_sandboxes(engine)
    else:
        raise ConfigError(
            msg("there are no sandboxes for '{engine}' yet", engine=engine),
            hint=msg("a newer dbops may"),
            kind="engine-unsupported",
        )
    taken = [provider for provider in known if choice in ("auto", provider.kind)]
    if not taken:
        raise _no_sandbox(choice, [provider.kind for provider in known])
    return taken


def _no_sandbox(choice: str, known: Sequence[str]) -> ConfigError:
    hint = msg("write auto, {known}, or the URL of an empty server", known=", ".join(known))
    return ConfigError(msg("there is no sandbox '{choice}'", choice=choice), hint=hint, kind="bad-sandbox")


def _postgres_sandboxes() -> list[Provider]:
    from dbops.sandbox.container.provider import ContainerProvider
    from dbops.sandbox.postgres.embedded import EmbeddedProvider
    from dbops.sandbox.postgres.image import PostgresImage
    from dbops.sandbox.postgres.local import LocalProvider

    return [ContainerProvider(PostgresImage()), LocalProvider(), EmbeddedProvider()]


def _mysql_sandboxes(engine: str) -> list[Provider]:
    from dbops.sandbox.container.provider import ContainerProvider
    from dbops.sandbox.mysql.image import MysqlImage
    from dbops.sandbox.mysql.local import LocalProvider
    from dbops.sandbox.mysql.product import PRODUCTS

    product = PRODUCTS[engine]
    return [ContainerProvider(MysqlImage(product)), LocalProvider(product)]


def _given_server(url: Secret) -> Provider:
    """A server that the caller gives. Which of MySQL and MariaDB it is, the server says, not the URL."""
    from dbops.sandbox.external import ExternalProvider

    if dialect(url.reveal()) in MYSQL_FAMILY:
        return ExternalProvider(url, _look_at_mysql, MYSQL_FAMILY)
    from dbops.sandbox.postgres.given import look

    return ExternalProvider(url, look)


def _look_at_mysql(url: Secret) -> Seen:
    from dbops.engine.mysql.connect import Access
    from dbops.sandbox.mysql.given import look

    plain, password = split_password(url.reveal())
    return look(Access(plain, password=password))
