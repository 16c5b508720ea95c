"""The tasks around them: demo, init, doctor, drill, check, test.

Each task parses its flags, calls an operation, and hands the result to `cli`. Nothing heavy is imported before it runs.
"""

from __future__ import annotations

import os
from functools import partial

from invoke.context import Context

from dbops.cli import boundary
from dbops.tasks.flags import Text, flags, given_flags, printed, written


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

    A password in the URL goes into a file of its own (0600), never into dbops.toml. Without --url and --store,
    DATABASE_URL and DBOPS_STORE are taken.

    invoke init --url postgresql://me@db.internal/shop --store file:///var/backups/shop
    """
    with boundary(json) as output:
        from dbops.ops import init as operation

        url, store = url or os.environ.get("DATABASE_URL"), store or os.environ.get("DBOPS_STORE")
        answers = operation.Answers(url, store, target) if url and store else operation.ask(url, store, target)
        files = operation.write(answers, force=force, dry_run=dry_run)
        output.show(files.document(), files.text(dry_run=dry_run))


@flags(
    notify="send a test to every channel of [notify], and run its hooks with DBOPS_EVENT=test",
    grants="print the roles with the least rights for backup and for restore, as SQL to paste; check nothing",
)
def doctor(
    _: Context,
    target: Text = None,
    url: Text = None,
    store: Text = None,
    notify: bool = False,
    grants: bool = False,
    json: bool = False,
) -> None:
    """Check tools, connection, privileges, disk, store and clock: a line each, with the fix.

    invoke doctor --target shop
    invoke doctor --target shop --notify
    invoke doctor --target shop --grants
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store, need_store=not grants) as work:
        if grants:
            text = work.engine().role_sql()
            output.show({"sql": text}, text)
            return
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
            channels=app.open_channels(work.config, chosen.name if chosen else "") if notify else None,
        )
        output.report(report)


@flags(
    ("json",),
    backup="an id, the beginning of one, or 'latest' (default)",
    all="drill the newest backup of every target; with --jobs each in a process of its own, so many at a time",
    sample="'older=N': N older backups, picked at random, beside the newest",
    keep="leave the server up, and print how to connect and how to end it",
    no_owner="leave out owners and grants: all belongs to the connecting role",
    archive="a dump of another tool instead: a path, or s3://bucket/key",
    history="where the figures of all drills are kept, for the trend (default reports/history.jsonl)",
    json="print one JSON document on stdout, or write it to the file --json=FILE",
)
def drill(
    _: Context,
    target: Text = None,
    backup: str = "latest",
    all: bool = False,
    sample: Text = None,
    sandbox: Text = None,
    keep: bool = False,
    no_owner: bool = False,
    jobs: Text = None,
    archive: Text = None,
    identity: Text = None,
    history: Text = None,
    html: Text = None,
    junit: Text = None,
    json: Text = None,
    url: Text = None,
    store: Text = None,
) -> None:
    """Restore a backup into a throw-away server, compare it with its inventory, try it out.

    Exit code 0: it restores and is equal, 3: it is bad or over its RPO or RTO, 4: the drill broke, 5: something that it
    needs is missing.

    invoke drill --target shop --sandbox container --html reports/report.html
    invoke drill --archive /var/backups/shop-2026-11-24.sql.gz
    invoke drill --all --jobs 2
    """
    if all and jobs is not None and not keep and archive is None:
        from dbops.tasks.all_reports import for_all_reports
        from dbops.tasks.reporting import Paths

        words = given_flags(backup=backup, sample=sample, sandbox=sandbox, no_owner=no_owner)
        every = Paths.of(html, junit, written(json), history)
        for_all_reports(target, url, store, jobs, words, every, json=printed(json))
        return
    from dbops.session import session
    from dbops.tasks.keeping import Held, kept

    def foreign_task(dump: str, held: Held | None = None) -> None:
        with boundary(printed(json)) as output:
            from dbops.tasks import foreign
            from dbops.tasks.reporting import Paths

            given = {"all": all, "sample": sample, "no-owner": no_owner, "backup": backup != "latest", "url": url}
            foreign.refuse(name for name, value in given.items() if value)
            request = foreign.Request(target, store, sandbox, jobs, identity)
            foreign.run(output, dump, request, Paths.of(html, junit, written(json), history), held)

    def own_task(held: Held | None = None) -> None:
        with boundary(printed(json)) as output, session(target, url, store, jobs=jobs, identity=identity) as work:
            from dbops.tasks.drill import Request, parse_sample, run, run_kept
            from dbops.tasks.reporting import Paths, publish
            from dbops.tasks.telling import telling

            paths = Paths.of(html, junit, written(json), history)
            paths.prepare()
            work.check_name()
            paths = paths.with_history()
            request = Request(backup, all, parse_sample(sample), sandbox, no_owner, paths.history)
            names = list(work.config.targets) if all else work.told_targets()
            with telling(output, work.config, names, progress=work.progress) as tell:
                report, drills = run(work, request) if held is None else run_kept(work, request, held)
                publish(output, tell.judged(report, drills), drills, paths)

    task = own_task if archive is None else partial(foreign_task, archive)
    if keep:
        kept(task)
    task()


@flags(
    ("json",),
    all="every target, as without --target; with --jobs each in a process of its own, so many at a time",
    jobs="with --all: targets at a time",
    checks="folder with checks of your own (default ./checks, if it has test_*.py)",
    html="where the HTML report goes (default reports/report.html)",
    junit="where the JUnit report goes (default reports/junit.xml)",
    history="where the figures of all drills are kept, for the trend (default reports/history.jsonl)",
    json="print one JSON document on stdout, or write it to the file --json=FILE (default reports/report.json)",
)
def check(
    _: Context,
    target: Text = None,
    url: Text = None,
    store: Text = None,
    all: bool = False,
    jobs: Text = None,
    sandbox: Text = None,
    checks: Text = None,
    html: str = "reports/report.html",
    junit: str = "reports/junit.xml",
    history: str = "reports/history.jsonl",
    identity: Text = None,
    json: Text = None,
) -> None:
    """Run the checks over the newest backups: fresh, intact, restored, compared; reports in reports/.

    Exit code 0: all passed, 3: one failed, 4: one could not be run, 5: nothing was really checked.

    invoke check --target shop
    invoke check --all --jobs 2
    """
    if all or jobs is not None:
        from dbops.tasks.all_reports import for_all_reports
        from dbops.tasks.reporting import Paths

        every = Paths.of(html, junit, written(json) or "reports/report.json", history)
        words = given_flags(sandbox=sandbox, checks=checks, identity=identity)
        for_all_reports(target, url, store, jobs, words, every, json=printed(json))
        return
    with boundary(printed(json)) as output:
        from dbops.tasks.checking import Request
        from dbops.tasks.checking import check as run
        from dbops.tasks.reporting import Paths

        paths = Paths.of(html, junit, written(json) or "reports/report.json", history)
        run(output, Request(target, url, store, sandbox, checks, paths, identity))


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
