"""The composition root: configuration -> engine, store, catalog. The only module that names adapters, lazily."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dbops.catalog import Catalog
from dbops.config import StoreConfig, Target
from dbops.config.urls import dialect, split_password
from dbops.engine.base import Engine
from dbops.errors import ConfigError
from dbops.store.base import Store

if TYPE_CHECKING:
    from dbops.sandbox.embedded import EmbeddedPostgres


def now() -> datetime:
    """The clock that is injected everywhere."""
    return datetime.now(UTC)


def open_store(config: StoreConfig) -> Store:
    """The store of a URL: `file:///folder`, a plain path, or `s3://bucket/prefix`."""
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


def open_catalog(config: StoreConfig) -> Catalog:
    return Catalog(open_store(config))


def open_engine(target: Target) -> Engine:
    """The engine of a target's URL, bound to its connection; nothing is connected yet."""
    if dialect(target.url) != "postgres":
        raise ConfigError(
            f"targets.{target.name}.url: MySQL and MariaDB are not supported yet",
            hint="use a postgresql:// URL",
            kind="engine-unsupported",
        )
    from dbops.config.passwords import password
    from dbops.engine.postgres.engine import PostgresEngine

    return PostgresEngine(
        split_password(target.url)[0],
        password=password(target),
        bindir=target.bindir,
        lock_timeout=float(target.lock_timeout),
        give_way=None if math.isinf(target.give_way) else float(target.give_way),
    )


def open_embedded() -> EmbeddedPostgres:
    """The PostgreSQL server of the `demo` extra; nothing is started yet. `SandboxMissingError` without the extra."""
    from dbops.sandbox.embedded import EmbeddedPostgres

    return EmbeddedPostgres()


def archive_engine(name: str, *, bindir: Path | None = None) -> Engine:
    """The engine that decodes archives of a dialect (`manifest.engine.name`). It never connects to a database."""
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
