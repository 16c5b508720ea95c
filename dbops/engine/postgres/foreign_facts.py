"""What a dump says about itself: the list of an archive, the head, tail and statements of a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dbops.command import run
from dbops.engine.dump_streams import chunks
from dbops.engine.dumps import Dump, DumpDatabase, DumpFacts
from dbops.engine.postgres import foreign_statements as says
from dbops.engine.postgres.foreign_script import Kind, Piece, Script
from dbops.engine.postgres.tools import Tools
from dbops.errors import BadBackupError, PreflightError
from dbops.language import msg
from dbops.progress import Progress

HEADER = msg("PostgreSQL database dump")
CLUSTER_HEADER = msg("PostgreSQL database cluster dump")
_COMPLETE = msg(" complete")
_VERSION = re.compile(r"Dumped (from database|by pg_dump) version:? (\S+)")
_STARTED = re.compile(r"Started on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: (\S+))?")
_ENCODING = re.compile(r"SET client_encoding = '([^']+)';")
_OWN_LINES = re.compile(r"\\(?:un)?restrict [A-Za-z0-9]+\s*")
_ENCODING_LINE = re.compile(r"\\encoding SQL_ASCII\s*")
_CLIENT_ONLY = frozenset({"SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004"})
"""Encodings in which a backslash or a quote may be half of a letter."""
_CUT_HINT = msg(
    "the job that made it was killed, or ran out of space or connection: use another dump, and look at that job"
)
_LIST_ENVIRONMENT = {"LC_ALL": "C", "LANGUAGE": "C"}


def allowed(piece: Piece) -> bool:
    """Whether a command of psql is one that pg_dump and pg_dumpall write themselves, where they write it."""
    text = piece.text.decode("utf-8", "replace")
    own = _OWN_LINES.fullmatch(text) or _ENCODING_LINE.fullmatch(text)
    return bool(own or says.connects_to(text))


class ScriptFacts:
    """Gathers what a script says, piece by piece."""

    def __init__(self, name: str, *, archive: bool = False) -> None:
        """`archive`: the script is what pg_restore prints, and nobody runs it: its encoding does not matter."""
        self._name = name
        self._archive = archive
        self._versions = {"from database": "", "by pg_dump": ""}
        self._made_at: datetime | None = None
        self._made: dict[str, DumpDatabase] = {}
        self._roles: dict[str, set[str]] = {"": set()}
        self._extensions: dict[str, set[str]] = {"": set()}
        self._own_roles: dict[str, None] = {}
        self._encodings: dict[str, str] = {}
        self._here = ""
        self._cluster = self._complete = self._loaded = False
        self._size = 0
        self._script = Script()

    def feed(self, data: bytes) -> None:
        """Takes the next piece of the script, of any length."""
        self._size += len(data)
        for piece in self._script.feed(data):
            self._take(piece)

    def finish(self) -> DumpFacts:
        """Raises `BadBackupError` of kind 'archive-truncated' without the line that ends every complete dump."""
        for piece in self._script.finish():
            self._take(piece)
        if not self._complete or self._script.inside:
            what = CLUSTER_HEADER if self._cluster else HEADER
            where = (
                msg(" in the midst of {inside}", inside=self._script.inside)
                if self._script.inside
                else msg(" between two statements")
            )
            raise BadBackupError(
                msg(
                    "{name} is cut: it ends at line {line}{where}, without the line '-- {what}{complete}'",
                    name=self._name,
                    line=self._script.line,
                    where=where,
                    what=what,
                    complete=_COMPLETE,
                ),
                hint=_CUT_HINT,
                kind="archive-truncated",
            )
        return DumpFacts(
            tool="pg_dumpall" if self._cluster else "pg_dump",
            tool_version=self._versions["by pg_dump"],
            server_version=self._versions["from database"],
            databases=tuple(self._databases()),
            made_at=self._made_at,
            roles=tuple(self._own_roles),
            size=self._size,
            cluster=self._cluster,
        )

    def _databases(self) -> Iterator[DumpDatabase]:
        names = [name for name in self._roles if name] or ([] if self._cluster else [""])
        for name in names:
            made = self._made.get(name, DumpDatabase(name))
            yield made._replace(
                encoding=made.encoding or self._encodings.get(name, ""),
                roles=tuple(sorted(self._roles[name] | self._roles[""])),
                extensions=tuple(sorted(self._extensions[name])),
            )

    def _comment(self, text: str) -> None:
        if text in (HEADER, CLUSTER_HEADER):
            self._cluster = self._cluster or text == CLUSTER_HEADER
        elif match := _VERSION.match(text):
            self._versions[match[1]] = self._versions[match[1]] or match[2]
        elif (match := _STARTED.match(text)) and self._made_at is None:
            self._made_at = moment(match[1], match[2] or "")
        elif text == (CLUSTER_HEADER if self._cluster else HEADER) + _COMPLETE:
            self._complete = True

    def _take(self, piece: Piece) -> None:
        for comment in piece.comments:
            self._comment(comment)
        if piece.kind is Kind.COMMAND:
            self._command(piece)
        elif piece.kind is Kind.STATEMENT:
            self._complete = False
            self._statement(piece.text.decode("utf-8", "replace"))
        elif piece.kind in (Kind.ROWS, Kind.MORE):
            self._complete = False

    def _command(self, piece: Piece) -> None:
        if not allowed(piece):
            raise BadBackupError(
                msg(
                    "{name} would make psql run a command of its own at line {line}: {command_word}",
                    name=self._name,
                    line=piece.line,
                    command_word=_command_word(piece),
                ),
                hint=msg(
                    "pg_dump writes no such line: somebody has put it there. It was not loaded; do not restore "
                    "this dump with psql, and find out who can write to where it lies"
                ),
                kind="client-command",
            )
        name = says.connects_to(piece.text.decode("utf-8", "replace"))
        if name:
            self._here = name
            self._roles.setdefault(name, set())
            self._extensions.setdefault(name, set())

    def _statement(self, text: str) -> None:
        if match := _ENCODING.match(text):
            if match[1].upper() in _CLIENT_ONLY and not self._archive:
                raise PreflightError(
                    msg(
                        "{name} is written in {match}, which cannot be told apart from commands safely",
                        name=self._name,
                        match=match[1],
                    ),
                    hint=msg("make the dump with --encoding=UTF8"),
                    kind="client-encoding",
                )
            self._encodings.setdefault(self._here, match[1])
        if made := says.database_made(text):
            self._made[made.name] = made
        if role := says.role_made(text):
            self._own_roles.setdefault(role.name)
        if name := says.extension(text):
            self._extensions[self._here].add(name)
        self._roles[self._here] |= says.roles(text)


def _command_word(piece: Piece) -> str:
    r"""The command itself, such as `\!`, and not what it would do."""
    match = re.match(r"\\(?:[A-Za-z_?+]+|.)", piece.text.decode("utf-8", "replace"))
    return match[0] if match else "\\"


def moment(text: str, zone: str = "") -> datetime:
    """`2026-11-24 07:30:00` of a dump: in UTC where it says so, else in this machine's own time zone."""
    plain = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - its zone follows
    return plain.replace(tzinfo=UTC) if zone in ("UTC", "GMT", "Z") else plain.astimezone(UTC)


