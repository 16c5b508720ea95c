r"""Runs a plain dump with psql, one psql per database, and never lets it run a command of its own.

A script may hold commands of psql that run programs or write files here (`\!`, `\copy … program`, `\o`). psql's own
restricted mode forbids them all: it is entered with a random word before the script's first line, and only that word
ends it. What pg_dump writes of that mode itself is left out, so is `\connect`: there we change to another psql.
"""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from dbops.command import Process, describe_status, running
from dbops.engine.postgres import foreign_statements as says
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.foreign_facts import allowed
from dbops.engine.postgres.foreign_script import Kind, Piece, Script
from dbops.engine.postgres.foreign_words import LOST, environment_kind, first_words, masked
from dbops.engine.postgres.inplace import check_tools
from dbops.engine.postgres.maintenance import at_database
from dbops.engine.postgres.tools import Tools, installations
from dbops.errors import BadBackupError, PreflightError, ToolError
from dbops.language import msg

_SAID = re.compile(r"^psql:<stdin>:(\d+): (?:(ERROR|FATAL|PANIC):\s+|error: )(.*)$")
_HINT = re.compile(r"^(?:psql:<stdin>:\d+: )?HINT:\s+(.*)$")
_TIMEOUT_MAJOR = 17


def restricted_psql(server_major: int, bindir: Path | None) -> Tools:
    """The psql for a server among those that have the restricted mode; `PreflightError` naming what to install."""
    found, refusal = [], None
    for tools in installations(bindir):
        try:
            check_tools(tools)
        except PreflightError as error:
            refusal = error
        else:
            if Path(tools.program("psql")).exists():
                found.append(tools)
    if not found:
        raise PreflightError(
            msg("no psql of this machine can keep a dump from running commands here (CVE-2025-8714)"),
            hint=msg(
                "install the newest minor version of postgresql-client: 18, 17.6, 16.10, 15.14, 14.19, 13.22 "
                "or later{found}",
                found=msg(" (found: {message})", message=refusal.message) if refusal else "",
            ),
            kind="tool-too-old",
        )
    return min(found, key=lambda tools: (tools.major < server_major, abs(tools.major - server_major)))


class Failed(Exception):  # noqa: N818 - it never leaves this package
    """psql stopped: at which line of the whole script, with which words (not masked), and a hint of the server's."""

    def __init__(self, line: int, words: str, hint: str, *, command: bool) -> None:
        super().__init__(words)
        self.line = line
        self.words = words
        self.hint = hint
        self.command = command


class Psql:
    """One psql in one database, fed with a script from `first_line` on. A context; `end` looks at its status."""

    def __init__(self, access: Access, tools: Tools, first_line: int) -> None:
        self._offset = first_line - 2  # our own line is psql's first
        self._said: list[tuple[int, str, bool]] = []
        self._hint = ""
        argv = [tools.program("psql"), "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"]
        argv += [f"--dbname={access.conninfo(application='dbops restore', usual_path=True)}", "--file=-"]
        self._stack = ExitStack()
        self._process: Process = self._stack.enter_context(
            running(
                argv,
                env=access.environment() | {"PSQL_HISTORY": "/dev/null"},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                secrets=access.secrets,
                on_line=self._on_line,
            )
        )
        self.write(f"\\restrict {secrets.token_hex(24)}\n".encode())

    def write(self, data: bytes) -> None:
        """Feeds the script. `ToolError` when psql has ended, with its own words where it left some."""
        try:
            self._process.stdin.write(data)
        except BrokenPipeError:
            self.end()
            raise ToolError(msg("psql ended before its script did"), kind="tool-failed") from None

    def end(self) -> None:
        """Waits for psql, and raises `Failed` where it stopped, `ToolError` where it died."""
        with suppress(BrokenPipeError):  # its status says why
            self._process.stdin.close()
        status = self._process.wait()
        tail = self._process.stderr_tail
        self.close()
        if status == 0:
            return
        if self._said:
            line, words, command = self._said[0]
            raise Failed(self._offset + line, words, self._hint, command=command)
        raise ToolError(
            msg("psql {describe_status}", describe_status=describe_status(status)),
            hint=masked(tail),
            kind="tool-failed",
        )

    def close(self) -> None:
        self._stack.close()

    def _on_line(self, line: str) -> None:
        if match := _SAID.match(line):
            self._said.append((int(match[1]), match[3], match[2] is None))
        elif (match := _HINT.match(line)) and not self._hint:
            self._hint = match[1]


