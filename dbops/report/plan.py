"""The plan of a backup (its dry run) as a document and as text."""

from __future__ import annotations

import shlex
import textwrap
from typing import Any

from dbops.config.units import format_size
from dbops.ops.backup_plan import Plan


def document(plan: Plan) -> dict[str, Any]:
    """All that was decided; nothing was written."""
    return {**plan._asdict(), "dry_run": True, "server": plan.server._asdict(), "dump": plan.dump._asdict()}


def text(plan: Plan) -> str:
    info, dump = plan.server.info, plan.dump
    free = "" if plan.free_bytes is None else f", {format_size(plan.free_bytes)} are free"
    command = textwrap.fill(
        shlex.join(dump.argv), 80, subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False
    )
    return (
        f"server   {info.name} {info.server_version} at {plan.server.host}, database {info.database}, "
        f"{format_size(plan.server.database_bytes)}\n"
        f"program  {dump.program} {dump.version}, {dump.format} format, {dump.compression}, jobs {dump.jobs}\n"
        f"command  {command.strip()}\n"
        f"digests  {plan.level}\n"
        f"readable by {', '.join(plan.keys) or 'everybody who can read the store'}\n"
        + (f"signed by {plan.signed_by}\n" if plan.signed_by else "")
        + f"into     {plan.store.rstrip('/')}/{plan.target}/{plan.id}/\n"
        f"needs    about {format_size(plan.needed_bytes)}{free}\n"
        "dry run: nothing was written\n"
    )
