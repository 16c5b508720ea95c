"""The Invoke collection: each task parses its flags, calls an operation, and hands the result to `cli`.

Nothing heavy is imported here, so that `invoke --list` is quick.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import Task

from dbops.cli import boundary

__all__ = ["namespace"]

Text = str | None
"""A flag with a value, None when it is not given."""

_COMMON = {
    "target": "name of the target in dbops.toml (optional when there is only one)",
    "url": "database URL, such as postgresql://user@host/database (else dbops.toml, or DATABASE_URL)",
    "store": "where backups live: file:///folder or s3://bucket/prefix (else dbops.toml, or DBOPS_STORE)",
    "json": "print one JSON document on stdout, everything else on stderr",
}


def _task(**own: str) -> Callable[[Callable[..., None]], Task[Any]]:
    """An Invoke task with help for every flag: the common ones, and `own`."""

    def decorate(body: Callable[..., None]) -> Task[Any]:
        flags = body.__code__.co_varnames[1 : body.__code__.co_argcount]
        texts = {flag: (_COMMON | own)[flag] for flag in flags}
        return Task(body, help=texts, auto_shortflags=False)

    return decorate


@_task(
    target="the target's name (default: the database's name)",
    force="overwrite existing files",
    dry_run="print the file instead of writing it",
)
def init(
    _: Context,
    url: Text = None,
    store: Text = None,
    target: Text = None,
    force: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Write a commented dbops.toml, from a database URL or interactively.

    A password in the URL goes into a file of its own (0600), never into dbops.toml.

    invoke init --url postgresql://me@db.internal/shop --store file:///var/backups/shop
    """
    with boundary(json) as output:
        from dbops.ops import init as operation

        answers = operation.Answers(url, store, target) if url and store else operation.ask(url, store, target)
        files = operation.write(answers, force=force, dry_run=dry_run)
        output.show(files.document(), files.text(dry_run=dry_run))


@_task()
def doctor(_: Context, target: Text = None, url: Text = None, store: Text = None, json: bool = False) -> None:
    """Check tools, connection, privileges, disk, store and clock: a line each, with the fix.

    invoke doctor --target shop
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store) as work:
        from dbops import app
        from dbops.ops.doctor import doctor as run
        from dbops.passwords import exposed_files

        chosen = work.target_or_none()
        warnings = tuple(exposed_files(work.config, chosen))
        report = run(
            chosen,
            app.open_engine,
            lambda: work.catalog().store,
            clock=app.now,
            progress=work.progress,
            warnings=warnings,
        )
        output.report(report)


@_task(
    jobs="parallel sessions of dump and inventory (default: the target's, or 2)",
    dry_run="show the plan and stop before the first write",
)
def backup(
    _: Context,
    target: Text = None,
    url: Text = None,
    store: Text = None,
    jobs: Text = None,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Dump a database with an inventory of the same moment, hash, store; the manifest last.

    invoke backup --url postgresql://me@db.internal/shop --store file:///var/backups/shop
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store, jobs=jobs) as work:
        from dbops import app
        from dbops.ops import backup as operation
        from dbops.report import plan

        catalog = work.catalog()
        result = operation.backup(
            work.engine(), catalog, work.target(), clock=app.now, progress=work.progress, dry_run=dry_run
        )
        if isinstance(result, operation.Plan):
            output.show(plan.document(result), plan.text(result))
        else:
            output.manifest(result, catalog.store.url)


@_task()
def backups(_: Context, target: Text = None, url: Text = None, store: Text = None, json: bool = False) -> None:
    """List the backups of a store: id, age, size, verified when, by what.

    invoke backups --store s3://shop-backups/prod
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store) as work:
        from dbops import app
        from dbops.report import listing

        name = work.target().name if url else target
        found = listing.collect(work.catalog(), name)
        output.show(listing.document(found), listing.text(found, app.now()))


@_task(
    backup="an id, the beginning of one, 'latest' (default), or 'all'",
    jobs="files read at the same time (default 2)",
)
def verify(
    _: Context,
    target: Text = None,
    backup: str = "latest",
    url: Text = None,
    store: Text = None,
    jobs: Text = None,
    json: bool = False,
) -> None:
    """Re-read every file of a backup from the store, compare size and SHA-256, decode the archive.

    Needs no database: a bare store is enough.

    invoke verify --store s3://shop-backups/prod --backup all
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store, jobs=jobs) as work:
        from dbops import app
        from dbops.ops.verify import verify_selected

        report = verify_selected(
            work.archive_engine,
            work.catalog(),
            work.name_in_store(),
            backup,
            jobs=work.jobs or 2,
            progress=work.progress,
            clock=app.now,
        )
        output.report(report)


@_task(yes="delete without asking", dry_run="show what would be deleted, and why")
def prune(
    _: Context,
    target: Text = None,
    url: Text = None,
    store: Text = None,
    yes: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Delete what interrupted backups left behind, with the reason for all that is kept or deleted.

    With a database at hand, its lock proves that no backup is running. Without one (a bare store), or while a backup
    runs, only what is older than a day is deleted.

    invoke prune --target shop --dry-run
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store) as work:
        from dbops import app
        from dbops.ops import prune as operation
        from dbops.report import text

        def agreed(items: tuple[operation.Item, ...]) -> bool:
            if dry_run:
                return False
            if not yes:
                work.show(text.prune(items, deleted=False))
            work.confirm("Delete these?", yes=yes)
            return True

        engine = work.engine() if work.config.targets else None
        result = operation.prune(
            engine, work.catalog(), work.name_in_store(), clock=app.now, progress=work.progress, confirm=agreed
        )
        document = {"dry_run": dry_run, "items": [item.document() for item in result]}
        output.show(document, text.prune(result, deleted=not dry_run))


@_task(junit="where the JUnit report goes (default reports/junit.xml)")
def check(
    _: Context,
    target: Text = None,
    url: Text = None,
    store: Text = None,
    junit: str = "reports/junit.xml",
    json: bool = False,
) -> None:
    """Run the checks over the backups: fresh enough, intact, decodable; JUnit under reports/.

    Exit code 0: all passed, 3: one failed, 4: one could not be run, 5: nothing was really checked.

    invoke check --target shop
    """
    with boundary(json) as output:
        from dbops.checking import check as run

        run(output, target=target, url=url, store=store, junit=junit)


@_task(fast="leave out what needs minutes")
def project_tests(_: Context, fast: bool = False) -> None:
    """Run the project's own tests: format, lint, types, import rules, tests with coverage.

    invoke test --fast
    """
    with boundary() as output:
        from dbops.selftest import run

        output.code = run(fast=fast)


namespace = Collection(init, doctor, backup, backups, verify, prune, check)
namespace.add_task(project_tests, name="test")
