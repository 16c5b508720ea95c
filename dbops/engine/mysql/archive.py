"""What archives of mysqldump and mariadb-dump hold: the rows of each table and their digest, and the other objects.

A digest is told for tables of which the dump's text tells every value as the server has it (`declared.Column.form`). It
is then the same `rows-sum64` that `fingerprint` takes in SQL, of the same columns: all but virtual ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from dbops.engine import dump_streams
from dbops.engine.base import Content, TableKey, TableRef
from dbops.engine.mysql import rowtext
from dbops.engine.mysql.archive_sums import TableRows
from dbops.engine.mysql.declared import Column, Table, by_name, declared
from dbops.engine.mysql.plan import HISTORY
from dbops.engine.mysql.rows import UnreadableError, each, read
from dbops.engine.mysql.script import Kind, Script, Statement, statements
from dbops.engine.mysql.script_errors import no_trailer
from dbops.engine.mysql.script_facts import Facts
from dbops.errors import BadBackupError
from dbops.language import msg
from dbops.model import Manifest
from dbops.progress import Progress

PARTS = "sql-parts"
_PACKINGS = {".zst": ("zstd",), ".gz": ("gzip",), ".sql": ()}


class Contents:
    """Reads a dump in pieces of any length: a tee while it is made, or what a store holds.

    Several parts of one dump are read by one `Contents`, the one with the tables first, each ended by `end_part`; or by
    several, the others with the `tables` of the first. Not safe to use from several threads.
    """

    def __init__(
        self,
        *,
        digests: bool = True,
        charset: str = "",
        history: bool = True,
        tables: Mapping[str, Table] | None = None,
        require_trailer: bool = True,
    ) -> None:
        """`charset`: the database's, for tables that name none. `history`: see `TableRows`."""
        self.tables: dict[str, Table] = dict(tables or {})
        self.objects: dict[str, set[str]] = {}
        """Names by kind: `table`, `view`, `trigger`, `procedure`, `function`, `package`, `package-body`, `library`,
        `event`, `sequence`, `database`."""
        self.facts = Facts()
        self._digests = digests
        self._charset = charset
        self._history = history
        self._require_trailer = require_trailer
        self._script = Script()
        self._known: dict[str, TableRows] = {}

    def feed(self, data: bytes) -> None:
        """Takes the next piece of the script, of any length."""
        for one in self._script.feed(data):
            self._take(one)

    def end_part(self) -> None:
        """A file has ended. `BadBackupError` of kind 'archive-truncated' if its last line is missing."""
        for one in self._script.finish():
            self._take(one)
        if self._require_trailer and not self._script.complete:
            raise no_trailer()
        if not self.facts.tool:
            self.facts = self._script.facts
        self._script = Script()

    def finish(self) -> dict[TableKey, Content]:
        """Ends the last part; what the dump holds of each table. A table that is created in it is in it."""
        self.end_part()
        return self.found()

    def found(self) -> dict[TableKey, Content]:
        """What was read so far, by table."""
        return {("", name): rows.content() for name, rows in self._known.items()}

    def _take(self, one: Statement) -> None:
        if one.kind is Kind.INSERT:
            self._rows_of(one.name).add(one)
        elif one.kind.startswith("create-"):
            if one.kind is Kind.CREATE_TABLE:
                self.tables[one.name] = declared(one.text, self._charset)
                self._rows_of(one.name)
            self.objects.setdefault(one.kind.removeprefix("create-"), set()).add(one.name)

    def _rows_of(self, name: str) -> TableRows:
        rows = self._known.get(name)
        if rows is None:
            rows = self._known[name] = TableRows(self.tables.get(name), digest=self._digests, history=self._history)
        return rows


# --- stored archives --------------------------------------------------------------------------------------------------


def of_backup(manifest: Manifest, path: Path, progress: Progress) -> dict[TableKey, Content]:
    """Decodes a backup's archive to its end. `BadBackupError`: 'archive-truncated', 'archive-corrupt' or
    'client-command'."""
    digests = any(table.digest for table in manifest.inventory.tables)
    return read_archive(path, progress, digests=digests, charset=manifest.engine.encoding, manifest=manifest).found()


