"""The tasks around them: demo, init, doctor, check, test.

Each task parses its flags, calls an operation, and hands the result to `cli`. Nothing heavy is imported before it runs.
"""

from __future__ import annotations

from invoke.context import Context

from dbops.cli import boundary
from dbops.tasks.flags import Text, flags


@flags(
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


@flags()
def doctor(_: Context, target: Text = None, url: Text = None, store: Text = None, json: bool = False) -> None:
    """Check tools, connection, privileges, disk, store and clock: a line each, with the fix.

    invoke doctor --target shop
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store) as work:
        from dbops import app
        from dbops.config.passwords import exposed_files
        from dbops.ops.doctor import doctor as run

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


@flags(junit="where the JUnit report goes (default reports/junit.xml)")
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
        from dbops.tasks.checking import check as run

        run(output, target=target, url=url, store=store, junit=junit)


@flags(folder="where the sample backup is kept; what an earlier demo left there is replaced (default ./dbops-demo)")
def demo(_: Context, folder: str = "dbops-demo", json: bool = False) -> None:
    """Show the whole story on an embedded PostgreSQL: backup, damage, restore, a corrupted backup caught.

    Needs no root, no Docker, no database and no configuration; keeps one small sample backup to look at.

    invoke demo
    """
    with boundary(json) as output:
        from dbops.tasks.demo import run

        run(output, folder=folder)


@flags(fast="leave out what needs minutes")
def project_tests(_: Context, fast: bool = False) -> None:
    """Run the project's own tests: format, lint, types, import rules, tests with coverage.

    invoke test --fast
    """
    with boundary() as output:
        from dbops.tasks.selftest import run

        output.code = run(fast=fast)
