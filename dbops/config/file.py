"""`dbops.toml`, the environment and the command line become one immutable `Config`; every mistake names its place."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbops.config import Config, NotifyConfig, StoreConfig, Target
from dbops.config.checks import check_target
from dbops.config.convert import convert
from dbops.config.drivers import with_driver
from dbops.config.errors import expand, field_names, unknown_key
from dbops.config.notify import merged, secrets
from dbops.config.passwords import remember_link
from dbops.config.urls import Secret, dialect, split_password, target_name_of
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.model import TARGET_PATTERN, is_target_name

DEFAULT_FILE = "dbops.toml"
_TABLES = ("store", "targets", "notify")
_VARIABLE = re.compile(r"\$\{[^}]*\}")


def load(
    *,
    url: str | None = None,
    store: str | None = None,
    target: str | None = None,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
    need_store: bool = True,
) -> Config:
    """The configuration: flags win over the file, the file over `DATABASE_URL` and `DBOPS_STORE`.

    With `url`, the only target is that database, under the name `target` or one made from the database's name. If the
    file has a target of that name its settings stay, but not its password: it belongs to another URL. `need_store`
    False: the work is with no backup, and without a store its URL is empty.
    """
    file = find_file(environment, folder or Path.cwd())
    text = read_file(file) if file is not None else {}
    raw: dict[str, Any] = expand(text, "", environment, str(file))
    label = str(file) if file else msg("the command line")
    beside = file.parent if file else Path.cwd()
    notify = convert(raw.get("notify", {}), NotifyConfig, "notify", label, beside)
    targets = _targets(raw.get("targets", {}), label, beside, raw.get("notify", {}))
    if url is None and not targets:
        url = environment.get("DATABASE_URL") or None
    if url is not None:
        targets = _only(url, target, targets, notify)
    targets = {name: with_driver(one) for name, one in targets.items()}
    needed = need_store and not (targets and all(t.archives for t in targets.values()))
    stored = _store(raw, store, environment, label, needed=needed)
    for channels in (notify, *(target.notify for target in targets.values())):
        for secret in secrets(channels):
            remember_link(secret)
    holds = _holds_password(text)
    return Config(store=stored, targets=targets, notify=notify, file=file, file_holds_password=holds)


def find_file(environment: Mapping[str, str], folder: Path) -> Path | None:
    """The file named by `DBOPS_CONFIG`, or `dbops.toml` in `folder` if there is one. `ConfigError` if what
    `DBOPS_CONFIG` names is no file."""
    named = environment.get("DBOPS_CONFIG")
    file = Path(named) if named else folder / DEFAULT_FILE
    try:
        found = file.is_file()
    except OSError as error:  # a folder above it that this account cannot enter
        raise ConfigError(msg("{file}: {reason}", file=file, reason=error.strerror), kind="config-file") from None
    if named and not found:
        raise ConfigError(msg("DBOPS_CONFIG names {named}, which is not a file", named=named), kind="config-file")
    return file if found else None


def read_file(file: Path) -> dict[str, Any]:
    """The tables of a configuration file as they are written, and only known ones. `ConfigError` says what cannot be
    read, and where."""
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))  # Windows' editors begin a file with a mark
    except OSError as error:
        raise ConfigError(msg("{file}: {reason}", file=file, reason=error.strerror), kind="config-file") from None
    except UnicodeDecodeError:
        raise ConfigError(
            msg("{file} is not UTF-8 text", file=file), hint=msg("save it as UTF-8"), kind="config-file"
        ) from None
    except ValueError as error:  # it names line and column
        raise ConfigError(
            msg("{file}: {error}", file=file, error=error), hint=msg("see https://toml.io"), kind="config-file"
        ) from None
    for key, value in raw.items():
        if key not in _TABLES:
            raise unknown_key(key, _TABLES, str(file))
        if not isinstance(value, dict):
            raise ConfigError(
                msg("{file}: {key}: expected a table", file=file, key=key),
                hint=msg("write [{key}]", key=key),
                kind="config-value",
            )
    return raw


def _holds_password(text: dict[str, Any]) -> bool:
    """Whether the file itself, and not a variable, has a password in a URL, or the address of a notifier."""
    tables = [
        text.get("notify", {}),
        *(t.get("notify", {}) for t in text.get("targets", {}).values() if isinstance(t, dict)),
    ]
    if any("://" in _VARIABLE.sub("", str(table)) for table in tables):
        return True
    urls = [table.get("url") for table in text.get("targets", {}).values() if isinstance(table, dict)]
    plain = [url for url in urls if isinstance(url, str) and "://" in url and not url.startswith("$")]
    # A digit in the place of each variable, so that the URL can be read wherever one stands, also as its port.
    passwords = [split_password(_VARIABLE.sub("0", url))[1] for url in plain]
    return any(password and password.strip("0") for password in passwords)


def _store(
    raw: dict[str, Any], url: str | None, environment: Mapping[str, str], label: str, *, needed: bool
) -> StoreConfig:
    """`needed` False: no backup of dbops' own is asked for, and without a store the URL is empty."""
    table = dict(raw.get("store", {}))
    if url is not None and url != table.get("url"):
        same_kind = url.split(":")[0] == str(table.get("url", url)).split(":")[0]
        table = {**(table if same_kind else {}), "url": url}
    table.setdefault("url", environment.get("DBOPS_STORE") or "")
    for key in table:
        if key not in field_names(StoreConfig):  # before the url is missed, which may be the one that is misspelt
            raise unknown_key(f"store.{key}", field_names(StoreConfig), label)
    if not table["url"] and needed:
        raise ConfigError(
            msg("no store is given: where backups live"),
            hint=msg(
                "give --store file:///folder or s3://bucket/prefix, set DBOPS_STORE, or write [store] url in the file"
            ),
            kind="no-store",
        )
    return convert(table, StoreConfig, "store", label, Path.cwd())


