"""The composition root: configuration -> engine, store, catalog. The only module that names adapters, lazily."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from dbops.catalog import Catalog
from dbops.config import Config, StoreConfig, Target
from dbops.config.urls import Secret, dialect, split_password
from dbops.engine.base import Engine
from dbops.errors import ConfigError
from dbops.keys.keyring import Keyring
from dbops.store.base import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dbops.engine.dumps import DumpLoader, DumpReader
    from dbops.engine.scratch import ScratchServer
    from dbops.notify.base import Channel
    from dbops.ops.drill import Places
    from dbops.ops.foreign_drill import ForeignDrill, ForeignPlaces
    from dbops.ops.foreign_source import Location
    from dbops.progress import Progress
    from dbops.sandbox.base import Chosen, Needs, Provider, Seen
    from dbops.sandbox.postgres.embedded import EmbeddedPostgres

_MYSQL_FAMILY = ("mysql", "mariadb")
_SANDBOXES = ("auto", "container", "local", "embedded")


def now() -> datetime:
    """The clock that is injected everywhere."""
    return datetime.now(UTC)


def open_store(config: StoreConfig) -> Store:
    """The store of a URL: `file:///folder`, a plain path, or `s3://bucket/prefix`."""
    if not config.url:
        raise ConfigError("no store is given", hint="write [store] url in dbops.toml, or give --store", kind="no-store")
    scheme, separator, _ = config.url.partition("://")
    if not separator or scheme == "file":
        from dbops.store.local import LocalStore

        return LocalStore(_folder(config.url))
    if scheme == "s3":
        from dbops.store.s3 import S3Store

        bucket, _, prefix = config.url.removeprefix("s3://").partition("/")
        if not bucket:
            raise ConfigError(f"{config.url}: no bucket", hint="write s3://bucket/prefix", kind="bad-store")
        return S3Store(
            bucket,
            prefix.strip("/"),
            endpoint_url=config.endpoint_url,
            region=config.region,
            profile=config.profile,
            sse=config.sse,
            sse_kms_key_id=config.sse_kms_key_id,
            storage_class=config.storage_class,
            addressing_style=config.addressing_style,
            checksums=config.checksums,
        )
    raise ConfigError(
        f"no store for '{scheme}://'", hint="write file:///folder or s3://bucket/prefix", kind="bad-store"
    )


def open_catalog(config: StoreConfig, keys: Keyring | None = None) -> Catalog:
    """`keys`: those of the environment, unless others are given."""
    return Catalog(open_store(config), keys)


def open_engine(target: Target) -> Engine:
    """The engine of a target's URL, bound to its connection; nothing is connected yet."""
    from dbops.config.passwords import password

    url, given = split_password(target.url)[0], password(target)
    lock_timeout = float(target.lock_timeout)
    give_way = None if math.isinf(target.give_way) else float(target.give_way)
    if dialect(target.url) in _MYSQL_FAMILY:
        from dbops.engine.mysql.engine import MysqlEngine

        return MysqlEngine(url, password=given, bindir=target.bindir, lock_timeout=lock_timeout, give_way=give_way)
    from dbops.engine.postgres.engine import PostgresEngine

    return PostgresEngine(url, password=given, bindir=target.bindir, lock_timeout=lock_timeout, give_way=give_way)


def places(target: Target, sandbox: str | None = None) -> Places:
    """Where a drill of the target finds its server and its engine. `sandbox` None: as the target's settings say."""
    from dbops.ops.drill import Places

    choice = _sandbox_choice(target, sandbox)
    settings = Target(url=Secret(""), name=target.name, bindir=target.bindir)
    return Places(
        sandbox=lambda needs: open_sandbox(choice, needs),
        engine=lambda url: open_engine(msgspec.structs.replace(settings, url=url)),
    )


def foreign_places(target: Target, store: StoreConfig, sandbox: str | None = None) -> ForeignPlaces:
    """Where a drill of a dump of another tool finds its server, its engine and, by the store's settings, buckets."""
    from dbops.ops.foreign_drill import ForeignPlaces

    choice = _sandbox_choice(target, sandbox)
    return ForeignPlaces(
        sandbox=lambda needs: open_sandbox(choice, needs),
        reader=lambda engine: _dump_reader(engine, target.bindir),
        loader=lambda engine, url: _dump_loader(engine, url, target.bindir),
        bucket=lambda name: open_bucket(store, name),
    )


