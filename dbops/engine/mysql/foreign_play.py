"""Sends the statements of somebody else's dump to a server, in the dump's own order, and stops at the first error."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pymysql

from dbops.engine.mysql import ddl, zones
from dbops.engine.mysql import foreign_statements as says
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.foreign_statements import SYSTEM, Act, Left
from dbops.engine.mysql.load import AS_WRITTEN, prepare
from dbops.engine.mysql.load_errors import of_definition, of_rows
from dbops.engine.mysql.maintenance import run
from dbops.engine.mysql.script import Kind, Statement
from dbops.language import msg

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

UNNAMED = "dbops_archive"
"""What the copy of a dump is called that does not say its database's name."""
_NOT_LOCKED = 1100
_DEFINER_REFUSED = (1227, 1449)
_LEFT_WORDS = 4
_MARKS = re.compile(r"/\*M?!\d*|\*/")
_WORD = re.compile(r"[A-Za-z_@.]+")
"""Whatever else a statement holds may be a password."""


class Met:
    """What is met while a dump is loaded; shared by all its sessions."""

    def __init__(self, refused: frozenset[str], *, throw_away: bool = False) -> None:
        """`refused`: accounts that are not to be named as definers. `throw_away`: the server may be given what it
        lacks."""
        self.refused = refused
        self.throw_away = throw_away
        self.left: dict[Left, set[str]] = {}
        self.events: dict[str, dict[str, str]] = {}
        """By database: the state of each event, which is disabled in the copy."""
        self.replaced: dict[str, set[str]] = {}
        self.locked: set[str] = set()
        self.zones: set[str] = set()
        """Time zones that the server was given."""
        self.names: dict[tuple[str, str], set[str]] = {}
        """By table: names of its columns and keys."""


class Player:
    """One session that runs statements. `file`: as errors call it; `names`: the databases of the dump."""

    def __init__(self, connection: Connection, met: Met, names: frozenset[str], *, here: str, unnamed: bool) -> None:
        self._connection = connection
        self._met = met
        self._names = None if unnamed else names
        self._unnamed = unnamed
        self.here = here
        prepare(connection, AS_WRITTEN)

    def play(self, statement: Statement, file: str) -> None:
        """Raises `DatabaseError`, with no data in it, where the server refuses the statement."""
        judged = says.judge(statement, self.here, self._names)
        place = msg("line {line} of {file}", line=statement.line, file=file)
        if judged.act is Act.LEAVE:
            self._met.left.setdefault(judged.left, set()).add(self._shown(statement))
        elif judged.act is Act.USE:
            self._use(says.used(statement), place)
        elif judged.act is Act.DATABASE:
            return  # it is there: made with what the dump says of it
        elif judged.act is Act.ROWS:
            self._rows(statement, place)
        elif judged.act is Act.DEFINE:
            self._define(statement, place)
        elif judged.act is Act.DEFAULTS and self._unnamed:
            own = ddl.in_head(says.whole(statement), statement.name, UNNAMED)
            self._send(own.encode("utf-8", "surrogateescape"), statement, place)
        else:
            if statement.kind is Kind.CREATE_TABLE:
                self._met.names[self._database(statement), statement.name] = ddl.identifiers(says.whole(statement))
            if statement.kind in (Kind.CREATE_TABLE, Kind.SET):
                self._provide(says.whole(statement))
            self._send(statement.text, statement, place)

    def _database(self, statement: Statement) -> str:
        return statement.database or self.here

    def _shown(self, statement: Statement) -> str:
        if self.here in SYSTEM or statement.database in SYSTEM:
            return self._database(statement)
        words = _MARKS.sub(" ", says.head(statement)).replace("=", " = ").split()
        return " ".join(takewhile(_WORD.fullmatch, words[:_LEFT_WORDS]))

    def _use(self, name: str, place: str) -> None:
        self.here = name
        if name not in SYSTEM:
            try:
                self._connection.select_db(name)
            except pymysql.MySQLError as error:
                raise of_definition(error, msg("use {name}", name=name), place) from None

    def _rows(self, statement: Statement, place: str) -> None:
        try:
            self._query(statement.text)
        except pymysql.MySQLError as error:
            if error_of(error)[0] == _NOT_LOCKED and self._unlocked(statement):
                return
            names = self._met.names.get((self._database(statement), statement.name), set())
            raise of_rows(error, statement.name, names, place) from None

    def _unlocked(self, statement: Statement) -> bool:
        """MariaDB: a lock on a table does not cover the sequence that its default draws from."""
        try:
            run(self._connection, "UNLOCK TABLES")
            self._query(statement.text)
        except pymysql.MySQLError:
            return False
        self._met.locked.add(statement.name)
        return True

    def _define(self, statement: Statement, place: str) -> None:
        text = says.whole(statement)
        self._provide(text)
        if statement.kind is Kind.CREATE_EVENT:
            text, state = ddl.disabled(text)
            self._met.events.setdefault(self._database(statement), {})[statement.name] = state
        account = ddl.definer(text)
        if account is not None and ddl.account(account) in self._met.refused:
            text = self._without_definer(text, account, statement)
        try:
            self._query(text)
        except pymysql.MySQLError as error:
            if account is None or error_of(error)[0] not in _DEFINER_REFUSED:
                raise of_definition(error, says.what(statement), place) from None
            self._send(self._without_definer(text, account, statement), statement, place)

    def _provide(self, text: str) -> None:
        if self._met.throw_away:
            self._met.zones |= zones.provide(self._connection, text)

    def _without_definer(self, text: str, account: str, statement: Statement) -> str:
        self._met.replaced.setdefault(ddl.account(account), set()).add(statement.name)
        return ddl.without_definer(text)

    def _send(self, text: str | bytes, statement: Statement, place: str) -> None:
        try:
            self._query(text)
        except pymysql.MySQLError as error:
            raise of_definition(error, says.what(statement), place) from None

    def _query(self, text: str | bytes) -> None:
        statement: Any = text  # the driver sends bytes as they are, and its types know of text alone
        self._connection.query(statement)
