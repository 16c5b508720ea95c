"""Replaces the content of a database in one transaction, where it cannot be renamed: all of it, or nothing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from dbops.command import Process, running
from dbops.engine.postgres import settle, source_rows
from dbops.engine.postgres.connect import Access
from dbops.engine.postgres.maintenance import Maintenance
from dbops.engine.postgres.passes import passes, selected
from dbops.engine.postgres.side import PostgresSide
from dbops.engine.postgres.statements import statement
from dbops.engine.postgres.tools import Tools
from dbops.engine.restoring import Wishes
from dbops.errors import DbopsError, PreflightError, ToolError
from dbops.language import joined, msg
from dbops.model import Finding, Manifest
from dbops.progress import Progress

_RESTRICTED = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}
"""First minor of each major whose pg_restore forbids client commands in its script (CVE-2025-8714); all of 18 do."""
_TIMEOUT_LINE = b"SET transaction_timeout = 0;\n"
_TIMEOUT_MAJOR = 17
_HEAD_BYTES = 1 << 14
_TAIL_BYTES = 1 << 12
"""More than what pg_restore prints from its COMMIT on."""
_COMMIT = b"\nCOMMIT;\n"
_LOCK_SECONDS = 30
_ERROR = re.compile(r"ERROR:\s.*$")


def check_tools(tools: Tools) -> None:
    """Refuses a pg_restore whose script could make psql run commands on this machine (`\\!`, `\\copy … PROGRAM`)."""
    match = re.match(r"\d+\.(\d+)", tools.version)
    needed = _RESTRICTED.get(tools.major)
    if tools.major < min(_RESTRICTED) or (needed is not None and int(match[1] if match else 0) < needed):
        raise PreflightError(
            msg("pg_restore {version} cannot keep a dump from running commands on this machine", version=tools.version),
            hint=msg(
                "for --in-place, install its newest minor version ({major}.{needed} or later)",
                major=tools.major,
                needed=needed or 0,
            ),
            kind="tool-too-old",
        )


class InPlace(PostgresSide):
    """See `engine.restoring.Restorer.in_place`. Nothing is created, dropped or renamed."""

    waits_for_swap: frozenset[str] = frozenset()

    def __init__(
        self, access: Access, maintenance: Maintenance, tools: Tools, major: int, name: str, database_sql: str
    ) -> None:
        """`database_sql`: what belongs to the database itself, to come with the content; '' leaves it to `settle`."""
        super().__init__(access, maintenance, tools, major, name, name)
        self._database_sql = database_sql

    def create(self, _: Manifest) -> None:
        """It is there."""

    def drop(self) -> None:
        """It stays."""

    def load(self, manifest: Manifest, archive: Path, wishes: Wishes, progress: Progress) -> list[Finding]:
        """Empties and fills the database in one transaction. COMMIT is only sent once pg_restore has ended well, and
        what belongs to the database itself has been told: a restore that is killed leaves all as it was, or all new.

        Told of the transaction, pg_restore prints one BEGIN (in ours, a warning) and one COMMIT. Else it would put
        large objects into a transaction of their own, whose COMMIT would be that of ours, in the middle of everything.
        """
        check_tools(self._tools)
        self._role = manifest.engine.role
        missing = self._missing_tablespaces(archive)
        argv = [self._tools.program("pg_restore"), "--file=-", "--single-transaction"]
        argv += ["--no-owner", "--no-privileges"] if wishes.no_owner else []
        argv += ["--no-tablespaces"] if missing else []
        psql = [self._tools.program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        psql.append(f"--dbname={self._access.conninfo(application='dbops restore', usual_path=True)}")
        environment, secrets = self._access.environment(), self._access.secrets
        [whole] = passes(self._tools, archive, parallel=False)
        belongings = self._belongings(self._database_sql, wishes) if self._database_sql else []
        with (
            selected(whole.entries) as (listed, entries),
            running(psql, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, secrets=secrets) as client,
            running([*argv, *listed, str(archive)], env={"LC_ALL": "C", "LANGUAGE": "C"}, stdin=entries) as reader,
        ):
            try:
                client.stdin.write(b"SELECT pg_catalog.set_config('search_path', '', false);\n")
                client.stdin.write(f"BEGIN READ WRITE;\nSET LOCAL lock_timeout = '{_LOCK_SECONDS}s';\n".encode())
                client.stdin.write(b"SET LOCAL client_min_messages = error;\n")  # DROP … CASCADE tells of each object
                client.stdin.write(statement("restore_wipe"))
                tail = b""
                for data in self._script(reader):
                    progress.advance(len(data))
                    data = tail + data
                    client.stdin.write(data[:-_TAIL_BYTES])
                    tail = data[-_TAIL_BYTES:]
                reader.check()
                filled, commit, end = tail.rpartition(_COMMIT)
                if commit:
                    tail = filled + _after(belongings) + commit + end
                client.stdin.write(tail)
                client.stdin.close()
            except BrokenPipeError:
                client.wait()
                raise self._failed(client, manifest, archive) from None
            if client.wait() != 0:
                raise self._failed(client, manifest, archive)
        self.changed = True
        return missing

    def _script(self, reader: Process) -> Iterator[bytes]:
        """What pg_restore prints, without the one setting that an older server does not know."""
        head = b""
        for data in reader.chunks():
            if len(head) < _HEAD_BYTES and self._major < _TIMEOUT_MAJOR:
                head += data
                if len(head) < _HEAD_BYTES:
                    continue
                data = head.replace(_TIMEOUT_LINE, b"", 1)
            yield data
        if len(head) < _HEAD_BYTES:
            yield head.replace(_TIMEOUT_LINE, b"", 1)

    def settle(self, database_sql: str, wishes: Wishes) -> None:
        if self._database_sql:  # it came with the content
            return
        belongings = self._belongings(database_sql, wishes)
        with (
            settle.told(),
            self._access.session(application="dbops restore") as connection,
            connection.transaction(),
        ):
            connection.execute("SET TRANSACTION READ WRITE")  # the database may have the contrary
            for each in belongings:
                connection.execute(each)

    def _belongings(self, database_sql: str, wishes: Wishes) -> list[bytes]:
        """Statements that give the database what belongs to itself, and take from it what did until now."""
        sorted_out = settle.sort_out(database_sql, no_owner=wishes.no_owner)
        reset = ["restore_reset"] if wishes.no_owner else ["restore_reset", "restore_reset_roles"]
        given = [settle.block(body).as_bytes() for body in (*sorted_out.now, *sorted_out.at_swap)]
        return [*(statement(name) for name in reset), *given, statement("restore_preloads")]

    def swap(self, moment: str, *, end_sessions: bool) -> str:  # noqa: ARG002 - there is nothing to swap
        return ""

    def _failed(self, client: Process, manifest: Manifest, archive: Path) -> DbopsError:
        hint, kind = client.stderr_tail, "load-failed"
        text = next((match[0] for line in hint.splitlines() if (match := _ERROR.search(line))), "psql ended early")
        if source_rows.refused(text):
            hint, kind = joined("\n", [hint, source_rows.advice(text, self._tools, archive)]), source_rows.KIND
        elif (lacking := settle.without_library(text)) is not None:
            return lacking
        elif settle.unknown(text):
            hint, kind = settle.UNKNOWN_SETTING, settle.UNKNOWN_KIND
        return ToolError(
            msg(
                "backup {backup} was not restored: rolled back, the old content is as it was: {reason}",
                backup=manifest.id,
                reason=text,
            ),
            hint=hint,
            kind=kind,
        )


def _after(statements: Sequence[bytes]) -> bytes:
    """For psql, after what pg_restore prints: that may have chosen another encoding."""
    return b"".join([b"\nSET client_encoding = 'UTF8';\n", *(b"%s;\n" % each.rstrip(b";\n ") for each in statements)])