def _sandbox_choice(target: Target, given: str | None) -> str:
    """What was given, or else the target's setting. A word that means nothing is refused before a backup is fetched."""
    choice = given if given is not None else target.drill.sandbox.reveal()
    if "://" not in choice and choice not in _SANDBOXES:
        raise _no_sandbox(choice, _SANDBOXES[1:])
    return choice


def find_archive(config: Config, target: Target) -> Location:
    """The newest dump of a target with `archives`; relative to the configuration's folder."""
    from dbops.ops.foreign_source import newest

    folder = config.file.absolute().parent if config.file is not None else Path.cwd()
    return newest(target.archives or "", folder, lambda name: open_bucket(config.store, name))


def foreign_drill(
    config: Config,
    target: Target,
    location: Location,
    *,
    progress: Progress,
    sandbox: str | None = None,
    history: Path | None = None,
    identity: Path | None = None,
) -> ForeignDrill:
    """A drill of a dump of another tool, that has not run. `history`: the figures of earlier ones, for the trend."""
    from dbops.ops.foreign_drill import ForeignDrill
    from dbops.ops.foreign_trend import Past
    from dbops.report.history import read

    lines = read(history) if history is not None else []
    return ForeignDrill(
        location,
        target,
        foreign_places(target, config.store, sandbox),
        clock=now,
        progress=progress,
        past=[Past(line.backup, line.bytes, line.rows) for line in lines if line.target == target.name],
        identity=identity,
    )


def open_bucket(store: StoreConfig, name: str) -> Store:
    """A bucket with dumps, reached as the store's own is, if that is one."""
    settings = store if store.url.startswith("s3://") else StoreConfig(url="")
    return open_store(msgspec.structs.replace(settings, url=f"s3://{name}"))


def _dump_reader(engine: str, bindir: Path | None) -> DumpReader:
    if engine in _MYSQL_FAMILY:
        from dbops.engine.mysql.foreign import MysqlDumps

        return MysqlDumps()
    from dbops.engine.postgres.foreign import PostgresDumps

    return PostgresDumps(bindir)


def _dump_loader(engine: str, url: Secret, bindir: Path | None) -> DumpLoader:
    plain, password = split_password(url)
    if engine in _MYSQL_FAMILY:
        from dbops.engine.mysql.foreign import MysqlDumpLoader

        return MysqlDumpLoader(plain, password=password)
    from dbops.engine.postgres.foreign import PostgresDumpLoader

    return PostgresDumpLoader(plain, password=password, bindir=bindir)


def connect(url: Secret) -> Any:
    """An open connection of the engine's own driver (psycopg, PyMySQL), for checks that users write."""
    if dialect(url) in _MYSQL_FAMILY:
        from dbops.engine.mysql.connect import Access

        plain, password = split_password(url)
        return Access(plain, password=password).connect()
    import psycopg

    return psycopg.connect(url.reveal())


def open_embedded() -> EmbeddedPostgres:
    """The PostgreSQL server of the `demo` extra; nothing is started yet. `SandboxMissingError` without the extra."""
    from dbops.sandbox.postgres.embedded import EmbeddedPostgres

    return EmbeddedPostgres()


def open_sandbox(choice: str, needs: Needs) -> Chosen:
    """A server for a backup with these needs, not started. `choice`: `auto`, `container`, `local`, `embedded`, or the
    URL of an empty server. Raises `ConfigError` for other words, `SandboxMissingError` if it cannot be had."""
    from dbops.sandbox.choose import choose

    return choose(_sandboxes(choice, needs.engine), needs)


def scratch(engine: str, url_of: Callable[[str], Secret], *, encoding: str = "", collation: str = "") -> ScratchServer:
    """Scratch databases on a sandbox's server: `url_of` is its `url`."""
    if engine in _MYSQL_FAMILY:
        from dbops.engine.mysql.scratch import MysqlScratch

        return MysqlScratch(url_of, encoding=encoding, collation=collation)
    from dbops.engine.postgres.scratch import PostgresScratch

    return PostgresScratch(url_of)


