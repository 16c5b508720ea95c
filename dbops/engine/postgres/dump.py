"""Runs pg_dump inside the snapshot: one stream (custom format), or several files in parallel (directory format)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from dbops.command import Process, running
from dbops.engine.base import Content, DumpOutput, DumpPlan, Reading, TableKey
from dbops.engine.postgres.archive import decode_file, file_entries, piped
from dbops.engine.postgres.connect import NO_SESSION_HINT, STANDBY_CONFLICT, STANDBY_HINT, Access, no_session_left
from dbops.engine.postgres.copytext import merge
from dbops.engine.postgres.snapshot import PostgresSnapshot
from dbops.engine.postgres.tools import Tools, supports_zstd
from dbops.errors import ConfigError, DbopsError, LockedError, StoreFullError, ToolError
from dbops.language import msg
from dbops.progress import Progress

_FINISHED = re.compile(r"^pg_dump: finished item (\d+) TABLE DATA (.*)$")
_DUMPING = re.compile(r'^pg_dump: (?:dumping contents of table "|finished item \d+ TABLE DATA )([^"]*)')
_DATA_FILE = re.compile(r"^(\d+)\.dat")
_CHATTER = re.compile(r"pg_dump: (?!error: |detail: |hint: )")
_COMPRESSION = re.compile(r"^(none|zstd:(?:[1-9]|1[0-9])|gzip:[1-9])$")


def plan(tools: Tools, *, jobs: int, compression: str, lock_timeout: float) -> DumpPlan:
    """What will be run. Without `compression`: zstd:1 where the tool has it, else gzip:1; never the slow default.
    `ConfigError` for a compression that nobody knows, or that this pg_dump cannot write."""
    if compression and not _COMPRESSION.match(compression):
        raise ConfigError(
            msg("compression = {compression!r}", compression=compression),
            hint=msg("zstd:1 to zstd:19, gzip:1 to gzip:9, or none"),
        )
    chosen = compression or ("zstd:1" if supports_zstd(tools) else "gzip:1")
    if tools.major < 16 and chosen.split(":")[0] not in ("gzip", "none"):
        raise ConfigError(
            msg("pg_dump {version} cannot write {chosen}", version=tools.version, chosen=chosen),
            hint=msg("use gzip:1, or install a newer client with zstd"),
        )
    if tools.major < 16:
        compress = "--compress=0" if chosen == "none" else f"--compress={chosen.split(':')[1]}"
    else:
        compress = f"--compress={chosen}"
    form = "directory" if jobs > 1 else "custom"
    argv = [tools.program("pg_dump"), f"--format={form}", compress, "--verbose", "--no-password"]
    argv += [f"--lock-wait-timeout={int(lock_timeout * 1000)}"]
    if form == "directory":
        argv += [f"--jobs={jobs}", "--no-sync"]  # each file is synced as it is adopted by the store
    return DumpPlan("pg_dump", tools.version, tuple(argv), form, chosen, jobs)


class Dump:
    """One run of pg_dump in a snapshot into an output; `decode` fingerprints the archive on its way."""

    def __init__(
        self,
        plan: DumpPlan,
        access: Access,
        tools: Tools,
        snapshot: PostgresSnapshot,
        output: DumpOutput,
        progress: Progress,
        *,
        decode: bool,
    ) -> None:
        # Else it would be that of a setting of the database or role.
        self._argv = [*plan.argv, f"--snapshot={snapshot.id}", f"--encoding={snapshot.encoding}"]
        self._argv.append(f"--dbname={access.conninfo(application=snapshot.application)}")
        self._directory_format = plan.format == "directory"
        self._access = access
        self._tools = tools
        self._snapshot = snapshot
        self._output = output
        self._progress = progress
        self._decode = decode

    def run(self, name: str) -> dict[TableKey, Content]:
        """See `engine.base.Engine.dump`. Raises `ToolError` when any process of it fails, whatever it printed."""
        try:
            return self._directory(name) if self._directory_format else self._stream(name)
        except ToolError as error:
            raise self._explained(error) from None

    # --- custom format: one stream ----------------------------------------------------------------------------------

    def _stream(self, name: str) -> dict[TableKey, Content]:
        with contextlib.ExitStack() as stack:
            writer = stack.enter_context(self._output.stream(f"{name}.dump"))
            process = stack.enter_context(self._running(self._argv, self._show))
            text = None
            if self._decode:
                text = stack.enter_context(piped(self._tools, self._snapshot.encoding, self._snapshot.tables()))
            for data in process.chunks():
                writer.write(data)
                self._progress.advance(len(data))
                if text is not None:
                    text.write(data)
            # Every status is looked at before the stream's block ends, which would publish it.
            process.check()
            return text.finish() if text is not None else {}

    # --- directory format: each file is published as it is finished -------------------------------------------------

    def _directory(self, name: str) -> dict[TableKey, Content]:
        published: dict[str, Future[Content | None]] = {}
        with self._output.workspace() as workspace, ThreadPoolExecutor(2, thread_name_prefix="publish") as pool:
            folder = workspace / name
            late = {name.split("\n")[0] for name in self._snapshot.unordered_names}

            def publish(path: Path, ordered: bool) -> Content | None:
                content = self._decoded(path, ordered)
                size = path.stat().st_size
                self._output.adopt(path, f"{name}/{path.name}")
                self._progress.advance(size)
                return content

            def on_line(line: str) -> None:
                self._show(line)
                # pg_dump says so once a worker has closed the file.
                match = _FINISHED.match(line)
                # Where the name without its schema leaves open how the rows are to be read, the table of contents
                # tells at the end.
                if match and match[2] not in late:
                    for path in folder.glob(f"{match[1]}.dat*"):
                        published[path.name] = future = pool.submit(publish, path, True)
                        future.add_done_callback(lambda done: process.end() if done.exception() else None)

            try:
                with self._running([*self._argv, f"--file={folder}"], on_line) as process:
                    process.check()
                entries = file_entries(self._tools, folder)
                for path in sorted(folder.iterdir()):
                    if path.name not in published:
                        published[path.name] = pool.submit(publish, path, self._ordered(path, entries))
            except ToolError:
                # If publishing a file failed, that is the reason why pg_dump was ended.
                for future in published.values():
                    future.result()
                raise
            contents = {file: future.result() for file, future in published.items()}
        return self._by_table(entries, contents) if self._decode else {}

    def _ordered(self, path: Path, entries: dict[str, int]) -> bool:
        number = _DATA_FILE.match(path.name)
        table = self._snapshot.by_oid.get(entries.get(number[1], 0)) if number else None
        return table is None or table.reading is Reading.ORDERED

    def _decoded(self, path: Path, ordered: bool) -> Content | None:
        if not self._decode or not _DATA_FILE.match(path.name):
            return None
        return decode_file(path, ordered=ordered)

    def _by_table(self, entries: dict[str, int], contents: dict[str, Content | None]) -> dict[TableKey, Content]:
        found: dict[TableKey, Content] = {}
        for file, content in contents.items():
            number = _DATA_FILE.match(file)
            table = self._snapshot.by_oid.get(entries.get(number[1], 0)) if number else None
            if table is None or content is None:
                continue
            before = found.get((table.schema, table.name))
            if before is not None:
                content = Content(before.rows + content.rows, merge(before.digest, content.digest))
            found[table.schema, table.name] = content
        return found

    # --- common -----------------------------------------------------------------------------------------------------

    def _running(self, argv: list[str], on_line: Callable[[str], None]) -> contextlib.AbstractContextManager[Process]:
        environment, secrets = self._access.environment(), self._access.secrets
        return running(argv, env=environment, secrets=secrets, on_line=on_line)

    def _show(self, line: str) -> None:
        if match := _DUMPING.match(line):
            self._progress.item(match[1])

    def _explained(self, error: ToolError) -> DbopsError:
        """pg_dump's own words, with what we know of the reason."""
        text = "\n".join(line for line in error.hint.splitlines() if not _CHATTER.match(line)) or error.message
        if "No space left on device" in text:
            return StoreFullError(
                msg("pg_dump: {reason}", reason=text),
                hint=msg("free space where the backup is written"),
                kind="store-full",
            )
        # --lock-wait-timeout is a statement_timeout to the server; parallel workers do not wait at all.
        if ("LOCK TABLE" in text and "timeout" in text) or "could not obtain lock" in text:
            return LockedError(
                msg("pg_dump: {reason}", reason=text),
                # A worker of pg_dump says the same where the server has no room for its lock.
                hint=msg(
                    "end the session that holds the lock; if there is none, the server's lock table is full: "
                    "raise max_locks_per_transaction (restart needed)"
                ),
                kind="lock-timeout",
            )
        if STANDBY_CONFLICT in text:
            return ToolError(msg("pg_dump: {reason}", reason=text), hint=STANDBY_HINT, kind="standby-conflict")
        if "row-level security" in text:
            hint = msg("back up as a role that has BYPASSRLS, or as a superuser")
            return ToolError(msg("pg_dump: {reason}", reason=text), hint=hint, kind="row-level-security")
        hint = NO_SESSION_HINT if no_session_left(text) else msg("nothing was published; older backups stay")
        message = error.message if text == error.message else msg("{message}: {text}", message=error.message, text=text)
        return ToolError(message, hint=hint, kind=error.kind)
