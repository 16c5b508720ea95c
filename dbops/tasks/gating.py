"""What `status` and `gate` do with their flags: which files and database they judge, and the forms of the result."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import NamedTuple

from dbops import app
from dbops.cli import Output
from dbops.config import Migrations, Target
from dbops.config.file import load
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.migrations.suppressions import check_settings
from dbops.ops import gate as gating
from dbops.ops import status as standing
from dbops.ops.gate import Settings
from dbops.ops.migration_ground import Ground, read_files
from dbops.ops.migration_report import MigrationReport
from dbops.report import migrations_text
from dbops.report.page import Page
from dbops.report.write import add_step_summary
from dbops.tasks.reporting import Paths

FORMATS = ("text", "json", "junit", "sarif", "github")


class Request(NamedTuple):
    """The flags that say what is judged. `static`: no database."""

    target: str | None = None
    directory: str | None = None
    base: str | None = None
    url: str | None = None
    static: bool = False
    store: str | None = None
    sandbox: str | None = None
    backup: str = "latest"


class Files(NamedTuple):
    """What is printed, and which files are written."""

    format: str
    paths: Paths

    @classmethod
    def of(cls, form: str | None, json: bool, sarif: str | None, junit: str | None, html: str | None) -> Files:
        if json and form not in (None, "json"):
            raise ConfigError(msg("--json and --format {form}: say one of them", form=form), kind="bad-flag")
        chosen = "json" if json else form or "text"
        if chosen not in FORMATS:
            raise ConfigError(
                msg("--format {chosen}", chosen=chosen),
                hint=msg("allowed: {formats}", formats=", ".join(FORMATS)),
                kind="bad-flag",
            )
        return cls(chosen, Paths.of(html, junit, None)._replace(sarif=Path(sarif).absolute() if sarif else None))


def show_rules(output: Output) -> None:
    """`gate --rules`."""
    output.show(migrations_text.rules_document(), migrations_text.rules())


def status(output: Output, request: Request) -> None:
    ground, settings, phases, _ = judged(request)
    report = standing.status(ground, settings, clock=app.now, phases=phases)
    output.report(report, migrations_text.status(report, ground.history))


def gate(output: Output, request: Request, files: Files) -> None:
    files.paths.prepare()
    ground, settings, phases, target = judged(request)
    if target is None or request.static:
        report = gating.gate(ground, settings, clock=app.now, phases=phases)
    else:
        from dbops.tasks.rehearsals import gate_all

        report = gate_all(ground, settings, phases, target, request)
    page = Page(run=report, drills=(), history=(), generated_at=app.now(), revisions=ground.history)
    write(page, report, ground, files)
    output.report(report, _text(page, report, ground, files.format))


def judged(request: Request) -> tuple[Ground, Settings, dict[str, float], Target | None]:
    """What is judged. A directory alone needs no configuration, and gets none."""
    if request.base == "":
        hint = msg("is a variable of CI empty? For a branch without a base leave --base out")
        raise ConfigError(msg("--base names no branch"), hint=hint, kind="bad-flag")
    if request.static and request.url:
        raise ConfigError(msg("--static looks at no database: leave out --url"), kind="bad-flag")
    target = _target(request)
    migrations = target.migrations if target is not None else None
    directory = _directory(request, migrations, target)
    settings = Settings()
    if target is not None and migrations is not None:
        settings = Settings(migrations.rules, migrations.suppress)
        check_settings(migrations.rules, migrations.suppress, f"targets.{target.name}.migrations")
    begun = time.monotonic()
    history, new = read_files(directory, request.base)
    phases = {"read": time.monotonic() - begun}
    version = applied = intent = None
    if target is not None and not request.static:
        begun = time.monotonic()
        table = migrations.version_table if migrations is not None else "alembic_version"
        schema = migrations.version_schema if migrations is not None else None
        engine = app.open_engine(target)
        version = engine.version_rows(table, schema)
        kept = engine.migrator()
        applied, intent = kept.ledger(), kept.intent()
        phases["query"] = time.monotonic() - begun
    ground = Ground(
        history,
        target=target.name if target is not None else "",
        base=request.base or "",
        new=new,
        version=version,
        ledger=applied,
        intent=intent,
        start=shlex.join(target.app.start or ()) if target is not None and target.app.stop is not None else "",
    )
    return ground, settings, phases, target


def _target(request: Request) -> Target | None:
    if request.directory and not request.target and not request.url:
        return None
    config = load(url=request.url, target=request.target, need_store=False)
    if request.url is None and not config.targets:
        hint = msg("give --directory DIR (and --url for a database), or write dbops.toml: dbops init")
        raise ConfigError(msg("no migrations are given"), hint=hint, kind="no-migrations")
    return config.target(request.target if request.url is None else next(iter(config.targets)))


def _directory(request: Request, migrations: Migrations | None, target: Target | None) -> Path:
    if request.directory:
        return Path(request.directory).expanduser()
    if migrations is None:
        name = target.name if target is not None else "NAME"
        hint = msg("give --directory, or write [targets.{name}.migrations] directory in dbops.toml", name=name)
        raise ConfigError(
            msg("targets.{name}: where its migrations are is not known", name=name), hint=hint, kind="no-migrations"
        )
    return migrations.directory


def _text(page: Page, report: MigrationReport, ground: Ground, form: str) -> str:
    match form:
        case "junit":
            from dbops.report.junit import page_junit

            return page_junit(page)
        case "sarif":
            from dbops.report.sarif import sarif

            return sarif(report, ground.history)
        case "github":
            from dbops.report.annotations import commands

            return commands(report)
    return migrations_text.gate(report, ground.history)


def write(page: Page, report: MigrationReport, ground: Ground, files: Files) -> None:
    if files.paths.sarif is not None:
        from dbops.report.sarif import sarif
        from dbops.report.write import replace

        replace(files.paths.sarif, sarif(report, ground.history))
    if files.paths.html is not None or files.paths.junit is not None:
        from dbops.report.write import write

        write(page, html=files.paths.html, junit=files.paths.junit)
    add_step_summary(report)