def _sandboxes(choice: str, engine: str) -> list[Provider]:
    """Those of an engine that a word stands for, the preferred first."""
    if "://" in choice:
        return [_given_server(Secret("".join(choice)))]
    if engine == "postgres":
        known = _postgres_sandboxes()
    elif engine in _MYSQL_FAMILY:
        known = _mysql_sandboxes(engine)
    else:
        raise ConfigError(
            f"there are no sandboxes for '{engine}' yet", hint="a newer dbops may", kind="engine-unsupported"
        )
    taken = [provider for provider in known if choice in ("auto", provider.kind)]
    if not taken:
        raise _no_sandbox(choice, [provider.kind for provider in known])
    return taken


def _no_sandbox(choice: str, known: Sequence[str]) -> ConfigError:
    hint = f"write auto, {', '.join(known)}, or the URL of an empty server"
    return ConfigError(f"there is no sandbox '{choice}'", hint=hint, kind="bad-sandbox")


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

    if dialect(url.reveal()) in _MYSQL_FAMILY:
        return ExternalProvider(url, _look_at_mysql, _MYSQL_FAMILY)
    from dbops.sandbox.postgres.given import look

    return ExternalProvider(url, look)


def _look_at_mysql(url: Secret) -> Seen:
    from dbops.engine.mysql.connect import Access
    from dbops.sandbox.mysql.given import look

    plain, password = split_password(url.reveal())
    return look(Access(plain, password=password))


def open_channels(config: Config, target: str, task: str | None = None) -> list[Channel]:
    """Who is told about a task of a target ('' for none); None: every channel. Each is called by the key of the
    configuration that it comes from."""
    from dbops.notify.base import Kind

    notify = config.channels(target)
    if task is not None and task not in notify.tasks:
        return []
    always, timeout = notify.when == "always", float(notify.timeout)

    def key(name: str, value: object, general: object) -> str:
        return f"notify.{name}" if value == general else f"targets.{target}.notify.{name}"

    channels: list[Channel] = []
    if notify.metrics is not None:
        from dbops.notify.metrics import Metrics

        where = key("metrics", notify.metrics, config.notify.metrics)
        channels.append(Metrics(where, notify.metrics, notify.metrics_mode, timeout=timeout))
    for name, kind in (("on_success", Kind.SUCCESS), ("on_failure", Kind.FAILURE)):
        if (argv := getattr(notify, name)) is not None:
            from dbops.notify.hook import Hook

            where = key(name, argv, getattr(config.notify, name))
            channels.append(Hook(where, argv, kind, timeout=float(notify.hook_timeout)))
    for index, link in enumerate(notify.webhook):
        from dbops.notify.webhook import Webhook

        where = key(f"webhook[{index}]", notify.webhook, config.notify.webhook)
        channels.append(Webhook(where, link, always=always, timeout=timeout))
    for index, address in enumerate(notify.apprise):
        from dbops.notify.chat import Chat

        where = key(f"apprise[{index}]", notify.apprise, config.notify.apprise)
        channels.append(Chat(where, address, always=always, timeout=timeout))
    for name in notify.ping.__struct_fields__:
        if task in (None, name) and (link := getattr(notify.ping, name)) is not None:
            from dbops.notify.ping import Ping

            where = key(f"ping.{name}", link, getattr(config.notify.ping, name))
            channels.append(Ping(where, link, timeout=timeout))
    return channels


def archive_engine(name: str, *, bindir: Path | None = None) -> Engine:
    """The engine that decodes archives of a dialect (`manifest.engine.name`). It never connects to a database."""
    if name in _MYSQL_FAMILY:
        from dbops.engine.mysql.engine import MysqlEngine

        return MysqlEngine(f"{name}:///", password=None, bindir=bindir)
    if name not in ("postgres", "postgresql"):
        raise ConfigError(
            f"archives of '{name}' are not supported yet", hint="a newer dbops may", kind="engine-unsupported"
        )
    from dbops.engine.postgres.engine import PostgresEngine

    return PostgresEngine("postgresql:///", password=None, bindir=bindir, lock_timeout=5.0, give_way=None)


def _folder(url: str) -> Path:
    if "://" not in url:
        return Path(url).expanduser().absolute()
    host, slash, rest = url.removeprefix("file://").partition("/")
    path = unquote(slash + rest)
    if host not in ("", "localhost") or len(path) < 2:
        raise ConfigError(
            f"{url}: not a folder of this machine", hint="write file:///folder, with three slashes", kind="bad-store"
        )
    return Path(path)