def read_archive(
    path: Path, progress: Progress, *, digests: bool = True, charset: str = "", manifest: Manifest | None = None
) -> Contents:
    """Reads an archive of dbops, a file or a folder of parts, to its end; the errors of `of_backup`."""
    history = manifest is None or HISTORY in manifest.tool.argv
    contents = Contents(digests=digests, charset=charset, history=history)
    for part in parts(path, manifest):
        try:
            for data in dump_streams.chunks(part, packing(part)):
                contents.feed(data)
                progress.advance(len(data))
            contents.end_part()
        except BadBackupError as error:
            raise _of_part(part, error) from None
    return contents


def parts(path: Path, manifest: Manifest | None = None) -> list[Path]:
    """The files of an archive in the order in which they are to be read: tables, rows, the rest. With its manifest:
    those that it names, since nobody knows what others are. `BadBackupError` if the schema's file is not there."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if ".sql" in file.suffixes)
    if manifest is not None:
        plain_name = manifest.method.plain_name
        named = {Path(plain_name(artifact.name)).name for artifact in manifest.artifacts if "/" in artifact.name}
        files = [file for file in files if file.name in named]
    order = {"schema": 0, "data": 1, "after": 2}
    files.sort(key=lambda file: order.get(file.name.partition(".")[0].partition("-")[0], 1))
    if not files or not files[0].name.startswith("schema."):
        raise BadBackupError(
            msg("{path} lacks the part 'schema'", path=path.name),
            hint=msg("use another backup"),
            kind="archive-truncated",
        )
    return files


def packing(path: Path) -> tuple[str, ...]:
    """What a file is packed with, by its name."""
    return _PACKINGS.get(path.suffix, ())


def lines(manifest: Manifest, path: Path, table: TableRef) -> Iterator[bytes]:
    """The rows of one table as they stand in an archive, as text of `rowtext`, in the order of `table.columns`.

    `BadBackupError` of kind 'no-such-table' or 'rows-unreadable' where the archive does not have them so.
    """
    found: Table | None = None
    for part in parts(path, manifest):
        try:
            for one in statements(dump_streams.chunks(part, packing(part)), require_trailer=True):
                if one.kind is Kind.CREATE_TABLE and one.name == table.name:
                    found = declared(one.text, manifest.engine.encoding)
                elif one.kind is Kind.INSERT and one.name == table.name:
                    yield _lines_of(one, found, table.columns)
        except BadBackupError as error:
            raise _of_part(part, error) from None
    if found is None:
        raise BadBackupError(
            msg("{path} holds no table {table}", path=path.name, table=table.name), kind="no-such-table"
        )


def _lines_of(one: Statement, table: Table | None, wanted: Sequence[str]) -> bytes:
    try:
        rows = read(one.text)
    except UnreadableError:
        raise _unreadable(one, msg("its values are no plain literals")) from None
    columns = by_name(table) if table is not None else {}
    names = (
        rows.columns if rows.columns is not None else tuple(column.name for column in table.columns) if table else ()
    )
    places = {name.lower(): place for place, name in enumerate(names)}
    if len(rows.values) != rows.number * len(names):
        raise _unreadable(one, msg("it has another number of values than the table has columns"))
    generated = {name for name in wanted if (column := columns.get(name.lower())) is not None and column.stored}
    missing = [name for name in wanted if name.lower() not in places and name not in generated]
    if missing:
        raise _unreadable(one, msg("it has no column {missing}", missing=missing[0]))
    writers = [None if name in generated else _writer(columns.get(name.lower())) for name in wanted]
    chosen = [0 if name in generated else places[name.lower()] for name in wanted]
    return b"".join(
        rowtext.line([_written(value, writer) for value, writer in zip(row, writers, strict=True)])
        for row in each(rows, chosen)
    )


def _written(value: bytes | None, writer: Callable[[bytes], bytes] | None) -> bytes | None:
    if writer is None:
        return rowtext.GENERATED
    return None if value is None else writer(value)


def _writer(column: Column | None) -> Callable[[bytes], bytes]:
    if column is None:
        return rowtext.text
    special = {"float": rowtext.single, "double": rowtext.double}.get(column.data_type)
    return special or (rowtext.text if column.text else rowtext.hexadecimal)


def _unreadable(one: Statement, why: str) -> BadBackupError:
    return BadBackupError(
        msg("line {line}: the rows of {one} cannot be read: {why}", line=one.line, one=one.name, why=why),
        kind="rows-unreadable",
    )


def _of_part(part: Path, error: BadBackupError) -> BadBackupError:
    """Names the file, where the message does not."""
    if error.message.startswith(part.name):
        return error
    return BadBackupError(
        msg("{part}: {message}", part=part.name, message=error.message), hint=error.hint, kind=error.kind
    )
