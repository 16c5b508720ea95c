"""Loads an archive into an empty database with pg_restore, fail-fast, and says what it choked on."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import IO, NamedTuple

from dbops.command import describe_status, running
from dbops.engine.postgres import source_rows
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.passes import passes, selected
from dbops.engine.postgres.tools import Tools, for_server, installations, supports_zstd
from dbops.engine.restoring import Wishes
from dbops.errors import PreflightError, ToolError
from dbops.language import joined, msg
from dbops.model import Finding, Manifest, Severity, major_version
from dbops.progress import Progress

HARMLESS = {
    'unrecognized configuration parameter "transaction_timeout"': "set by pg_restore 17 and later, new in server 17",
}
"""Errors that do not matter, by the server's words, with the reason. Every other error fails the restore."""
_TIMEOUT_MAJOR = 17
_ERROR = re.compile(r"^pg_restore: error: (.*)$")
_TABLE = re.compile(r'^pg_restore: (?:processing data for table "(.*)"|finished item \d+ TABLE DATA (.*))$')
_DETAIL = re.compile(r"^(Command was: |DETAIL: |HINT: |CONTEXT: )")
_SERVER_FULL = ("No space left on device", "out of memory", "out of shared memory")
_SERVER_LOST = ("server closed the connection", "terminating connection", "could not connect", "connection to server")
_SERVER_LACKS = (
    "could not access file",  # a function in C whose library is not installed
    "could not load library",
    "could not open extension control file",
    "could not create locale",
    "invalid locale name",
    "is not available",
    "must be loaded via",
    "not supported by this build",
    "not supported in this build",
    "unsupported XML feature",
)
_IN_FUNCTION = re.compile(r"^CONTEXT:  .*function", re.MULTILINE)
_PATH_HINT = msg(
    "that function names something without its schema, and a dump is restored with an empty "
    "search_path. On the source: ALTER FUNCTION … SET search_path, then back up again. This "
    "backup: restore it by hand, leaving that object out (pg_restore --list and --use-list)"
)
_LONGEST = 300
_POLL_SECONDS = 0.5


def tools_for(manifest: Manifest, server_major: int, bindir: Path | None) -> Tools:
    """The client programs for an archive and a server: not older than either, if there are such.

    Raises `PreflightError` naming the version when the archive is too new for all pg_restores of this machine.
    """
    wrote = major_version(manifest.tool.version)
    found = installations(bindir)
    if manifest.method.compression.startswith("zstd"):
        found = [tools for tools in found if supports_zstd(tools)]
    try:
        return for_server(max(wrote, server_major), found)
    except PreflightError:
        pass
    try:
        return for_server(wrote, found)
    except PreflightError as error:
        have = ", ".join(sorted({tools.version for tools in found})) or "none"
        raise PreflightError(
            msg(
                "the archive was written by pg_dump {version}, and no pg_restore of version {wrote} or newer "
                "that reads {compression} is here (found: {have})",
                version=manifest.tool.version,
                wrote=wrote,
                compression=manifest.method.compression,
                have=have,
            ),
            hint=error.hint,
            kind="tool-too-old",
        ) from None


class Problem(NamedTuple):
    """An error of pg_restore, with the lines that explain it."""

    text: str
    details: list[str]