def _targets(tables: dict[str, Any], label: str, folder: Path, notify: dict[str, Any]) -> dict[str, Target]:
    """`notify`: the general table, which fills up those of the targets."""
    targets = {}
    for name, table in tables.items():
        key = f"targets.{name}"
        if not is_target_name(name):
            hint = msg("letters, digits, '.', '_' and '-', at most 63: {target_pattern}", target_pattern=TARGET_PATTERN)
            raise ConfigError(
                msg("{label}: {key}: not a name for a target", label=label, key=key), hint=hint, kind="config-key"
            )
        if not isinstance(table, dict):
            raise ConfigError(
                msg("{label}: {key}: expected a table", label=label, key=key),
                hint=msg("write [{key}]", key=key),
                kind="config-value",
            )
        if "name" in table:
            raise unknown_key(f"{key}.name", field_names(Target), label)
        own = table.get("notify", {})
        channels = merged(notify, own) if isinstance(own, dict) else own
        targets[name] = convert({**table, "name": name, "notify": channels}, Target, key, label, folder)
        check_target(targets[name], key, label)
        if "url" not in table and targets[name].archives:
            continue
        if "url" not in table:
            hint = msg("allowed keys: {field_names}", field_names=", ".join(field_names(Target)))
            raise ConfigError(
                msg("{label}: {key}: the key 'url' is missing", label=label, key=key), hint=hint, kind="config-key"
            )
        try:
            dialect(targets[name].url)
        except ConfigError as error:
            raise ConfigError(
                msg("{label}: {key}.url: {message}", label=label, key=key, message=error.message),
                hint=error.hint,
                kind=error.kind,
            ) from None
    return targets


def _only(url: str, name: str | None, targets: dict[str, Target], notify: NotifyConfig) -> dict[str, Target]:
    """The target that `--url` makes."""
    dialect(url)
    name = name or target_name_of(url)
    if not is_target_name(name):
        raise ConfigError(
            msg("{name!r} is not a name for a target", name=name),
            hint=msg("letters, digits, '.', '_' and '-'"),
            kind="bad-target",
        )
    settings = targets.get(name) or Target(url=Secret(url), name=name, notify=notify)
    return {name: settings.elsewhere(Secret(url))}
