"""What a target's table says that has the right type and cannot be meant: found here, and not hours later in use."""

from __future__ import annotations

import re

from dbops.config import Keep, Target
from dbops.config.errors import field_names
from dbops.errors import ConfigError
from dbops.language import msg

_COMPRESSION = re.compile(r"none|zstd:(?:[1-9]|1[0-9])|gzip:[1-9]")
_WAY = re.compile(r"[^-\s]\S*")
_COLUMN = re.compile(r"[^.]+(?:\.[^.]+){1,2}")


def check_target(target: Target, key: str, label: str) -> None:
    """`ConfigError` for what cannot be meant. `key`: of the target's table; `label`: of the file."""
    _check_forms(target, key, label)
    _check_way(target, key, label)
    _check_keep(target.policy.keep, f"{key}.policy.keep", label)
    _check_keys(target, key, label)


def _check_forms(target: Target, key: str, label: str) -> None:
    """Text that must have a form."""
    for name, value, form, allowed in (
        ("compression", target.compression, _COMPRESSION, msg("zstd:1 to zstd:19, gzip:1 to gzip:9, or none")),
        ("freshness", target.freshness or "", _COLUMN, msg("'table.column' or 'schema.table.column'")),
    ):
        if value and not form.fullmatch(value):
            raise ConfigError(
                msg("{label}: {key}.{name} = {value!r}", label=label, key=key, name=name, value=value),
                hint=msg("write {allowed}", allowed=allowed),
                kind="config-value",
            )


def _check_way(target: Target, key: str, label: str) -> None:
    """At most one way to the server, and no word that a program would take for an option."""
    ways = target.ways()
    if len(ways) > 1:
        hint = msg("keep one of {ways}; for peer authentication behind ssh, log in as that user", ways=", ".join(ways))
        raise ConfigError(
            msg("{label}: {key}: more than one way to the server", label=label, key=key), hint=hint, kind="config-value"
        )
    for name, value in ways.items():
        if not _WAY.fullmatch(value):
            hint = msg("write a name, without spaces and not beginning with a hyphen")
            raise ConfigError(f"{label}: {key}.{name} = {value!r}", hint=hint, kind="config-value")


def _check_keep(keep: Keep | None, key: str, label: str) -> None:
    """Retention that would delete by mistake: a table that keeps nothing, or minutes where months were meant."""
    if keep is None:
        return
    if not keep.counts and keep.max_age is None:
        hint = msg(
            "write at least one of last, daily, weekly, monthly, yearly, max_age, such as { last = 3, daily = 7 }"
        )
        raise ConfigError(
            msg("{label}: {key}: says nothing of what to keep", label=label, key=key), hint=hint, kind="config-value"
        )
    if keep.max_age is not None and keep.max_age < 86400:
        hint = msg("m stands for minutes: write days or weeks, such as '400d'")
        raise ConfigError(
            msg("{label}: {key}.max_age: less than a day", label=label, key=key), hint=hint, kind="config-value"
        )


def _check_keys(target: Target, key: str, label: str) -> None:
    """Keys that are none by their first letters, and tables that name none. No private key is repeated."""
    for kind, table in (("encryption", target.encryption), ("signing", target.signing)):
        if table is not None and table == type(table)():
            names = ", ".join(field_names(type(table)))
            raise ConfigError(
                msg("{label}: {key}.{kind}: names no key", label=label, key=key, kind=kind),
                hint=msg("allowed keys: {names}", names=names),
                kind="config-value",
            )
    for index, text in enumerate(target.encryption.recipients if target.encryption else ()):
        if not text.startswith(("age1", "ssh-ed25519 ", "ssh-rsa ")):
            raise _no_key(
                msg("{label}: {key}.encryption.recipients[{index}]", label=label, key=key, index=index),
                msg("'age1…', 'ssh-ed25519 …' or 'ssh-rsa …'"),
            )
    for index, text in enumerate(target.signing.public_keys if target.signing else ()):
        if not text.startswith(("ssh-ed25519 ", "-----BEGIN PUBLIC KEY-----")):
            raise _no_key(
                msg("{label}: {key}.signing.public_keys[{index}]", label=label, key=key, index=index),
                msg("'ssh-ed25519 …', or PEM of a public key"),
            )


def _no_key(where: str, allowed: str) -> ConfigError:
    return ConfigError(
        msg("{where}: not a public key", where=where), hint=msg("write {allowed}", allowed=allowed), kind="config-value"
    )
