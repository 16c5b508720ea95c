"""demo: fill → back up → damage → restore → compare → verify → drill → corrupt a copy, on a server of its own.

Every step is the product's own operation on a real server. What must come out of each is judged: a demo in which the
damage is not seen, the restored database is not equal, or the corrupted copy is not caught, fails.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from dbops import __version__
from dbops.catalog import Catalog
from dbops.command import run
from dbops.config import App, Target
from dbops.engine.base import Engine
from dbops.engine.restoring import Wishes
from dbops.inventory.compare import Comparison, compare
from dbops.inventory.rules import Rules
from dbops.inventory.take import complete, take
from dbops.language import msg
from dbops.model import Finding, Manifest, Report, Severity, Verdict, judge
from dbops.ops.backup import backup
from dbops.ops.demo_steps import (
    STEPS,
    BackedUp,
    Caught,
    Compared,
    Damaged,
    Drilled,
    Figures,
    Filled,
    Listener,
    Restored,
    Scratch,
    Started,
    Statement,
    Step,
    Tools,
    Verified,
)
from dbops.ops.drill import drill, errors_of
from dbops.ops.fetch import archive_name
from dbops.ops.restore import restore
from dbops.ops.timing import timed
from dbops.ops.verify import verify
from dbops.progress import Silent
from dbops.sandbox.base import running

DATABASE = "finance"
STORE = "backups"
_CORRUPTED = "corrupted"
_JOBS = 2
_LIST_SECONDS = 30.0


class Told(NamedTuple):
    """What the story comes to, and the drill in it."""

    report: Report
    drill: Report


def demo(scratch: Scratch, tools: Tools, folder: Path, listener: Listener) -> Told:
    """Tells the whole story; the good backup stays in `folder`. Verdict FAIL: a step did not come out as it must."""
    story = _Story(scratch, tools, folder)
    phases: dict[str, float] = {}
    with ExitStack() as stack:
        works: tuple[Callable[[], Step], ...] = (
            lambda: story.start(stack),
            story.fill,
            story.backup,
            story.damage,
            story.restore,
            story.compare,
            story.verify,
            story.drill,
            story.corrupt,
        )
        for name, work in zip(STEPS, works, strict=True):
            listener.begin(name)
            with timed(phases, name):
                step = work()
            listener.end(name, phases[name], step)
    return Told(story.report(phases), story.drilled)


class _Story:
    """The steps, and what was wrong with them."""

    def __init__(self, scratch: Scratch, tools: Tools, folder: Path) -> None:
        self._scratch = scratch
        self._tools = tools
        self._folder = folder
        self._catalog = tools.catalog(folder / STORE)
        self._findings: list[Finding] = []
        self._before: Figures
        self._manifest: Manifest
        self._engine: Engine
        self.drilled: Report

    def start(self, stack: ExitStack) -> Started:
        stack.enter_context(running(self._scratch))
        self._target = Target(
            url=self._scratch.url(DATABASE), name=DATABASE, jobs=1, inventory="content", bindir=self._scratch.bindir
        )
        self._engine = self._tools.engine(self._target)
        return Started(self._scratch.about)

    def fill(self) -> Filled:
        self._scratch.execute("postgres", f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        self._scratch.execute(DATABASE, _sql("demo"))
        self._before = self._figures()
        return Filled(DATABASE, self._engine.server().database_bytes, self._before)

    def backup(self) -> BackedUp:
        made = backup(self._engine, self._catalog, self._target, clock=self._tools.clock, progress=Silent())
        assert isinstance(made, Manifest)  # noqa: S101 - a Plan is for dry runs
        self._manifest = made
        return BackedUp(made, self._archive(self._folder / STORE))

    def damage(self) -> Damaged:
        statements = [line.removesuffix(";") for line in _sql("demo_damage").splitlines()]
        done = [Statement(sql, self._scratch.execute(DATABASE, sql)[-1].status) for sql in statements]
        found = self._compared()
        if not found.findings:
            self._wrong(
                "damage-not-seen", DATABASE, msg("differences"), msg("the comparison calls a damaged database equal")
            )
        return Damaged(tuple(done), self._before, self._figures(), tuple(found.findings))

    def restore(self) -> Restored:
        report = restore(
            self._engine.restorer(),
            self._catalog,
            self._manifest,
            Wishes(jobs=_JOBS, end_sessions=True),  # all of them are ours
            App(),
            clock=self._tools.clock,
            progress=Silent(),
            confirm=lambda _: True,
        )
        if report.verdict is not Verdict.PASS:
            self._wrong(
                "restore-failed", DATABASE, msg("verdict PASS"), msg("verdict {value}", value=report.verdict.value)
            )
        self._findings += [finding for finding in report.findings if finding.severity is Severity.ERROR]
        return Restored(report, str(report.provenance.get("old_database", "")))

    def compare(self) -> Compared:
        found = self._compared()
        self._findings += found.findings
        after = self._figures()
        if after != self._before:
            self._wrong("figures-differ", DATABASE, str(self._before), str(after))
        return Compared(self._manifest, after, tuple(found.findings), len(found.not_evaluated))

    def verify(self) -> Verified:
        report = self._verify(self._catalog)
        if report.verdict is not Verdict.PASS:
            self._wrong(
                "good-backup-refused",
                self._manifest.id,
                msg("verdict PASS"),
                msg("verdict {value}", value=report.verdict.value),
            )
            self._findings += report.findings
        return Verified(report)

    def drill(self) -> Drilled:
        places = self._tools.places(self._target)
        self.drilled = drill(
            self._catalog, self._manifest, self._target, places, clock=self._tools.clock, progress=Silent()
        )
        if self.drilled.verdict is not Verdict.PASS:
            self._wrong(
                "drill-failed",
                self._manifest.id,
                msg("verdict PASS"),
                msg("verdict {value}", value=self.drilled.verdict.value),
            )
            self._findings += errors_of(self.drilled)
        return Drilled(self.drilled)

    def corrupt(self) -> Caught:
        """One byte of a copy is changed; the backup itself stays good."""
        folder = self._folder / _CORRUPTED
        try:
            shutil.copytree(self._folder / STORE, folder)
            archive = self._archive(folder)
            change = flip(archive)
            report = self._verify(self._tools.catalog(folder))
            subjects = {finding.subject for finding in report.findings if finding.severity is Severity.ERROR}
            if report.verdict is not Verdict.FAIL or subjects != {f"{self._manifest.id}/{archive.name}"}:
                seen = msg(
                    "verdict {value}, about {subjects}",
                    value=report.verdict.value,
                    subjects=", ".join(sorted(subjects)) or msg("nothing"),
                )
                self._wrong("corruption-not-caught", archive.name, msg("verdict FAIL, about this file alone"), seen)
            return Caught(archive.name, *change, self._listed(archive), report)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def report(self, phases: dict[str, float]) -> Report:
        manifest, about = self._manifest, self._scratch.about
        return Report(
            task="demo",
            target=DATABASE,
            verdict=judge(self._findings),
            findings=tuple(self._findings),
            phases=phases,
            provenance={
                "backup": manifest.id,
                "store": self._catalog.store.url,
                "folder": str(self._folder),
                "bytes": manifest.bytes,
                "artifacts": len(manifest.artifacts),
                "tables": len(manifest.inventory.tables),
                "rows": manifest.rows,
                "server": about.source,
                "server_version": about.version,
                "dbops_version": __version__,
            },
        )

    # --- below them -------------------------------------------------------------------------------------------------

    def _archive(self, store: Path) -> Path:
        return store / self._catalog.key(DATABASE, self._manifest.id, archive_name(self._manifest))

    def _figures(self) -> Figures:
        return Figures(*self._scratch.execute(DATABASE, _sql("demo_figures"))[-1].rows[0])

    def _compared(self) -> Comparison:
        """The database of now with the inventory of the backup."""
        with self._engine.snapshot() as snapshot:
            found = complete(take(snapshot, "content", _JOBS, Silent()), snapshot.sequences(), {})
        return compare(self._manifest.inventory, found, Rules())

    def _verify(self, catalog: Catalog) -> Report:
        return verify(self._engine, catalog, self._manifest, jobs=_JOBS, progress=Silent(), clock=self._tools.clock)

    def _listed(self, archive: Path) -> int | None:
        """How many entries `pg_restore --list` shows, if it is content: all that many a runbook asks of a backup."""
        result = run([str(self._scratch.bindir / "pg_restore"), "--list", str(archive)], timeout=_LIST_SECONDS)
        lines = [line for line in result.stdout.splitlines() if line and not line.startswith(";")]
        return len(lines) if result.status == 0 else None

    def _wrong(self, kind: str, subject: str, expected: str, actual: str) -> None:
        self._findings.append(
            Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual)
        )


def flip(path: Path) -> tuple[int, int, int]:
    """Changes one bit of the byte in the middle of a file: its offset, the byte before and after."""
    with path.open("r+b") as file:
        offset = path.stat().st_size // 2
        file.seek(offset)
        before = file.read(1)[0]
        after = before ^ 0x10
        file.seek(offset)
        file.write(bytes([after]))
    return offset, before, after


def _sql(name: str) -> str:
    return resources.files(__package__).joinpath(f"{name}.sql").read_text("utf-8")
