"""RESTORE.md: how to restore a backup by hand, with nothing but the product's own client and zstd or gzip."""

from __future__ import annotations

import shlex
from importlib import resources
from string import Template

from dbops.engine.mysql.flavour import named
from dbops.engine.mysql.plan import SQL, suffix
from dbops.engine.mysql.statements import identifier
from dbops.keys.guide import decrypt_step
from dbops.model import Manifest

_UNPACK = {"zstd": "zstd -dc", "gzip": "gzip -dc", "none": "cat"}


def restore_guide(manifest: Manifest) -> str:
    """The commands for this very backup; names in them are quoted for a shell, whatever they hold."""
    info = manifest.engine
    method = manifest.method.compression.partition(":")[0]
    client = "mariadb" if info.name == "mariadb" else "mysql"
    ending = suffix(manifest.method.compression)
    name = f"backup_{manifest.id}"
    create = f"CREATE DATABASE restored CHARACTER SET {info.encoding} COLLATE {info.collation}"

    def load(*files: str) -> str:
        options = "--binary-mode --max-allowed-packet=1G --database=restored"
        return f"{_UNPACK[method]} {' '.join(files)} | {client} {options}"

    if manifest.method.format == SQL:
        commands = [load(f"{name}{ending}")]
    else:
        # Each on its own: a pattern's order is the shell's, and the parts' headers set what the next one relies on.
        each = load('"$part"')
        data = f"for part in {name}/data-*{ending}; do {each} || break; done"
        commands = [load(f"{name}/schema{ending}"), data, load(f"{name}/after{ending}")]
    database = info.database.replace("\n", " ")
    return Template(_template()).substitute(
        id=manifest.id,
        target=manifest.target,
        decrypt=decrypt_step(manifest),
        product=named(info.name).title,
        database=database,
        quoted=identifier(database),
        server=info.server_version,
        tool=f"{manifest.tool.name} {manifest.tool.version}",
        client=client,
        snapshot=manifest.snapshot_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        tables=len(manifest.inventory.tables),
        rows=manifest.rows,
        create=shlex.join([client, "-e", create]),
        load="\n".join(f"       {command}" for command in commands),
    )


def _template() -> str:
    return resources.files(__package__).joinpath("RESTORE.md.template").read_text("utf-8")