class ScriptLoad:
    """Feeds the script of a dump to as many psql as it has databases, one after the other."""

    def __init__(self, access: Access, tools: Tools, server_major: int, first: str, existing: set[str]) -> None:
        """`first`: the database for what comes before the first `\\connect`; `existing`: databases that are there."""
        self.left_out: dict[str, set[str]] = {"tablespace": set(), "role": set(), "drop": set(), "timeout": set()}
        self._access = access
        self._tools = tools
        self._major = server_major
        self._existing = existing
        self._here = first
        self._psql: Psql | None = None
        self._fresh = True
        """Nothing has been made yet where it is now: what is dropped cannot be there."""

    def run(self, data: Iterator[bytes], me: str, advance: Callable[[int], None]) -> None:
        """`me`: our own role on the server. Raises `Failed` or `ToolError`; the databases stay as they are then."""
        script = Script()
        try:
            for chunk in data:
                for piece in script.feed(chunk):
                    self._take(piece, me)
                advance(len(chunk))
            for piece in script.finish():
                self._take(piece, me)
            if self._psql is not None:
                self._psql.end()
        finally:
            if self._psql is not None:
                self._psql.close()

    def _take(self, piece: Piece, me: str) -> None:
        if piece.kind is Kind.COMMAND and allowed(piece):
            name = says.connects_to(piece.text.decode("utf-8", "replace"))
            if name:
                self._connect(name)
            else:
                self._write(b"\n", piece)
        elif piece.kind is Kind.STATEMENT:
            self._write(self._statement(piece, me), piece)
        else:  # another command too: psql refuses it
            self._write(piece.data, piece)

    def _connect(self, name: str) -> None:
        if self._psql is not None:
            self._psql.end()
            self._psql = None
        self._here = name
        self._fresh = True

    def _write(self, data: bytes, piece: Piece) -> None:
        if self._psql is None:
            first = piece.line - piece.data.count(b"\n", 0, max(0, len(piece.data) - len(piece.text)))
            self._psql = Psql(at_database(self._access, self._here), self._tools, max(1, first))
        self._psql.write(data)

    def _statement(self, piece: Piece, me: str) -> bytes:
        """The statement as it is to be run; as blank lines if it must not."""
        text = piece.text.decode("utf-8", "replace")
        nothing = b"\n" * piece.data.count(b"\n")
        role = says.role_made(text)
        if (role is not None and role.name == me) or says.role_dropped(text) == me:
            self.left_out["role"].add(me)
            return nothing
        if name := says.tablespace(text):
            self.left_out["tablespace"].add(name)
            return nothing
        if made := says.database_made(text):
            data, space = says.without_tablespace(piece.data)
            if space not in ("", "pg_default"):
                self.left_out["tablespace"].add(space)
            return nothing if made.name in self._existing else data
        if text.startswith("SET transaction_timeout =") and self._major < _TIMEOUT_MAJOR:
            self.left_out["timeout"].add(text)
            return nothing
        if says.drops_database(text) or (self._fresh and says.drops(text)):
            self.left_out["drop"].add(first_words(text))
            return nothing
        if text.upper().startswith(("CREATE ", "COPY ", "INSERT ")):
            self._fresh = False
        return piece.data


def statement_at(data: Iterator[bytes], line: int) -> str:
    """The first words of the statement that stands at a line of a script: no data."""
    script, last = Script(), b""
    for chunk in data:
        for piece in script.feed(chunk):
            if piece.kind is Kind.STATEMENT:
                if piece.line > line:
                    return first_words(last.decode("utf-8", "replace"))
                last = piece.text
    return first_words(last.decode("utf-8", "replace"))


def explained(
    failed: Failed, name: str, statement: str, *, same_major: bool
) -> BadBackupError | PreflightError | ToolError:
    """psql's stop as an error about the dump, about the server, or about the connection."""
    words = masked(failed.words)
    if failed.command:
        if "restricted" in failed.words or "restrict: wrong key" in failed.words:
            return BadBackupError(
                msg(
                    "{name} would make psql run a command of its own at line {line}; psql refused it",
                    name=name,
                    line=failed.line,
                ),
                hint=msg("pg_dump writes no such line: find out who can write to where this dump lies"),
                kind="client-command",
            )
        return ToolError(
            msg("psql, at line {line} of {name}: {words}", line=failed.line, name=name, words=words), kind="tool-failed"
        )
    if any(part in failed.words for part in LOST):
        return ToolError(
            msg("psql, at line {line} of {name}: {words}", line=failed.line, name=name, words=words), kind="server-lost"
        )
    at = msg(
        "line {line} of {name}{statement}",
        line=failed.line,
        name=name,
        statement=msg(" ({statement} …)", statement=statement) if statement else "",
    )
    hint = masked(failed.hint)
    kind = environment_kind(failed.words)
    if kind or not same_major:
        hint = hint or msg("drill it on a server of the source's own major version that has what it needs")
        return PreflightError(msg("{at}: {words}", at=at, words=words), hint=hint, kind=kind or "load-on-other-version")
    return BadBackupError(msg("{at}: {words}", at=at, words=words), hint=hint, kind="restore-failed")
