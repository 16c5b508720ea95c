"""What `status` and `gate` do with their flags: which files and database they judge, and the forms of the result."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from dbops import app
from dbops.cli import Output
from dbops.config import Migrations, Target
from dbops.config.file import load
from dbops.errors import ConfigError
from dbops.migrations.suppressions import check_settings
from dbops.ops import gate as gating
from dbops.ops import status as standing
from dbops.ops.gate import Settings
from dbops.ops.migration_ground import Ground, read_files
from dbops.ops.migration_report import MigrationReport
from dbops.report import migrations_text
from dbops.report.page import Page
from dbops.tasks.reporting import SUMMARY, Paths

FORMATS = ("text", "json", "junit", "sarif", "github")


class Request(NamedTuple):
    """The flags that say what is judged. `static`: no database."""

    target: str | None = None
    directory: str | None = None
    base: str | None = None
    url: str | None = None
    static: bool = False


class Files(NamedTuple):
    """What is printed, and which files are written."""

    format: str
    paths: Paths

    @classmethod
    def of(cls, form: str | None, json: bool, sarif: str | None, junit: str | None, html: str | None) -> Files:
        if json and form not in (None, "json"):
            raise ConfigError(f"--json and --format {form}: say one of them", kind="bad-flag")
        chosen = "json" if json else form or "text"
        if chosen not in FORMATS:
            raise ConfigError(f"--format {chosen}", hint=f"allowed: {', '.join(FORMATS)}", kind="bad-flag")
        return cls(chosen, Paths.of(html, junit, None)._replace(sarif=Path(sarif).absolute() if sarif else None))


def show_rules(output: Output) -> None:
    """`gate --rules`."""
    output.show(migrations_text.rules_document(), migrations_text.rules())


def status(output: Output, request: Request) -> None:
    ground, settings, phases = _ground(request)
    report = standing.status(ground, settings, clock=app.now, phases=phases)
    output.report(report, migrations_text.status(report, ground.history))


def gate(output: Output, request: Request, files: Files) -> None:
    files.paths.prepare()
    ground, settings, phases = _ground(request)
    report = gating.gate(ground, settings, clock=app.now, phases=phases)
    page = Page(run=report, drills=(), history=(), generated_at=app.now(), revisions=ground.history)
    _write(page, report, ground, files)
    output.report(report, _text(page, report, ground, files.format))


def _ground(request: Request) -> tuple[Ground, Settings, dict[str, float]]:
    """What is judged. A directory alone needs no configuration, and gets none."""
    if request.static and request.url:
        raise ConfigError("--static looks at no database: leave out --url", kind="bad-flag")
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
    version = None
    if target is not None and not request.static:
        begun = time.monotonic()
        table = migrations.version_table if migrations is not None else "alembic_version"
        schema = migrations.version_schema if migrations is not None else None
        version = app.open_engine(target).version_rows(table, schema)
        phases["query"] = time.monotonic() - begun
    ground = Ground(
        history,
        target=target.name if target is not None else "",
        base=request.base or "",
        new=new,
        version=version,
    )
    return ground, settings, phases


def _target(request: Request) -> Target | None:
    if request.directory and not request.target and not request.url:
        return None
    config = load(url=request.url, target=request.target, need_store=False)
    if request.url is None and not config.targets:
        hint = "give --directory DIR (and --url for a database), or write dbops.toml: invoke init"
        raise ConfigError("no migrations are given", hint=hint, kind="no-migrations")
    return config.target(request.target if request.url is None else next(iter(config.targets)))


def _directory(request: Request, migrations: Migrations | None, target: Target | None) -> Path:
    if request.directory:
        return Path(request.directory).expanduser()
    if migrations is None:
        name = target.name if target is not None else "NAME"
        hint = f"give --directory, or write [targets.{name}.migrations] directory in dbops.toml"
        raise ConfigError(f"targets.{name}: where its migrations are is not known", hint=hint, kind="no-migrations")
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


def _write(page: Page, report: MigrationReport, ground: Ground, files: Files) -> None:
    if files.paths.sarif is not None:
        from dbops.report.sarif import sarif
        from dbops.report.write import replace

        replace(files.paths.sarif, sarif(report, ground.history))
    if files.paths.html is not None or files.paths.junit is not None:
        from dbops.report.write import write

        write(page, html=files.paths.html, junit=files.paths.junit)
    if summary := os.environ.get(SUMMARY):
        from dbops.report.markdown import summary as markdown

        with Path(summary).open("a") as file:
            file.write(markdown(report))
