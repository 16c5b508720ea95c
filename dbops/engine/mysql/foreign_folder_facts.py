"""What a folder of mydumper says about itself; every file of it is read to its end."""

from __future__ import annotations

from collections.abc import Iterator

from dbops.engine.dump_streams import look
from dbops.engine.dumps import Dump, DumpDatabase, DumpFacts
from dbops.engine.mysql.foreign_facts import Databases, about, moment, source_not_named
from dbops.engine.mysql.foreign_folder import Metadata, Part, Role, metadata, parts, statements
from dbops.engine.mysql.script import Kind
from dbops.errors import BadBackupError
from dbops.language import msg
from dbops.model import Finding, NotEvaluated
from dbops.progress import Progress


def real_names(found: list[Part], dump: Dump) -> dict[str, str]:
    """The databases by their names in file names: a file may have a stand-in."""
    names = {part.database: part.database for part in found}
    for part in found:
        if part.role is Role.DATABASE:
            with about(part.path.name):
                for statement in statements(part, dump.identity):
                    if statement.kind is Kind.CREATE_DATABASE:
                        names[part.database] = statement.name
    return names


def read_folder(dump: Dump, progress: Progress) -> DumpFacts:
    """Raises `BadBackupError`: 'archive-truncated', 'archive-corrupt', 'client-command' or 'foreign-statement'."""
    name = dump.path.name
    said = metadata(dump.path, name)
    found = parts(dump.path)
    if not found:
        hint = msg("look at the job that makes it: was it told to dump nothing?")
        raise BadBackupError(msg("{name} has no scripts in it", name=name), hint=hint, kind="archive-empty")
    names = real_names(found, dump)
    gathered = Databases()
    size = 0

    def on_read(count: int) -> None:
        nonlocal size
        size += count
        progress.advance(count)

    for part in found:
        here = names[part.database]
        gathered.used(here)
        with about(part.path.name):
            for statement in statements(part, dump.identity, on_read):
                gathered.take(statement, here)
    rows = [part for part in found if part.role is Role.ROWS and part.path.stat().st_size]
    packing, _ = look(rows[0].path, dump.identity) if rows else ((), b"")
    return DumpFacts(
        tool="mydumper",
        tool_version="",
        server_version="",
        databases=gathered.all(""),
        made_at=moment(said.started),
        compression="+".join(packing) or "none",
        roles=tuple(gathered.accounts),
        size=size,
        cluster=gathered.system,
        findings=tuple(_findings(dump, found, gathered.all(""))),
        not_evaluated=tuple(_unknown(said)),
    )


def _findings(dump: Dump, found: list[Part], databases: tuple[DumpDatabase, ...]) -> Iterator[Finding]:
    yield source_not_named(dump.path.name, dump.engine)
    if databases and not any(part.role is Role.TABLE for part in found):
        raise BadBackupError(
            msg("{path} has rows, but no table that they belong to", path=dump.path.name),
            hint=msg(
                "it was made with --no-schemas: dump the schemas too, or a restore has nothing to put the rows into"
            ),
            kind="no-schemas",
        )


def _unknown(said: Metadata) -> Iterator[NotEvaluated]:
    if not said.rows:
        yield NotEvaluated(
            id="rows-counted",
            reason=msg(
                "this mydumper has counted no rows (0.14.1 and later do): if a file of rows is missing, or "
                "ends between two of its statements, that cannot be known"
            ),
        )
    elif said.checksums:
        yield NotEvaluated(
            id="mydumper-checksums",
            reason=msg("the checksums in its metadata were not compared, only its counts of rows"),
        )
