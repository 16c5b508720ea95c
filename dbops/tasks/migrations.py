"""The tasks over the application's revisions: status, gate.

Each task parses its flags, calls an operation, and hands the result to `cli`. Nothing heavy is imported before it runs.
"""

from __future__ import annotations

from invoke.context import Context

from dbops.cli import boundary
from dbops.tasks.flags import Text, flags

_DIRECTORY = "the folder with env.py and versions/ (default: migrations.directory of the target)"
_REHEARSED = "the backup to rehearse on: an id, the beginning of one, or 'latest' (default)"
_TO = "a revision of the code to stop at, or LABEL@head (default: all heads)"
_BASE = "a branch, such as origin/main: judge what the merge with it makes, and what it lacks"


@flags(directory=_DIRECTORY, base=_BASE)
def status(
    _: Context,
    target: Text = None,
    directory: Text = None,
    base: Text = None,
    url: Text = None,
    json: bool = False,
) -> None:
    """Show migrations: where the database is, the heads of the code, what is pending, conflicts.

    Exit code 0: no conflict, 3: an upgrade would not go as it should, 5: not all could be read.

    invoke status --target shop
    invoke status --directory migrations --base origin/main
    """
    with boundary(json) as output:
        from dbops.tasks.gating import Request, status

        status(output, Request(target, directory, base, url))


@flags(
    static="rules over the files alone: no database, no application, and no configuration with --directory",
    directory=_DIRECTORY,
    base=_BASE,
    rules="print every rule: its severity, why it is there, what to do",
    format="what is printed: text (default), json, junit, sarif, or github (annotations of GitHub Actions)",
    sarif="where the SARIF report goes",
    backup=_REHEARSED,
)
def gate(
    _: Context,
    target: Text = None,
    static: bool = False,
    directory: Text = None,
    base: Text = None,
    url: Text = None,
    store: Text = None,
    sandbox: Text = None,
    backup: str = "latest",
    rules: bool = False,
    format: Text = None,
    sarif: Text = None,
    junit: Text = None,
    html: Text = None,
    json: bool = False,
) -> None:
    """Say go or no-go for the pending revisions: rules over files, graph and database, and a rehearsal.

    Exit code 0: nothing speaks against it, 3: no-go, 5: not everything could be judged.

    invoke gate --static --directory migrations --base origin/main
    invoke gate --target shop --sarif reports/gate.sarif --html reports/gate.html
    """
    with boundary(json or format == "json") as output:
        from dbops.tasks.gating import Files, Request, gate, show_rules

        if rules:
            show_rules(output)
        else:
            request = Request(target, directory, base, url, static, store, sandbox, backup)
            gate(output, request, Files.of(format, json, sarif, junit, html))


@flags(directory=_DIRECTORY, backup=_REHEARSED, to=_TO)
def rehearse(
    _: Context,
    target: Text = None,
    backup: str = "latest",
    to: Text = None,
    directory: Text = None,
    sandbox: Text = None,
    url: Text = None,
    store: Text = None,
    html: Text = None,
    junit: Text = None,
    json: bool = False,
) -> None:
    """Run the pending revisions on a restored backup: time, locks, rewrites, what is lost, the way back.

    Exit code 0: it runs, 3: it must not run on the database, 5: it could not be tried.

    invoke rehearse --target shop --html reports/rehearsal.html
    """
    with boundary(json) as output:
        from dbops.tasks.gating import Files, Request
        from dbops.tasks.migrating import rehearse

        request = Request(target, directory, None, url, False, store, sandbox, backup)
        rehearse(output, request, Files.of(None, json, None, junit, html), to)


@flags(
    to=_TO,
    sql="print the SQL that would run, and change nothing",
    backup=_REHEARSED,
    accept="why it may run though not everything could be judged; the reason is kept in the report",
    auto_restore="restore the safety backup if it fails and has changed anything",
    yes="migrate without asking",
    dry_run="judge and rehearse, and stop before the first change",
)
def migrate(
    _: Context,
    target: Text = None,
    to: Text = None,
    sql: bool = False,
    backup: str = "latest",
    sandbox: Text = None,
    accept: Text = None,
    auto_restore: bool = False,
    yes: bool = False,
    dry_run: bool = False,
    url: Text = None,
    store: Text = None,
    html: Text = None,
    junit: Text = None,
    json: bool = False,
) -> None:
    """Judge, rehearse, back up, lock, and run the application's own upgrade; prove that it is at its head.

    Exit code 0: it is where it should be, 3: no-go, or it failed, 4: it could not get its locks, 5: not all was judged.

    invoke migrate --target shop --dry-run
    invoke migrate --target shop --yes --auto-restore
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store) as work:
        from dbops.tasks.gating import Files, Request
        from dbops.tasks.migrating import Flags, run
        from dbops.tasks.restore import repeated

        again = repeated(target=target, url=url, store=store, into=None) or ("--target", work.target().name)
        request = Request(target, None, None, url, False, store, sandbox, backup)
        chosen = Flags(to, sql, dry_run, yes, auto_restore, accept, again)
        run(work, output, request, Files.of(None, json, None, junit, html), chosen)


@flags(
    directory=_DIRECTORY,
    message="what the merge is called, in its file's name too",
    accept="why to merge heads that are not shown to commute; it lands in the docstring of the revision",
    dry_run="prove and render, and write nothing",
)
def merge(
    _: Context,
    target: Text = None,
    directory: Text = None,
    message: Text = None,
    accept: Text = None,
    sandbox: Text = None,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Write the revision that merges all heads, if both orders of the branches give one schema.

    Exit code 0: written, or there is one head, 3: the branches do not commute, 5: that could not be shown.

    invoke merge --target shop --message "merge invoices and taxes"
    """
    with boundary(json) as output:
        from dbops.tasks.gating import Request
        from dbops.tasks.merging import merge

        request = Request(target, directory, None, None, True, None, sandbox)
        merge(output, request, message or "", accept or "", dry_run=dry_run)
