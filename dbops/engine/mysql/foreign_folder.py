"""The folder that mydumper writes: which file holds what, what its `metadata` says, and its way of ending a statement.

After the manual, 'Output Files' (https://mydumper.github.io/mydumper/docs/html/files.html): `metadata` is named
`metadata.partial` until all went well, and ends with the time when the dump was finished; since 0.14.1 it counts the
rows of each table. Names that would not do for a file are replaced by `mydumper_<n>`; statements have the real ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from dbops.engine.dump_streams import chunks, look
from dbops.engine.mysql.script import Statement
from dbops.engine.mysql.script_errors import truncated
from dbops.engine.mysql.script_words import CLIENT_WORDS, first_word, known
from dbops.errors import BadBackupError, PreflightError
from dbops.language import msg

_PACKED = re.compile(r"\.(?:gz|zst|xz|lz4)\Z")
_CHUNK = re.compile(r"(?:\.\d+)+\Z")
_SPACE = re.compile(rb"(?:[ \t\r\n]+|--(?:[ \t][^\n]*)?(?:\n|\Z)|#[^\n]*(?:\n|\Z))*")
_END = b";\n"
_GROUP = re.compile(r"\[`((?:[^`]|``)+)`(?:\.`((?:[^`]|``)+)`)?\]")
_STARTED = re.compile(r"Started dump at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_FINISHED = re.compile(r"Finished dump at: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_QUOTES = re.compile(r"^quote[-_]character\s*=\s*(?!`|BACKTICK)(\S+)", re.MULTILINE | re.IGNORECASE)
METADATA = "metadata"
PARTIAL = "metadata.partial"


class Role(IntEnum):
    """What a file holds, in the order in which it is loaded. Routines come before the views that may call them."""

    DATABASE = 0
    SEQUENCE = 1
    TABLE = 2
    ROWS = 3
    POST = 4
    """Routines and events."""
    VIEW = 5
    TRIGGERS = 6


_ENDINGS = {
    "-schema-create": Role.DATABASE,
    "-schema-sequence": Role.SEQUENCE,
    "-schema-triggers": Role.TRIGGERS,
    "-schema-post": Role.POST,
    "-schema-view": Role.VIEW,
    "-schema": Role.TABLE,
}


class Part(NamedTuple):
    """One file. `database` and `table` as its name has them; `table` '' where it is about a whole database."""

    path: Path
    role: Role
    database: str
    table: str = ""


class Metadata(NamedTuple):
    """What the file `metadata` says. `rows`: by database and table as in file names. `names`: their real ones."""

    started: str = ""
    finished: str = ""
    rows: dict[tuple[str, str], int] = {}  # noqa: RUF012 - a named tuple's default, which nobody changes
    names: dict[tuple[str, str], str] = {}  # noqa: RUF012
    checksums: bool = False


def parts(folder: Path) -> list[Part]:
    """The scripts in a folder, in the order in which they are loaded; large files of rows first."""
    stems = {path: _PACKED.sub("", path.name) for path in folder.iterdir() if path.is_file()}
    texts = {path: name.removesuffix(".sql") for path, name in stems.items() if name.endswith(".sql")}
    made = {stem.removesuffix("-schema-create") for stem in texts.values() if stem.endswith("-schema-create")}
    found = [_part(path, stem, made) for path, stem in texts.items() if stem != "all-schema-create-tablespace"]
    return sorted(found, key=lambda part: (part.role, -part.path.stat().st_size * (part.role is Role.ROWS), part.path))


def _part(path: Path, stem: str, databases: set[str]) -> Part:
    ending = next((ending for ending in _ENDINGS if stem.endswith(ending)), "")
    role = _ENDINGS.get(ending, Role.ROWS)
    stem = stem.removesuffix(ending)
    if role is Role.DATABASE or stem in databases:
        return Part(path, role, stem)
    own = [name for name in databases if stem.startswith(f"{name}.")]
    database = max(own, key=len) if own else stem.partition(".")[0]
    table = stem.removeprefix(database).removeprefix(".")
    return Part(path, role, database, _CHUNK.sub("", table) if role is Role.ROWS else table)


def metadata(folder: Path, name: str) -> Metadata:
    """Raises `BadBackupError` of kind 'archive-truncated' where mydumper did not come to its end."""
    try:
        text = (folder / METADATA).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        text = ""
    found = _read(text)
    if not found.finished:
        here = (
            msg("{metadata} has no line 'Finished dump at'", metadata=METADATA)
            if text
            else msg("it has no file {metadata}", metadata=METADATA)
        )
        raise BadBackupError(
            msg("{name} is not the whole dump: {here}", name=name, here=here),
            hint=msg("mydumper was killed or failed: use another dump, and look at the job that makes it"),
            kind="archive-truncated",
        )
    if quotes := _QUOTES.search(text):
        raise PreflightError(
            msg("{name} quotes names with {quotes}", name=name, quotes=quotes[1]),
            hint=msg("make the dump without --identifier-quote-character"),
            kind="format-unsupported",
        )
    return found


def _read(text: str) -> Metadata:
    started, finished = _STARTED.search(text), _FINISHED.search(text)
    rows: dict[tuple[str, str], int] = {}
    names: dict[tuple[str, str], str] = {}
    views: set[tuple[str, str]] = set()
    here: tuple[str, str] | None = None
    checksums = False
    for line in text.splitlines():
        if line.startswith("["):
            group = _GROUP.fullmatch(line.strip())
            here = (group[1].replace("``", "`"), (group[2] or "").replace("``", "`")) if group else None
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if here is None or not equals:
            continue
        if key.lower() == "rows" and value.isdigit():
            rows[here] = int(value)
        elif key == "real_table_name":
            names[here] = value
        elif key in ("is_view", "is_sequence") and value == "1":
            views.add(here)
        checksums = checksums or key.endswith("_checksum")
    return Metadata(
        started[1] if started else "",
        finished[1] if finished else "",
        {place: count for place, count in rows.items() if place not in views},
        names,
        checksums,
    )


def statements(part: Part, identity: Path | None, on_read: object = None) -> Iterator[Statement]:
    """The statements of one file. `on_read` is called with the number of bytes of each piece.

    Raises `BadBackupError` of kind 'archive-truncated' where it ends in the midst of a statement, of 'client-command'
    for what only the mysql client would understand, and as `dump_streams.chunks` does.
    """
    if part.path.stat().st_size == 0:  # of an empty table, with --build-empty-files
        return
    packing, _ = look(part.path, identity)
    script = Lines()
    for data in chunks(part.path, packing, identity):
        yield from script.feed(data)
        if callable(on_read):
            on_read(len(data))
    yield from script.finish()


class Lines:
    """Splits a script of mydumper: a statement ends with the first `;` at the end of a line. mydumper escapes newlines
    in strings, and writes a space between the two in bodies of routines."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._at = 0
        self._line = 1

    def feed(self, data: bytes) -> list[Statement]:
        """The statements that are complete."""
        self._text += data
        done, begin = [], 0
        while (end := self._text.find(_END, max(begin, self._at))) >= 0:
            done += self._one(bytes(memoryview(self._text)[begin:end]))
            self._line += 1
            begin = self._at = end + len(_END)
        del self._text[:begin]
        self._at = max(0, len(self._text) - 1)
        return done

    def finish(self) -> list[Statement]:
        rest = bytes(self._text).rstrip()
        if rest.endswith(b";"):
            return self._one(rest[:-1])
        if _SPACE.match(rest).end() < len(rest):  # type: ignore[union-attr]
            begin = self._line + rest.count(b"\n", 0, _SPACE.match(rest).end())  # type: ignore[union-attr]
            raise truncated(msg("it ends in the midst of a statement, which begins in line {begin}", begin=begin))
        return []

    def _one(self, text: bytes) -> list[Statement]:
        begin = _SPACE.match(text).end()  # type: ignore[union-attr]
        line = self._line + text.count(b"\n", 0, begin)
        self._line += text.count(b"\n")
        text = text[begin:].rstrip()
        if not text:
            return []
        if text[:1] == b"\\" or first_word(text) in CLIENT_WORDS:
            raise BadBackupError(
                msg("line {line} is a command of the mysql client, not SQL", line=line),
                hint=msg("mydumper writes none: was the file edited? look at it before you load it by hand"),
                kind="client-command",
            )
        what = known(text)
        return [Statement(what.kind, what.name, text, line, what.database, escaped=True)]
