"""What a statement of a dump does, and to which object: told from its first words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

_HEAD_BYTES = 4096
"""The words that matter stand in so much of a statement, unless somebody writes comments into it."""

_NAME = rb"(?:`(?:[^`]|``)*+`|[^\s`'\"(),;.]++)"
INSERT_HEAD = re.compile(
    rb"(?:INSERT|REPLACE)(?:\s+(?:DELAYED|IGNORE|LOW_PRIORITY|HIGH_PRIORITY))*+\s+INTO\s+"
    rb"(?:(%(name)s)\s*\.\s*)?(%(name)s)\s*(?:\(([^()`]*+(?:`(?:[^`]|``)*+`[^()`]*+)*+)\)\s*)?VALUES?\s*(?=\()"
    % {b"name": _NAME},
    re.IGNORECASE,
)
"""Up to the first row's parenthesis; groups: database, table, column list."""
_LISTED = re.compile(_NAME)
_TOKEN = re.compile(
    rb"""\s++ | /\*M?![0-9]*+ | \*/ | /\*.*?\*/ | --[ \t][^\n]*+ | \#[^\n]*+
      | (?P<word>[A-Za-z_\x80-\xff@$0-9]++) | (?P<name>`(?:[^`]|``)*+`)
      | (?P<string>'(?:[^'\\]|\\.|'')*+'|"(?:[^"\\]|\\.|"")*+") | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)


class Kind(StrEnum):
    """What a statement does."""

    INSERT = "insert"
    CREATE_TABLE = "create-table"
    CREATE_VIEW = "create-view"
    CREATE_TRIGGER = "create-trigger"
    CREATE_PROCEDURE = "create-procedure"
    CREATE_FUNCTION = "create-function"
    CREATE_PACKAGE = "create-package"
    CREATE_PACKAGE_BODY = "create-package-body"
    CREATE_LIBRARY = "create-library"
    CREATE_EVENT = "create-event"
    CREATE_SEQUENCE = "create-sequence"
    CREATE_DATABASE = "create-database"
    CREATE_INDEX = "create-index"
    SETVAL = "setval"
    """Moves a sequence of MariaDB to its position."""
    DROP = "drop"
    ALTER = "alter"
    LOCK = "lock"
    UNLOCK = "unlock"
    SET = "set"
    USE = "use"
    TRANSACTION = "transaction"
    REPLICATION = "replication"
    """CHANGE MASTER, GTID positions: would change the server's place in a replication."""
    ACCOUNT = "account"
    """Users, roles and grants."""
    OTHER = "other"


ROUTINES = frozenset(
    {
        *(Kind.CREATE_PROCEDURE, Kind.CREATE_FUNCTION, Kind.CREATE_LIBRARY),
        *(Kind.CREATE_PACKAGE, Kind.CREATE_PACKAGE_BODY),
    }
)
CLIENT_WORDS = frozenset(
    b"charset clear connect delimiter edit ego exit go help nopager notee nowarning pager print prompt quit rehash "
    b"query_attributes resetconnection sandbox source ssl_session_data_print status system tee warnings \\ ?".split()
)
"""First words that the mysql client takes for itself (`commands[]` in client/mysql.cc); no SQL of a dump begins so."""

_CREATED = {
    b"TABLE": Kind.CREATE_TABLE,
    b"VIEW": Kind.CREATE_VIEW,
    b"TRIGGER": Kind.CREATE_TRIGGER,
    b"PROCEDURE": Kind.CREATE_PROCEDURE,
    b"FUNCTION": Kind.CREATE_FUNCTION,
    b"PACKAGE": Kind.CREATE_PACKAGE,
    b"LIBRARY": Kind.CREATE_LIBRARY,
    b"EVENT": Kind.CREATE_EVENT,
    b"SEQUENCE": Kind.CREATE_SEQUENCE,
    b"DATABASE": Kind.CREATE_DATABASE,
    b"SCHEMA": Kind.CREATE_DATABASE,
    b"INDEX": Kind.CREATE_INDEX,
    b"USER": Kind.ACCOUNT,
    b"ROLE": Kind.ACCOUNT,
}
_SIMPLE = {
    b"LOCK": Kind.LOCK,
    b"UNLOCK": Kind.UNLOCK,
    b"USE": Kind.USE,
    b"COMMIT": Kind.TRANSACTION,
    b"BEGIN": Kind.TRANSACTION,
    b"ROLLBACK": Kind.TRANSACTION,
    b"GRANT": Kind.ACCOUNT,
    b"REVOKE": Kind.ACCOUNT,
    b"RENAME": Kind.OTHER,
}
_REPLICATION = frozenset({b"MASTER", b"SLAVE", b"REPLICA", b"REPLICATION", b"GROUP_REPLICATION"})
_GTID = re.compile(rb"\b(?:GTID_PURGED|GTID_SLAVE_POS|GTID_BINLOG_STATE|SQL_LOG_BIN)\b", re.IGNORECASE)


class Known(NamedTuple):
    """`name` and `database` are without their quotes; empty where the statement names none."""

    kind: Kind
    name: str = ""
    database: str = ""


def unquoted(name: bytes) -> str:
    """A name as it is, without backticks (or double quotes). Bytes that are no UTF-8 are kept as surrogates."""
    if name[:1] == b"`":
        name = name[1:-1].replace(b"``", b"`")
    elif name[:1] == b'"':
        name = name[1:-1].replace(b'""', b'"')
    return name.decode("utf-8", "surrogateescape")


def listed(names: bytes | None) -> tuple[str, ...] | None:
    """The column list of an INSERT; None where it has none."""
    return None if names is None else tuple(unquoted(name) for name in _LISTED.findall(names))


def known(text: bytes) -> Known:
    """What a statement does, and to what."""
    if (match := INSERT_HEAD.match(text)) is not None:
        return Known(Kind.INSERT, unquoted(match[2]), unquoted(match[1] or b""))
    words = _Words(text)
    first = words.take()
    if first in (b"INSERT", b"REPLACE"):
        words.skip(b"INTO", b"IGNORE", b"DELAYED", b"LOW_PRIORITY", b"HIGH_PRIORITY")
        return words.named(Kind.INSERT)
    if first == b"CREATE":
        return _created(words)
    if first == b"SET":
        return Known(Kind.REPLICATION if _GTID.search(text[:_HEAD_BYTES]) else Kind.SET)
    if first in (b"DO", b"SELECT") and words.take() == b"SETVAL" and words.take() == b"(":
        return words.named(Kind.SETVAL)
    if first in (b"DROP", b"ALTER"):
        return _changed(words, Kind.DROP if first == b"DROP" else Kind.ALTER)
    if first in (b"CHANGE", b"START", b"STOP", b"RESET"):
        second = words.take()
        if second in _REPLICATION:
            return Known(Kind.REPLICATION)
        return Known(Kind.TRANSACTION if second == b"TRANSACTION" else Kind.OTHER)
    return Known(_SIMPLE.get(first, Kind.OTHER))


def first_word(text: bytes) -> bytes:
    """The first word in lower case, comments passed over; of something else its first character."""
    return _Words(text).take().lower()


def _created(words: _Words) -> Known:
    while word := words.take():
        if word == b"DEFINER":
            words.account()
        elif word in (b"ALGORITHM", b"SECURITY"):
            words.skip(b"=")
            words.take()
        elif word in _CREATED:
            kind = _CREATED[word]
            if kind is Kind.CREATE_PACKAGE and words.peek() == b"BODY":
                words.take()
                kind = Kind.CREATE_PACKAGE_BODY
            if kind is Kind.ACCOUNT:
                return Known(kind)
            words.skip(b"IF", b"NOT", b"EXISTS")
            return words.named(kind)
    return Known(Kind.OTHER)


def _changed(words: _Words, kind: Kind) -> Known:
    what = words.take()
    while what in (b"TEMPORARY", b"ONLINE", b"IGNORE"):
        what = words.take()
    if what in (b"USER", b"ROLE"):
        return Known(Kind.ACCOUNT)
    if what == b"PACKAGE":
        words.skip(b"BODY")
    words.skip(b"IF", b"NOT", b"EXISTS")
    return words.named(kind)


class _Words:
    """The words of a statement's head, in capitals; what versioned comments hold counts, other comments do not."""

    def __init__(self, text: bytes) -> None:
        self._tokens = self._read(text[:_HEAD_BYTES])
        self._next: re.Match[bytes] | None = next(self._tokens, None)

    @staticmethod
    def _read(text: bytes) -> Iterator[re.Match[bytes]]:
        return (match for match in _TOKEN.finditer(text) if match.lastgroup)

    def _raw(self) -> re.Match[bytes] | None:
        token, self._next = self._next, next(self._tokens, None)
        return token

    def peek(self) -> bytes:
        """The next word or mark, empty at the end; of a quoted name the name with its quotes."""
        if self._next is None:
            return b""
        return self._next[0].upper() if self._next.lastgroup == "word" else self._next[0]

    def take(self) -> bytes:
        word = self.peek()
        self._raw()
        return word

    def skip(self, *words: bytes) -> None:
        while self.peek() in words:
            self._raw()

    def account(self) -> None:
        """`= user@host`, or a role, or CURRENT_USER()."""
        self.skip(b"=")
        token = self._raw()
        if token is not None and token.lastgroup != "word" and self.peek().startswith(b"@"):
            at = self._raw()
            if at is not None and at[0] == b"@":
                self._raw()
        self.skip(b"(", b")")

    def named(self, kind: Kind) -> Known:
        """The name that comes next, perhaps with its database's before it."""
        token = self._raw()
        if token is None or token.lastgroup == "mark":
            return Known(kind)
        if self.peek() != b".":
            return Known(kind, unquoted(token[0]))
        self._raw()
        own = self._raw()
        return Known(kind, unquoted(own[0]) if own else "", unquoted(token[0]))


def insert_parts(text: bytes) -> tuple[tuple[str, ...] | None, int]:
    """The column list of an INSERT, None where it has none, and where its first row begins; -1 if it has no rows."""
    found = INSERT_HEAD.match(text)
    return (listed(found[3]), found.end()) if found else (None, -1)


def insert_table(text: bytes) -> str:
    """The table that an INSERT fills."""
    found = INSERT_HEAD.match(text)
    return unquoted(found[2]) if found else ""
