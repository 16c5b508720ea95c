"""What came of loading somebody else's dump, as findings and errors: whose fault it is, and what was left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from dbops.engine.dumps import Dump, DumpFacts, Form
from dbops.engine.mysql.flavour import Flavour, Version, named, parse_version
from dbops.engine.mysql.foreign_statements import Left
from dbops.errors import BadBackupError, DatabaseError, DbopsError, PreflightError, ToolError
from dbops.language import msg, plural, some
from dbops.model import Finding, Severity

_COLLATIONS = (
    ("uca1400", "collations named uca1400 are MariaDB's, since 10.10: drill it on a MariaDB of the source's series"),
    (
        "0900",
        "collations named 0900 are MySQL's, since 8.0: drill it on MySQL, or on a MariaDB that knows them (11.8 does)",
    ),
)
_OTHER = re.compile(r"Table '((?:[^'.]|\.(?=[^']*\.))+)\.[^']*' doesn't exist|Unknown database '([^']+)'")
_BROKEN_SET = ": set: You have an error in your SQL syntax"
_OLD_MYDUMPER = msg("mydumper 0.10 writes this of routines of MySQL 9.7, with status 0: dump with a newer one")


class Server(NamedTuple):
    """The server that the dump is loaded into."""

    flavour: Flavour
    version: Version

    def like(self, dump: Dump, facts: DumpFacts) -> bool:
        """Whether it is of the source's own product and series, as far as the dump tells them."""
        same = self.flavour.name == dump.engine
        return same and (not facts.server_version or parse_version(facts.server_version)[:2] == self.version[:2])

    def __str__(self) -> str:
        return f"{self.flavour.title} {self.version.major}.{self.version.minor}"


def explained(error: DatabaseError, dump: Dump, facts: DumpFacts, server: Server) -> DbopsError:
    """The server's refusal of a statement as an error about the dump, the server, or the connection."""
    text = error.message
    if error.kind == "server-full":
        return PreflightError(text, hint=error.hint, kind="sandbox-full")
    if error.kind == "server-lost":
        return ToolError(text, hint=error.hint, kind="server-lost")
    like = server.like(dump, facts)
    source = f"{named(dump.engine).title} {facts.server_version}".strip()
    own = msg("drill it on {source}, as its source was: this is {server}", source=source, server=server)
    if hint := collation_hint(text):
        return PreflightError(text, hint=hint, kind="server-lacks" if like else "load-on-other-version")
    if error.kind == "server-lacks":
        return PreflightError(text, hint=error.hint if like else own, kind=error.kind)
    elsewhere = _elsewhere(text, {database.name for database in facts.databases})
    if elsewhere:
        hint = msg(
            "it needs the database {elsewhere}, which the dump does not have: dump both in one go (--databases)",
            elsewhere=elsewhere,
        )
        return BadBackupError(text, hint=hint, kind="restore-failed")
    if _BROKEN_SET in text and dump.form is Form.SCRIPTS:
        return BadBackupError(text, hint=_OLD_MYDUMPER, kind="restore-failed")
    if not like:
        return PreflightError(text, hint=own, kind="load-on-other-version")
    return BadBackupError(text, hint=error.hint, kind="restore-failed")


def collation_hint(text: str) -> str:
    """What to say of a collation that the server does not know; '' where the text is not about one."""
    about = "ollation" in text
    return next((hint for mark, hint in _COLLATIONS if about and mark in text), "")


def _elsewhere(text: str, names: Collection[str]) -> str:
    found = _OTHER.search(text)
    name = (found[1] or found[2]) if found else ""
    return "" if name in names else name


def not_empty(name: str) -> PreflightError:
    """The refusal of a server that has this database."""
    return PreflightError(
        msg("the server has a database '{name}' already", name=name),
        hint=msg("a drill needs an empty server: use a sandbox of dbops' own"),
        kind="server-not-empty",
    )


def left_out(what: Mapping[Left, Collection[str]]) -> Iterator[Finding]:
    """What of the dump was not run, each kind with its reason."""
    for left in Left:
        if names := sorted(what.get(left, ())):
            yield Finding(id="left-out", severity=Severity.INFO, subject=some(names), actual=left.value)


def locked_out(tables: Collection[str]) -> Iterator[Finding]:
    """Tables that the dump locks in a way in which they cannot be filled."""
    if tables:
        yield Finding(
            id="lock-in-the-way",
            severity=Severity.ERROR,
            subject=", ".join(sorted(tables)),
            expected=msg("the dump loads as it is"),
            actual=msg(
                "it locks the table and not the sequence that a default draws from: the mysql client stops "
                "there (1100). It was loaded without these locks"
            ),
            hint=msg("make the dump with --skip-add-locks; load this one without its lines LOCK TABLES"),
        )


def replaced(definers: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Definers that the connecting user stands in for."""
    for account, names in sorted(definers.items()):
        yield Finding(
            id="definer-replaced",
            severity=Severity.WARNING,
            subject=account,
            expected=msg("definer of {names}, as in the dump", names=", ".join(sorted(names))),
            actual=msg("the connecting user is: there is no such account, and it could not be made here"),
            hint=msg("on a new server it must be there before the dump is loaded"),
        )


def rows_differ(table: str, expected: int, actual: int | None) -> Finding:
    """A table that holds another number of rows than the dump says."""
    return Finding(
        id="rows-differ",
        severity=Severity.ERROR,
        subject=table,
        expected=plural(expected, "{count} row, as mydumper counted", "{count} rows, as mydumper counted"),
        actual=msg("the table is not there") if actual is None else plural(actual, "{count} row", "{count} rows"),
        hint=msg("a file of rows is missing or cut: use another dump, and look at how it was copied"),
    )
