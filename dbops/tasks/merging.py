"""What `merge` does with its flags: no database is needed, but the target's kind, its application and a sandbox are."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dbops import app
from dbops.cli import Output
from dbops.config.file import load
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.migrations.runner_place import find_place
from dbops.ops.gate import Settings
from dbops.ops.gate_commute import Commuter
from dbops.ops.merge import Merged, Request
from dbops.ops.merge import merge as merging
from dbops.ops.migration_ground import Ground, read_files
from dbops.report import migrations_text
from dbops.tasks import gating
from dbops.tasks.trying import workshop


def merge(output: Output, request: gating.Request, message: str, accept: str, *, dry_run: bool) -> None:
    config = load(target=request.target, need_store=False)
    if not config.targets:
        hint = msg(
            "write [targets.NAME] url and [targets.NAME.migrations] kind, directory, python in dbops.toml (dbops init):"
        )
        hint += msg("\nboth orders run in a throw-away server of the URL's kind; the database itself is not looked at")
        raise ConfigError(
            msg("merge has to run the application's revisions, and knows no target"), hint=hint, kind="no-target"
        )
    target = config.target(request.target)
    migrations = target.migrations
    if migrations is None:
        hint = msg("write [targets.{target}.migrations] in dbops.toml", target=target.name)
        raise ConfigError(
            msg("targets.{target}: it has no migrations", target=target.name), hint=hint, kind="no-migrations"
        )
    if request.directory:
        migrations = msgspec.structs.replace(migrations, directory=Path(request.directory).expanduser())
    history, _ = read_files(migrations.directory, None)
    ground = Ground(history, target=target.name)
    settings = Settings(migrations.rules, migrations.suppress)
    with workshop(target, migrations, history, request.sandbox, None) as shop:
        proof = Commuter(shop, always=True)
        done = merging(
            ground,
            settings,
            find_place(migrations),
            proof.step(),
            Request(message, accept, dry_run),
            clock=app.now,
        )
    output.report(done.report, _text(done, dry_run))


def _text(done: Merged, dry_run: bool) -> str:
    text = migrations_text.gate(done.report, done.history)
    if done.file is None:
        heads = done.report.heads
        return text + (f"nothing to merge: the head is {heads[0]}\n" if len(heads) == 1 else "nothing was written\n")
    if dry_run:
        return f"{text}\n{done.file.path} would be:\n\n{done.file.text}"
    return f"{text}written: {done.file.path}\n"
