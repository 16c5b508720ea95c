"""RESTORE.md: how to restore a backup by hand, with nothing but PostgreSQL's own programs."""

from __future__ import annotations

import shlex
from importlib import resources
from string import Template

from dbops.keys.guide import decrypt_step
from dbops.model import Manifest, major_version


def restore_guide(manifest: Manifest) -> str:
    """The commands for this very backup; names in them are quoted for a shell, whatever they hold."""
    info = manifest.engine
    version = manifest.tool.version
    directory = manifest.method.format == "directory"
    name = f"backup_{manifest.id}" if directory else f"backup_{manifest.id}.dump"
    create = ["createdb", "--template=template0", f"--encoding={info.encoding}"]
    create += [f"--lc-collate={info.collation}", f"--lc-ctype={info.ctype}"]
    if info.locale_provider in ("icu", "builtin"):
        flag = "--icu-locale" if info.locale_provider == "icu" else "--builtin-locale"
        create += [f"--locale-provider={info.locale_provider}", f"{flag}={info.locale}"]
    return Template(_template()).substitute(
        id=manifest.id,
        target=manifest.target,
        decrypt=decrypt_step(manifest),
        database=info.database.replace("\n", " "),
        server=info.server_version,
        major=major_version(version),
        tool=version,
        snapshot=manifest.snapshot_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        tables=len(manifest.inventory.tables),
        rows=manifest.rows,
        create=shlex.join([*create, "restored"]),
        name=name,
    )


def _template() -> str:
    return resources.files(__package__).joinpath("RESTORE.md.template").read_text("utf-8")
