"""The composition root: configuration -> engine, store, catalog. The only module that names adapters, lazily."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dbops.app.channels import open_channels as open_channels
from dbops.app.routes import full_url as full_url
from dbops.app.routes import reach as reach
from dbops.app.routes import routes as routes
from dbops.app.sandboxes import MYSQL_FAMILY, sandbox_choice
from dbops.app.sandboxes import open_sandbox as open_sandbox
from dbops.config import Config, StoreConfig, Target
from dbops.config.urls import Secret, dialect, split_password
from dbops.errors import ConfigError
from dbops.language import msg

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbops.catalog import Catalog
    from dbops.engine.base import Engine
    from dbops.engine.dumps import DumpLoader, DumpReader
    from dbops.engine.scratch import ScratchServer
    from dbops.keys.keyring import Keyring
    from dbops.ops.drill import Places
    from dbops.ops.foreign_drill import ForeignDrill, ForeignPlaces
    from dbops.ops.foreign_source import Location
    from dbops.progress import Progress
    from dbops.sandbox.postgres.embedded import EmbeddedPostgres
    from dbops.store.base import Store


def now() -> datetime:
    """The clock that is injected everywhere."""
    return datetime.now(UTC)


def open_store(config: StoreConfig) -> Store:
    """The store of a URL: `file:///folder`, a plain path, or `s3://bucket/prefix`. `ConfigError` for any other, and for
    none."""
    if not config.url:
        raise ConfigError(
            msg("no store is given"), hint=msg("write [store] url in dbops.toml, or give --store"), kind="no-store"
        )
    scheme, separator, _ = config.url.partition("://")
    if not separator or scheme == "file":
        from dbops.store.local import LocalStore

        return LocalStore(_folder(config.url))
    if scheme == "s3":
        from dbops.store.s3 import S3Store

        bucket, _, prefix = config.url.removeprefix("s3://").partition("/")
        if not bucket:
            raise ConfigError(
                msg("{url}: no bucket", url=config.url), hint=msg("write s3://bucket/prefix"), kind="bad-store"
            )
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
        msg("no store for '{scheme}://'", scheme=scheme),
        hint=msg("write file:///folder or s3://bucket/prefix"),
        kind="bad-store",
    )


def open_catalog(config: StoreConfig, keys: Keyring | None = None) -> Catalog:
    """`keys`: those of the environment, unless others are given."""
    from dbops.catalog import Catalog

    return Catalog(open_store(config), keys)


def open_engine(target: Target) -> Engine:
    """The engine of a target's URL, bound to its connection; nothing is connected yet, but for the way there if it
    needs one (ssh, run_as, container)."""
    url, given, route = reach(target)
    lock_timeout = float(target.lock_timeout)
    give_way = None if math.isinf(target.give_way) else float(target.give_way)
    if dialect(target.url) in MYSQL_FAMILY:
        from dbops.engine.mysql.engine import MysqlEngine

        return MysqlEngine(
            url, password=given, bindir=target.bindir, lock_timeout=lock_timeout, give_way=give_way, route=route
        )
    from dbops.engine.postgres.engine import PostgresEngine

    return PostgresEngine(
        url, password=given, bindir=target.bindir, lock_timeout=lock_timeout, give_way=give_way, route=route
    )


def places(target: Target, sandbox: str | None = None) -> Places:
    """Where a drill of the target finds its server and its engine. `sandbox` None: as the target's settings say."""
    from dbops.ops.drill import Places

    choice = sandbox_choice(target, sandbox)
    settings = Target(url=Secret(""), name=target.name, bindir=target.bindir)
    return Places(
        sandbox=lambda needs: open_sandbox(choice, needs),
        engine=lambda url: open_engine(msgspec.structs.replace(settings, url=url)),
    )


def foreign_places(target: Target, store: StoreConfig, sandbox: str | None = None) -> ForeignPlaces:
    """Where a drill of a dump of another tool finds its server, its engine and, by the store's settings, buckets."""
    from dbops.ops.foreign_drill import ForeignPlaces

    choice = sandbox_choice(target, sandbox)
    return ForeignPlaces(
        sandbox=lambda needs: open_sandbox(choice, needs),
        reader=lambda engine: _dump_reader(engine, target.bindir),
        loader=lambda engine, url: _dump_loader(engine, url, target.bindir),
        bucket=lambda name: open_bucket(store, name),
    )


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
    if engine in MYSQL_FAMILY:
        from dbops.engine.mysql.foreign import MysqlDumps

        return MysqlDumps()
    from dbops.engine.postgres.foreign import PostgresDumps

    return PostgresDumps(bindir)


def _dump_loader(engine: str, url: Secret, bindir: Path | None) -> DumpLoader:
    plain, password = split_password(url)
    if engine in MYSQL_FAMILY:
        from dbops.engine.mysql.foreign import MysqlDumpLoader

        return MysqlDumpLoader(plain, password=password)
    from dbops.engine.postgres.foreign import PostgresDumpLoader

    return PostgresDumpLoader(plain, password=password, bindir=bindir)


def connect(url: Secret) -> Any:
    """An open connection of the engine's own driver (psycopg, PyMySQL), for checks that users write."""
    if dialect(url) in MYSQL_FAMILY:
        from dbops.engine.mysql.connect import Access

        plain, password = split_password(url)
        return Access(plain, password=password).connect()
    import psycopg

    return psycopg.connect(url.reveal())


def open_embedded() -> EmbeddedPostgres:
    """The PostgreSQL server of the `demo` extra; nothing is started yet. `SandboxMissingError` without the extra."""
    from dbops.sandbox.postgres.embedded import EmbeddedPostgres

    return EmbeddedPostgres()


def scratch(
    engine: str, url_of: Callable[[str], Secret], *, encoding: str = "", collation: str = "", schema: str = ""
) -> ScratchServer:
    """Scratch databases on a sandbox's server: `url_of` is its `url`. `schema`: that of the version table, which no
    revision can make."""
    if engine in MYSQL_FAMILY:
        from dbops.engine.mysql.scratch import MysqlScratch

        return MysqlScratch(url_of, encoding=encoding, collation=collation)
    from dbops.engine.postgres.scratch import PostgresScratch

    return PostgresScratch(url_of, schema)


def archive_engine(name: str, *, bindir: Path | None = None) -> Engine:
    """The engine that decodes archives of a dialect (`manifest.engine.name`). It never connects to a database.
    `ConfigError` for a dialect that this dbops does not know."""
    if name in MYSQL_FAMILY:
        from dbops.engine.mysql.engine import MysqlEngine

        return MysqlEngine(f"{name}:///", password=None, bindir=bindir)
    if name not in ("postgres", "postgresql"):
        raise ConfigError(
            msg("archives of '{name}' are not supported yet", name=name),
            hint=msg("a newer dbops may"),
            kind="engine-unsupported",
        )
    from dbops.engine.postgres.engine import PostgresEngine

    return PostgresEngine("postgresql:///", password=None, bindir=bindir, lock_timeout=5.0, give_way=None)


def _folder(url: str) -> Path:
    from urllib.parse import unquote

    if "://" not in url:
        return Path(url).expanduser().absolute()
    host, slash, rest = url.removeprefix("file://").partition("/")
    path = unquote(slash + rest)
    if host not in ("", "localhost") or len(path) < 2:
        raise ConfigError(
            msg("{url}: not a folder of this machine", url=url),
            hint=msg("write file:///folder, with three slashes"),
            kind="bad-store",
        )
    return Path(path)
