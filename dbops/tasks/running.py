"""The tasks for running it for years: schedule, targets, help.

Each task parses its flags, calls an operation, and hands the result to `cli`. Nothing heavy is imported before it runs.
"""

from __future__ import annotations

from invoke.context import Context

from dbops.cli import boundary
from dbops.tasks.flags import Text, flags


@flags(
    kind="systemd (default), cron, kubernetes, github or gitlab",
    task="what runs: backup (default), verify, drill, check or prune",
    target="one target (default: all of dbops.toml)",
    when="'hourly :17', 'daily 02:45', 'weekly sun 04:17' or 'monthly 1 03:00' (default: by the task)",
    timezone="for systemd and kubernetes, such as Europe/Madrid (default: the machine's; UTC in Kubernetes)",
    user="systemd: the account that it runs as (default: whose systemd it is)",
    image="kubernetes: an image with dbops and the client programs of your server",
    folder="systemd: where the units go (default /etc/systemd/system, or the user's own)",
    jobs="targets at a time (default 1)",
    install="put it in its place: systemd units, or the crontab of this account",
    yes="install without asking",
    dry_run="with --install: show what would be installed",
)
def schedule(
    _: Context,
    kind: str = "systemd",
    task: str = "backup",
    target: Text = None,
    when: Text = None,
    timezone: Text = None,
    user: Text = None,
    image: Text = None,
    folder: Text = None,
    jobs: Text = None,
    install: bool = False,
    yes: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Print or install what runs a task again and again: systemd, cron, Kubernetes, GitHub or GitLab.

    Nothing is changed without --install. A task with its own time is a schedule of its own: one for backup, one for
    the weekly check, one for prune.

    invoke schedule --task backup --when 'daily 02:45' --user backup --install
    invoke schedule --kind cron --task check
    invoke schedule --kind kubernetes --image registry.example.com/dbops:17 > cronjob.yaml
    """
    from dbops.session import session

    with boundary(json) as output, session(None, None, None, need_store=False) as work:
        from dbops.tasks.scheduling import Request, run

        request = Request(
            kind, task, target, when, timezone, user, image, folder, jobs, install=install, yes=yes, dry_run=dry_run
        )
        run(work, output, request)


@flags(json="print {'include': [...]}: a matrix of GitHub Actions as it is")
def targets(_: Context, json: bool = False) -> None:
    """List the configured targets; with --json as the matrix of a CI system: a runner for each.

    invoke targets --json
    """
    from dbops.session import session

    with boundary(json) as output, session(None, None, None, need_store=False) as work:
        from dbops.report.targets import document, text

        output.show(document(work.config), text(work.config))


@flags(
    positional=("name",),
    name="a task, or 'all' for a list of them",
    markdown="with 'all': the whole reference, as docs/reference.md has it",
)
def manual(_: Context, name: Text, markdown: bool = False) -> None:
    """Explain a task: what it does, examples, every flag, the exit codes.

    invoke help backup
    invoke help all
    """
    # Without a default: Invoke would take an optional word for the name of the next task, and run that.
    with boundary() as output:
        from dbops.tasks import manual_pages as pages
        from dbops.tasks import namespace

        if name in (None, "all"):
            output.show(None, pages.reference(namespace) if markdown else pages.overview(namespace))
        else:
            output.show(None, pages.text(pages.find(namespace, name)))