def read_script(dump: Dump, progress: Progress) -> DumpFacts:
    """Reads a plain dump to its end."""
    facts = ScriptFacts(dump.path.name)
    for data in chunks(dump.path, dump.packing, dump.identity):
        facts.feed(data)
        progress.advance(len(data))
    return facts.finish()


def read_archive(tools: Tools, path: Path, label: str) -> DumpFacts:
    """Reads the list and the schema of a custom, directory or tar archive. Its rows are only read when it is loaded."""
    listed = run([tools.program("pg_restore"), "--list", str(path)], env=_LIST_ENVIRONMENT | _zone())
    if listed.status != 0:
        raise unreadable(label, listed.stderr)
    told: dict[str, str] = dict(re.findall(r"^; +([A-Za-z _]+): (.*)$", listed.stdout, re.MULTILINE))
    created = re.search(r"^; Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", listed.stdout, re.MULTILINE)
    argv = [tools.program("pg_restore"), "--create", "--schema-only", "--file=-", str(path)]
    schema = run(argv, env=_LIST_ENVIRONMENT)
    if schema.status != 0:
        raise unreadable(label, schema.stderr)
    facts = ScriptFacts(label, archive=True)
    facts.feed(schema.stdout.encode())
    script = facts.finish()
    name = told.get("dbname", "")
    made = next((item for item in script.databases if item.name == name), None) or DumpDatabase(name)
    roles = {role for item in script.databases for role in item.roles}
    extensions = {extension for item in script.databases for extension in item.extensions}
    compression = told.get("Compression", "none")
    return DumpFacts(
        tool="pg_dump",
        tool_version=told.get("Dumped by pg_dump version", "").partition(" ")[0],
        server_version=told.get("Dumped from database version", "").partition(" ")[0],
        databases=(made._replace(created=False, roles=tuple(sorted(roles)), extensions=tuple(sorted(extensions))),),
        made_at=moment(created[1]) if created else None,
        compression="none" if compression == "0" else "gzip" if compression.lstrip("-").isdigit() else compression,
    )


def unreadable(label: str, words: str) -> BadBackupError | PreflightError:
    """The error for an archive that pg_restore does not read, by its words."""
    text = next((line for line in words.splitlines() if "error" in line), words).removeprefix("pg_restore: ")
    if "unsupported version" in text or "not supported" in text or "built without" in text:
        hint = msg("install a newer postgresql-client, or one that is built with this compression")
        return PreflightError(
            msg("{label} cannot be read by this machine's pg_restore: {reason}", label=label, reason=text),
            hint=hint,
            kind="tool-too-old",
        )
    cut = any(part in text for part in CUT_WORDS)
    return BadBackupError(
        msg("{label} is {state}: {reason}", label=label, state="cut" if cut else msg("not readable"), reason=text),
        hint=_CUT_HINT
        if cut
        else msg("its bytes are not what pg_dump wrote: use another dump, and look at the storage"),
        kind="archive-truncated" if cut else "archive-corrupt",
    )


CUT_WORDS = (
    "end of file",
    "input file is too short",
    "could not read",
    "could not find block",
    "unexpected end",
    "corrupt tar header",
)
"""How pg_restore says that an archive ends too early."""


def _zone() -> dict[str, str]:
    import os

    return {"TZ": os.environ["TZ"]} if "TZ" in os.environ else {}
