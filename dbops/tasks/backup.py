"""The tasks over backups: backup, backups, verify, restore, prune.

Each task parses its flags, calls an operation, and hands the result to `cli`. Nothing heavy is imported before it runs.
"""

from __future__ import annotations

from invoke.context import Context

from dbops.cli import boundary
from dbops.tasks.flags import Text, flags


@flags(
    jobs="parallel sessions of dump and inventory (default: the target's, or 2)",
    dry_run="show the plan and stop before the first write",
)
def backup(
    _: Context,
    target: Text = None,
    all: bool = False,
    url: Text = None,
    store: Text = None,
    jobs: Text = None,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Dump a database with an inventory of the same moment, hash, store; the manifest last.

    With --all, one target that fails does not stop the others; the exit code is that of the worst.

    invoke backup --url postgresql://me@db.internal/shop --store file:///var/backups/shop
    invoke backup --all --jobs 4
    """
    if all:
        from dbops.tasks.all_targets import for_all

        for_all(target, url, store, jobs, [], dry_run=dry_run, json=json)
        return
    from dbops.session import session
    from dbops.tasks.telling import telling

    with (
        boundary(json) as output,
        session(target, url, store, jobs=jobs) as work,
        telling(output, work.config, work.told_targets(), progress=work.progress, quiet=dry_run) as tell,
    ):
        from dbops import app
        from dbops.ops import backup as operation
        from dbops.ops.backup_plan import Plan
        from dbops.report import plan

        catalog = work.catalog()
        result = operation.backup(
            work.engine(),
            catalog,
            work.target(),
            clock=app.now,
            progress=work.progress,
            read_back=work.config.store.read_back,
            dry_run=dry_run,
        )
        if isinstance(result, Plan):
            output.show(plan.document(result), plan.text(result))
        else:
            output.manifest(result, catalog.store.url)
            tell.made(result)
            keep = work.target().policy.keep
            if keep is not None and keep.after_backup:
                from dbops.tasks.pruning import after_backup

                after_backup(work)


@flags()
def backups(_: Context, target: Text = None, url: Text = None, store: Text = None, json: bool = False) -> None:
    """List the backups of a store: id, age, size, verified when, by what.

    invoke backups --store s3://shop-backups/prod
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store) as work:
        from dbops import app
        from dbops.report import listing

        work.check_name()
        name = work.target().name if url else target
        found = listing.collect(work.catalog(), name)
        output.show(listing.document(found), listing.text(found, app.now(), work.config.store.url))


@flags(
    backup="an id, the beginning of one, 'latest' (default), or 'all'",
    jobs="files read at the same time (default 2)",
    require_signature="accept only backups that a trusted key has signed (signing.public_keys, DBOPS_PUBLIC_KEY)",
)
def verify(
    _: Context,
    target: Text = None,
    all: bool = False,
    backup: str = "latest",
    url: Text = None,
    store: Text = None,
    jobs: Text = None,
    identity: Text = None,
    require_signature: bool = False,
    json: bool = False,
) -> None:
    """Re-read every file of a backup from the store, compare size and SHA-256, decode the archive.

    Needs no database: a bare store is enough. An encrypted backup is decoded only with its key: without it every file
    is hashed, and the exit code is 5.

    invoke verify --store s3://shop-backups/prod --backup all
    invoke verify --all --jobs 4
    """
    if all:
        from dbops.tasks.all_targets import for_all

        more = ["--identity", identity] if identity is not None else []
        more += ["--require-signature"] if require_signature else []
        for_all(target, url, store, jobs, ["--backup", backup, *more], json=json)
        return
    from dbops.session import session
    from dbops.tasks.telling import telling

    with (
        boundary(json) as output,
        session(target, url, store, jobs=jobs, identity=identity, signed=require_signature) as work,
        telling(output, work.config, work.told_targets(), progress=work.progress) as tell,
    ):
        from dbops import app
        from dbops.ops.verify import verify_selected

        work.check_name()
        report = verify_selected(
            work.archive_engine,
            work.catalog(),
            work.name_in_store(),
            backup,
            jobs=work.jobs or 2,
            progress=work.progress,
            clock=app.now,
        )
        output.report(tell.judged(report))


@flags(
    backup="an id, the beginning of one, or 'latest' (default)",
    into="another database: a name on the same server, or a URL",
    in_place="replace the content in one transaction, for servers that allow no rename",
    end_sessions="end other sessions of the database",
    create_roles="create roles that the server lacks",
    no_owner="leave out owners and grants: all belongs to the connecting role",
    undo="bring back the database that the newest restore has set aside",
    drop_old="drop the databases that restores and --undo have set aside",
    jobs="parallel jobs of the load (default: the target's, or 2)",
    yes="restore without asking",
    dry_run="show what would be replaced, and stop before the first change",
)
def restore(
    _: Context,
    target: Text = None,
    backup: str = "latest",
    into: Text = None,
    in_place: bool = False,
    end_sessions: bool = False,
    create_roles: bool = False,
    no_owner: bool = False,
    undo: bool = False,
    drop_old: bool = False,
    jobs: Text = None,
    identity: Text = None,
    yes: bool = False,
    dry_run: bool = False,
    json: bool = False,
    url: Text = None,
    store: Text = None,
) -> None:
    """Load a backup beside the database, compare it with the inventory, then swap by rename.

    The old database stays aside: --undo brings it back, --drop-old drops it.

    invoke restore --target shop --backup 20261124T024500Z
    """
    from dbops.session import session

    with boundary(json) as output, session(target, url, store, jobs=jobs, identity=identity) as work:
        from dbops.engine.restoring import Wishes
        from dbops.tasks.restore import Request, repeated, run

        wishes = Wishes(no_owner=no_owner, end_sessions=end_sessions, create_roles=create_roles, in_place=in_place)
        again = repeated(target=target, url=url, store=store, into=into)
        output.report(run(work, Request(backup, into, wishes, undo, drop_old, yes, dry_run, again)))


@flags(
    jobs="with --all: targets at a time (default 1)",
    yes="delete without asking",
    dry_run="show what would be deleted, and why",
)
def prune(
    _: Context,
    target: Text = None,
    all: bool = False,
    url: Text = None,
    store: Text = None,
    jobs: Text = None,
    yes: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Delete backups by policy.keep, and what interrupted runs left; the reason for each is shown.

    With a database at hand, its lock proves that no backup is running. Without one (a bare store), on a standby, or
    while a backup runs, only debris older than a day is deleted. While the newest run failed, the newest verification
    is red, or a clock is wrong, no backup is deleted.

    invoke prune --target shop --dry-run
    invoke prune --all --yes
    """
    if all:
        from dbops.tasks.all_targets import prune_all

        prune_all(target, url, store, jobs, yes=yes, dry_run=dry_run, json=json)
        return
    from dbops.session import session
    from dbops.tasks.telling import telling

    with (
        boundary(json) as output,
        session(target, url, store) as work,
        telling(output, work.config, work.told_targets(), progress=work.progress, quiet=dry_run),
    ):
        from dbops.tasks.pruning import run

        run(work, output, yes=yes, dry_run=dry_run)
