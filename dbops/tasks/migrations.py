"""The tasks over the application's revisions: status, gate.

Each task parses its flags, calls an operation, and hands the result to `cli`. Nothing heavy is imported before it runs.
"""

from __future__ import annotations

from invoke.context import Context

from dbops.cli import boundary
from dbops.tasks.flags import Text, flags

_DIRECTORY = "the folder with env.py and versions/ (default: migrations.directory of the target)"
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
)
def gate(
    _: Context,
    target: Text = None,
    static: bool = False,
    directory: Text = None,
    base: Text = None,
    url: Text = None,
    rules: bool = False,
    format: Text = None,
    sarif: Text = None,
    junit: Text = None,
    html: Text = None,
    json: bool = False,
) -> None:
    """Say go or no-go for the pending revisions: rules over files, graph and database.

    Exit code 0: nothing speaks against it, 3: no-go, 5: not everything could be judged.

    invoke gate --static --directory migrations --base origin/main
    invoke gate --target shop --sarif reports/gate.sarif --html reports/gate.html
    """
    with boundary(json or format == "json") as output:
        from dbops.tasks.gating import Files, Request, gate, show_rules

        if rules:
            show_rules(output)
        else:
            gate(output, Request(target, directory, base, url, static), Files.of(format, json, sarif, junit, html))
