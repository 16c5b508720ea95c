"""Manifests from a store are hostile until read through here: bounded, strict, and of the place where they lie."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from dbops.errors import BadBackupError, ConfigError, NewerFormatError
from dbops.language import msg
from dbops.model import MANIFEST_FORMAT, Inventory, Manifest
from dbops.store.base import check_key
from dbops.values import json_schema

LIMIT_BYTES = 256 << 20
"""Far more than the manifest of 100 000 tables needs."""
RESERVED = ("manifest.json", "manifest.json.sig", "drills")
_KEY_ID = re.compile(r"[!-~]{1,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"\d{1,4}(?!\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class _Format(msgspec.Struct):
    """The one key that every format has."""

    format: int


# Made before there are threads: msgspec 0.22 crashes the process where several decode a type for the first time.
_FORMAT_DECODER = msgspec.json.Decoder(_Format)
_DECODER = msgspec.json.Decoder(Manifest, strict=True)


def encode(manifest: Manifest) -> bytes:
    """A manifest as it is stored: indented JSON with a line end."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(chunks: Iterable[bytes], target: str, backup: str) -> Manifest:
    """The manifest of `<target>/<backup>/`; `BadBackupError` (kind `bad-manifest`) says what is wrong with it.
    `NewerFormatError` for one of a later dbops."""
    where = f"{target}/{backup}/manifest.json"
    data = bounded(chunks, where)
    try:
        if _FORMAT_DECODER.decode(data).format > MANIFEST_FORMAT:
            raise NewerFormatError(
                msg(
                    "{where} has a newer format than this dbops knows ({manifest_format})",
                    where=where,
                    manifest_format=MANIFEST_FORMAT,
                ),
                hint=msg("upgrade dbops to use this backup"),
                kind="newer-format",
            )
        manifest = _DECODER.decode(data)
    except msgspec.ValidationError as error:
        raise _bad(where, str(error).replace("`", "'")) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _bad(where, f"not JSON: {error}" if data else "it is empty") from None
    problem = next(_problems(manifest, target, backup), None)
    if problem is not None:
        raise _bad(where, problem)
    return manifest


def inventory_digest(inventory: Inventory) -> str:
    """`sha256:<hex>` over the inventory's JSON with sorted keys and an empty `digest`."""
    data = msgspec.json.encode(msgspec.structs.replace(inventory, digest=""), order="sorted")
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def schema() -> dict[str, Any]:
    """The JSON schema of format 1, which `docs/manifest.schema.json` publishes."""
    return json_schema(Manifest)


def bounded(chunks: Iterable[bytes], where: str) -> bytes:
    """A manifest's bytes, not yet looked at; `BadBackupError` if they are too many."""
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > LIMIT_BYTES:
            raise _bad(where, f"larger than {LIMIT_BYTES} bytes")
    return bytes(data)


def _bad(where: str, problem: str) -> BadBackupError:
    printable = _CONTROL.sub("?", problem)
    hint = msg("this backup cannot be trusted; 'backups' lists the others")
    return BadBackupError(msg("{where}: {printable}", where=where, printable=printable), hint=hint, kind="bad-manifest")


def _problems(manifest: Manifest, target: str, backup: str) -> Iterator[str]:
    if manifest.format != MANIFEST_FORMAT:
        yield msg("format {format} does not exist", format=manifest.format)
    if manifest.target != target:
        yield msg("it is of target {target!r}: it was moved or swapped", target=manifest.target)
    if manifest.id != backup:
        yield msg("it is of backup {backup!r}: it was moved or swapped", backup=manifest.id)
    for version in (manifest.tool.version, manifest.engine.server_version):
        if not _VERSION.match(version):
            yield msg("{version!r} is no version", version=version)
    moments = (manifest.started_at, manifest.snapshot_at, manifest.finished_at, manifest.freshness.newest)
    if any(not isinstance(moment, datetime) or moment.utcoffset() is None for moment in moments):
        yield msg("a time has no time zone")
    if not all(_KEY_ID.fullmatch(key) for key in manifest.method.keys):
        yield msg("the name of a key in it is none")
    yield from _artifact_problems(manifest)
    yield from _table_problems(manifest)
    if inventory_digest(manifest.inventory) != manifest.inventory.digest:
        yield msg("its inventory is not the one that was written: it was edited")


def _artifact_problems(manifest: Manifest) -> Iterator[str]:
    names = [artifact.name for artifact in manifest.artifacts]
    if not names:
        yield msg("it has no artifacts")
    folders = {name.rpartition("/")[0] for name in names}
    seen: set[str] = set()
    for artifact in manifest.artifacts:
        name = artifact.name
        if not _plain(name):
            yield msg("artifact name {name!r} is not a plain relative name", name=name)
        if name.split("/")[0] in RESERVED:
            yield msg("artifact name {name!r} is reserved", name=name)
        if name in seen or name in folders or manifest.method.plain_name(name) in seen | folders:
            yield msg("artifact name {name!r} is there twice", name=name)
        seen |= {name, manifest.method.plain_name(name)}
        if artifact.bytes < 0:
            yield msg("artifact {name!r} has a negative size", name=name)
        if not _SHA256.fullmatch(artifact.sha256):
            yield msg("artifact {name!r} has no SHA-256 in hexadecimal", name=name)


def _plain(name: str) -> bool:
    try:
        check_key(name)
    except ConfigError:
        return False
    return not _CONTROL.search(name)


def _table_problems(manifest: Manifest) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for table in manifest.inventory.tables:
        if table.rows < 0 or table.bytes < 0:
            yield msg("table {table!r} has a negative count", table=table.label)
        if (table.schema, table.name) in seen:
            yield msg("table {table!r} is there twice", table=table.label)
        seen.add((table.schema, table.name))
