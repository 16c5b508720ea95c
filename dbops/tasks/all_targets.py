"""`--all` of the tasks: which targets, what their runs are told, and one result of them."""

from __future__ import annotations

from collections.abc import Sequence

from dbops import app, runs
from dbops.cli import Output, boundary
from dbops.config import Config
from dbops.errors import ConfigError, NothingToCheckError
from dbops.language import msg
from dbops.ops.several import combine, report_of
from dbops.report import several as pages
from dbops.session import Session, session
from dbops.tasks.flags import Text
from dbops.tasks.several import Several


def for_all(
    target: Text,
    url: Text,
    store: Text,
    jobs: Text,
    words: Sequence[str],
    *,
    dry_run: bool = False,
    json: bool,
) -> None:
    """The current task for every target. `words`: what each run is told."""
    with boundary(json) as output:
        refuse_one(target, url)
        with session(None, None, store, jobs=jobs) as work:
            given = [*(["--store", store] if store else []), *(["--dry-run"] if dry_run else [])]
            _run(work, output, ["--json", *words, *given], dry_run=dry_run)


def prune_all(target: Text, url: Text, store: Text, jobs: Text, *, yes: bool, dry_run: bool, json: bool) -> None:
    """Shows what would be deleted of every target, and asks once."""
    with boundary(json) as output:
        refuse_one(target, url)
        with session(None, None, store, jobs=jobs) as work:
            given = ["--json", *(["--store", store] if store else [])]
            if not yes:
                shown = _run(work, output, [*given, "--dry-run"], dry_run=True)
                if dry_run or output.code:
                    return
                work.show(shown)
                work.confirm(msg("Delete these?"), yes=False)
            _run(work, output, [*given, "--yes"])


def names(config: Config, *, own_backups: bool = True) -> list[str]:
    """Every configured target, or else every one that the store holds. `own_backups` False: also those whose dumps
    another tool makes."""
    found = [name for name, target in config.targets.items() if not (own_backups and target.archives)]
    if not config.targets:
        found = list(app.open_catalog(config.store).targets())
    if not found:
        hint = msg("write [targets.NAME] tables in dbops.toml")
        raise NothingToCheckError(msg("there is no target at all"), hint=hint, kind="no-target")
    return found


def refuse_one(target: str | None, url: str | None) -> None:
    """`--all` together with one target is a mistake, and not a guess."""
    if target is not None or url is not None:
        flag = "--target" if target is not None else "--url"
        raise ConfigError(
            msg("--all and {flag} exclude each other", flag=flag), hint=msg("leave out one of them"), kind="bad-flag"
        )


def _run(work: Session, output: Output, words: Sequence[str], *, dry_run: bool = False) -> str:
    """The task for all targets that have backups of ours, and one report of it, whose text is given back."""
    task = runs.current().task
    work.progress.end()
    ran = Several(work.config, names(work.config), words).run(work.jobs or 1)
    report = combine(task, [report_of(task, one) for one in ran])
    text = pages.text(report, dry_run=dry_run)
    output.report(report, text)
    return text