class Load:
    """One run of pg_restore into the database that `access` reaches."""

    def __init__(self, access: Access, tools: Tools, server_major: int, manifest: Manifest, progress: Progress) -> None:
        self._access = access
        self._tools = tools
        self._tolerant = tools.major >= _TIMEOUT_MAJOR > server_major
        self._sizes = {table.name: table.bytes for table in manifest.inventory.tables}
        self._progress = progress
        self._problems: list[Problem] = []
        self._errors = 0
        self._harmless: Counter[str] = Counter()

    def run(self, archive: Path, wishes: Wishes, *, no_tablespaces: bool = False) -> list[Finding]:
        """Raises `ToolError` with the server's words at the first error; findings name errors known to be harmless."""
        argv = self._argv(wishes, no_tablespaces)
        # The order of the rows must be kept, it is what digests are compared by. COPY fills pages strictly in order
        # only if the table was created or truncated in its own transaction (TABLE_INSERT_SKIP_FSM in copyfrom.c); else
        # it may put a late row on an early page that has room. pg_restore truncates in parallel mode; so with one job
        # everything goes into one transaction, which cannot be had where an error is to be passed over.
        several = wishes.jobs > 1 or self._tolerant
        jobs = [f"--jobs={max(2, wishes.jobs)}"]
        for entries, parallel in passes(self._tools, archive, parallel=several):
            with selected(entries) as (listed, stdin):
                how = (jobs if parallel else []) if several else ["--single-transaction"]
                self._run([*argv, *how, *listed], archive, stdin)
        return self._passed_over()

    def _run(self, argv: list[str], archive: Path, stdin: int | IO[bytes]) -> None:
        environment, secrets = self._access.environment(), self._access.secrets
        argv = [*argv, str(archive)]
        with running(
            argv, env=environment, stdin=stdin, stdout=subprocess.DEVNULL, secrets=secrets, on_line=self._on_line
        ) as process:
            while True:
                try:
                    status = process.wait(_POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    if self._bad():  # without --exit-on-error it would go on
                        process.end()
            tail = process.stderr_tail
        self._judge(status, tail, archive)

    def _argv(self, wishes: Wishes, no_tablespaces: bool) -> list[str]:
        argv = [self._tools.program("pg_restore"), "--no-password"]
        argv.append(f"--dbname={self._access.conninfo(application='dbops restore', usual_path=True)}")
        if not self._tolerant:
            argv += ["--exit-on-error", "--verbose"]
        if wishes.no_owner:
            argv += ["--no-owner", "--no-privileges"]
        if no_tablespaces:
            argv.append("--no-tablespaces")
        return argv

    def _on_line(self, line: str) -> None:
        # Its workers write to one stderr, in pieces: lines may be mixed up, but these pieces are whole. So where errors
        # may be passed over they are counted, and every single one must be accounted for.
        self._errors += line.count("error: ")
        self._harmless.update({words: line.count(f"could not execute query: ERROR:  {words}") for words in HARMLESS})
        if match := _ERROR.match(line):
            self._problems.append(Problem(match[1], []))
        elif self._problems and _DETAIL.match(line):
            self._problems[-1].details.append(line[:_LONGEST])
        elif match := _TABLE.match(line):
            name = match[1] or match[2]
            self._progress.item(name)
            if match[2]:
                self._progress.advance(self._sizes.get(name, 0))

    def _bad(self) -> bool:
        return self._errors > self._harmless.total()

    def _judge(self, status: int, tail: str, archive: Path) -> None:
        if status != 0 and not (self._tolerant and status == 1 and self._errors and not self._bad()):
            told = [p for p in self._problems if not any(p.text.endswith(words) for words in HARMLESS)][:3]
            text = "; ".join(problem.text[:_LONGEST] for problem in told) or describe_status(status)
            details = "\n".join(line for problem in told for line in problem.details) or ("" if told else tail)
            if "does not exist" in text and _IN_FUNCTION.search(details):
                details = joined("\n", [details, _PATH_HINT])
            kind = _kind(text + tail)
            # What follows another error may come of that one.
            if kind == "load-failed" and told and source_rows.refused(told[0].text):
                details = joined("\n", [details, source_rows.advice(told[0].text, self._tools, archive)])
                kind = source_rows.KIND
            raise ToolError(msg("pg_restore: {reason}", reason=text), hint=details, kind=kind)

    def _passed_over(self) -> list[Finding]:
        return [
            Finding(
                id="harmless-error",
                severity=Severity.INFO,
                subject=words,
                actual=msg("passed over {count} times: {harmless}", count=count, harmless=HARMLESS[words]),
            )
            for words, count in self._harmless.items()
            if count
        ]


def _kind(words: str) -> str:
    """Whether the load failed for the archive's sake, or the server's: they call for different repairs."""
    if any(part in words for part in _SERVER_FULL):
        return "server-full"
    if any(part in words for part in _SERVER_LOST):
        return "server-lost"
    return "server-lacks" if any(part in words for part in _SERVER_LACKS) else "load-failed"
