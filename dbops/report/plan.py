"""The plan of a backup (its dry run) as a document and as text."""

from __future__ import annotations

import shlex
import textwrap
from typing import Any

from dbops.config.units import format_size
from dbops.language import tr
from dbops.ops.backup_plan import Plan


def document(plan: Plan) -> dict[str, Any]:
    """All that was decided; nothing was written."""
    return {**plan._asdict(), "dry_run": True, "server": plan.server._asdict(), "dump": plan.dump._asdict()}


def text(plan: Plan) -> str:
    """What a backup would do: the dry run."""
    info, dump = plan.server.info, plan.dump
    free = "" if plan.free_bytes is None else tr(", {free_bytes} are free", free_bytes=format_size(plan.free_bytes))
    command = textwrap.fill(
        shlex.join(dump.argv), 80, subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False
    )
    return tr(
        "server   {engine} {server_version} at {host}, database {database}, {database_bytes}\nprogram  "
        "{program} {version}, {format} format, {compression}, jobs {jobs}\ncommand  {command}\ndigests "
        " {level}\nreadable by {keys}\n{signed}",
        engine=info.name,
        server_version=info.server_version,
        host=plan.server.host,
        database=info.database,
        database_bytes=format_size(plan.server.database_bytes),
        program=dump.program,
        version=dump.version,
        format=dump.format,
        compression=dump.compression,
        jobs=dump.jobs,
        command=command.strip(),
        level=plan.level,
        keys=", ".join(plan.keys) or tr("everybody who can read the store"),
        signed=tr("signed by {signed_by}\n", signed_by=plan.signed_by) if plan.signed_by else "",
    ) + tr(
        "into     {store}/{target}/{backup}/\nneeds    about {needed_bytes}{free}\ndry run: nothing was written\n",
        store=plan.store.rstrip("/"),
        target=plan.target,
        backup=plan.id,
        needed_bytes=format_size(plan.needed_bytes),
        free=free,
    )
