"""What a script of mysqldump or mariadb-dump says about itself; it is read to its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from dbops.engine.dump_streams import chunks
from dbops.engine.dumps import Dump, DumpDatabase, DumpFacts
from dbops.engine.mysql import ddl
from dbops.engine.mysql import foreign_statements as says
from dbops.engine.mysql.flavour import named, parse_version
from dbops.engine.mysql.foreign_statements import Act, Left
from dbops.engine.mysql.script import Kind, Script, Statement
from dbops.engine.mysql.script_errors import TRAILER
from dbops.errors import BadBackupError, PreflightError
from dbops.language import msg
from dbops.model import Finding, Severity
from dbops.progress import Progress

BOM = b"\xef\xbb\xbf"
_TAIL = 300
_COMPLETED = re.compile(rb"-- Dump completed on (\d{4}-\d\d-\d\d)\s+(\d{1,2}:\d\d:\d\d)\s*\Z")
_SAVED = re.compile(rb"SET\s+@OLD_(?:SQL_NOTES|NOTE_VERBOSITY)\s*=\s*@@", re.IGNORECASE)
_PUT_BACK = re.compile(rb"SET\s+(?:SQL_NOTES|NOTE_VERBOSITY)\s*=\s*@OLD_", re.IGNORECASE)
_DRAWN = re.compile(r"\bnextval\(`([^`]+)`\.`([^`]+)`\)", re.IGNORECASE)
_CUT_HINT = msg(
    "the job that made it was killed, or ran out of space or connection: use another dump, and look at that job"
)


class Databases:
    """Gathers the databases of a dump and what they need, statement by statement."""

    def __init__(self) -> None:
        self._made: dict[str, DumpDatabase] = {}
        self._definers: dict[str, set[str]] = {}
        self._sequences: set[str] = set()
        self._drawn: list[tuple[str, str]] = []
        self.accounts: dict[str, None] = {}
        """That the dump itself creates."""
        self.system = False
        """It has tables of the server itself."""

    def take(self, statement: Statement, here: str) -> str:
        """The database that the dump is in after the statement. Raises as `foreign_statements.judge` does."""
        judged = says.judge(statement, here)
        if judged.act is Act.USE:
            here = says.used(statement)
            self.used(here)
        elif judged.act is Act.DATABASE:
            self._add(says.database_made(statement))
        elif judged.act is Act.DEFINE:
            account = ddl.definer(says.whole(statement))
            if account is not None:
                self._definers.setdefault(statement.database or here, set()).add(ddl.account(account))
        elif statement.kind is Kind.CREATE_SEQUENCE:
            self._sequences.add(statement.name)
        elif statement.kind is Kind.CREATE_TABLE:
            self._drawn += _DRAWN.findall(says.whole(statement))
        elif judged.left is Left.ACCOUNT and (account := says.account_made(statement)):
            self.accounts.setdefault(account)
        elif judged.left is Left.SYSTEM:
            self.system = True
        return here

    def used(self, name: str) -> None:
        """The dump has something of this database."""
        self._add(DumpDatabase(name))

    def _add(self, database: DumpDatabase) -> None:
        if database.name in says.SYSTEM:
            self.system = True
        elif database.created or database.name not in self._made:
            self._made[database.name] = database

    def all(self, default: str) -> tuple[DumpDatabase, ...]:
        """In the order of the dump; `default` names the one of a dump that has neither USE nor CREATE DATABASE.

        Where that is not known either, the defaults of MariaDB tell it, which name a sequence with its database.
        """
        default = default or next((name for name, sequence in self._drawn if sequence in self._sequences), "")
        made = self._made or {default: DumpDatabase(default)} if not self.system else self._made
        return tuple(
            database._replace(roles=tuple(sorted(self._definers.get(name, set()) | self._definers.get("", set()))))
            for name, database in made.items()
        )


class ScriptFacts:
    """Gathers what a script says, piece by piece."""

    def __init__(self, name: str, engine: str) -> None:
        self._name = name
        self._engine = engine
        self._script = Script()
        self._databases = Databases()
        self._here = ""
        self._size = 0
        self._tail = b""
        self._saved = self._put_back = False

    def feed(self, data: bytes) -> None:
        """Takes the next piece of the script, of any length."""
        data = data.removeprefix(BOM) if not self._size else data
        self._size += len(data)
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
        with about(self._name):
            self._take_all(self._script.feed(data))

    def finish(self) -> DumpFacts:
        """Raises `BadBackupError` of kind 'archive-truncated' where it is not the whole dump."""
        with about(self._name):
            self._take_all(self._script.finish())
        told = self._script.facts
        if not self._script.complete and (told.tool or (self._saved and not self._put_back)):
            raise BadBackupError(
                msg(
                    "{name} is cut: it ends between two statements, without the line '{trailer}'{nor}",
                    name=self._name,
                    trailer=TRAILER.decode(),
                    nor="" if told.tool else msg(" or the statements that put back the settings it began with"),
                ),
                hint=_CUT_HINT,
                kind="archive-truncated",
            )
        tool = "mariadb-dump" if "MariaDB" in told.version else told.tool
        version = parse_version(told.server_version)
        known = bool(told.server_version)
        return DumpFacts(
            tool=tool,
            tool_version=told.version,
            server_version=str(version) if known else "",
            databases=self._databases.all(told.database),
            made_at=completed(self._tail),
            made_by="completed",
            roles=tuple(self._databases.accounts),
            size=self._size,
            cluster=self._databases.system,
            series=f"{version.major}.{version.minor}" if known else "",
            findings=tuple(self._findings(known=known)),
        )

    def _take_all(self, statements: list[Statement]) -> None:
        for statement in statements:
            if statement.kind is Kind.SET:
                self._saved = self._saved or _SAVED.search(statement.text) is not None
                self._put_back = _PUT_BACK.search(statement.text) is not None
            else:
                self._put_back = False
            self._here = self._databases.take(statement, self._here)

    def _findings(self, *, known: bool) -> Iterator[Finding]:
        if not self._script.complete and not self._saved:
            yield Finding(
                id="end-not-known",
                severity=Severity.WARNING,
                subject=self._name,
                expected=msg("a last line '{trailer}'", trailer=TRAILER.decode()),
                actual=msg(
                    "the dump was made without comments and settings (--compact): whether its end is missing "
                    "cannot be known, and a restore must set foreign_key_checks and sql_mode itself"
                ),
                hint=msg("make dumps without --compact and --skip-comments"),
            )
        if not known:
            yield source_not_named(self._name, self._engine)


def source_not_named(name: str, engine: str) -> Finding:
    """For a dump that does not say which server it was made from."""
    return Finding(
        id="source-not-named",
        severity=Severity.INFO,
        subject=name,
        expected=msg("the source's version"),
        actual=msg("the dump does not say it: by its text it is one of {named}", named=named(engine).title),
    )


def completed(tail: bytes) -> datetime | None:
    """When the dump says that it was completed, in this machine's own time zone: the dump does not name its own."""
    found = _COMPLETED.search(tail.rstrip())
    if found is None:
        return None
    return moment(f"{found[1].decode()} {found[2].decode().zfill(8)}")


def moment(text: str) -> datetime | None:
    """`2026-11-24 07:30:00` in this machine's own time zone; None if there is no such time."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").astimezone(UTC)
    except ValueError:
        return None


@contextmanager
def about(name: str) -> Iterator[None]:
    """An error about the dump then says which file it is in."""
    try:
        yield
    except (BadBackupError, PreflightError) as error:
        raise type(error)(f"{name}: {error.message}", hint=error.hint, kind=error.kind) from None


def read_script(dump: Dump, progress: Progress) -> DumpFacts:
    """Reads a script to its end."""
    facts = ScriptFacts(dump.path.name, dump.engine)
    for data in chunks(dump.path, dump.packing, dump.identity):
        facts.feed(data)
        progress.advance(len(data))
    return facts.finish()
