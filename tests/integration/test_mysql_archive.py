"""What an archive says of its tables, against what the server says in SQL: real servers and their own dump tools."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.engine.base import Content, TableRef
from dbops.engine.mysql import archive, fingerprint
from dbops.engine.mysql.packing import packer
from dbops.engine.mysql.rowtext import NULL
from dbops.engine.mysql.schema import Schema, read_schema
from dbops.errors import BadBackupError
from dbops.model import Artifact, Inventory, Manifest, Table
from dbops.progress import Silent
from tests.mysql_servers import MysqlServer, installation, servers
from tests.unit.samples import a_manifest

HERE = Path(__file__).parent
TORTURED = "tor`ture; db"
NOT_TOLD = {"fl", "jap", "sv"}
"""FLOAT, a character set of which some characters do not come back, history that a plain dump leaves out or not: what
is told of them must not be wrong."""


class Source:
    def __init__(self, server: MysqlServer) -> None:
        self.server = server
        self.maria = server.kind == "mariadb"
        server.create_database(TORTURED, "CHARACTER SET utf8mb4")
        options = ["--default-character-set=utf8mb4"]
        server.script((HERE / "mysql_torture.sql").read_bytes(), TORTURED, *options)
        if self.maria:
            server.script((HERE / "mysql_torture_mariadb.sql").read_bytes(), TORTURED, *options)

    def schema(self) -> Schema:
        with contextlib.closing(self.server.connect(TORTURED)) as connection:
            return read_schema(connection, history=False)

    def in_sql(self) -> dict[str, Content]:
        """What `fingerprint` makes of each table."""
        schema, found = self.schema(), {}
        with contextlib.closing(self.server.connect(TORTURED)) as connection, connection.cursor() as cursor:
            cursor.execute("SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = '', group_concat_max_len = 1000000")
            for table in schema.tables:
                cursor.execute(fingerprint.digest_statement(schema.of(table), schema.rows_of(table), as_dumped=True))
                ((rows, total),) = cursor.fetchall()
                found[table.name] = fingerprint.content(table.label, rows, None if total is None else int(total))
        return found

    def dump(self, *arguments: str) -> bytes:
        return self.server.dump(TORTURED, "--default-character-set=utf8mb4", *arguments)

    def rows_of(self, table: str) -> bytes:
        arguments = ["--hex-blob", "--default-character-set=utf8mb4", "--no-create-info", "--skip-triggers"]
        if not self.maria:
            arguments.append("--set-gtid-purged=OFF")
        return self.server.client("mysqldump", *arguments, TORTURED, table)


@pytest.fixture(scope="module", params=servers())
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    with MysqlServer(installation(request.param)) as server:
        yield Source(server)


def packed(data: bytes) -> bytes:
    packing = packer("zstd:1", threads=0)
    return packing.compress(data) + packing.flush()


def with_digests(*parts: str) -> Manifest:
    table = Table(schema="", name="t", rows=3, digest="rows-sum64:0000000000000000")
    artifacts = tuple(Artifact(name=f"backup_1/{part}.sql.zst", bytes=1, sha256="0" * 64) for part in parts)
    inventory = Inventory(basis="snapshot", level="content", tables=(table,))
    return a_manifest(inventory=inventory, artifacts=artifacts)


def contents(data: bytes, size: int = 1 << 20) -> archive.Contents:
    found = archive.Contents()
    for start in range(0, len(data), size):
        found.feed(data[start : start + size])
    found.finish()
    return found


WAYS = [(), ("--complete-insert",), ("--insert-ignore",), ("--replace",), ("--skip-extended-insert",)]


@pytest.mark.parametrize("ways", WAYS, ids=lambda ways: " ".join(ways) or "usual")
def test_text_and_sql_give_the_same_digest(source: Source, ways: tuple[str, ...]) -> None:
    expected = source.in_sql()
    found = contents(source.dump(*ways)).found()
    assert {name: content.rows for (_, name), content in found.items()} == {
        name: content.rows for name, content in expected.items()
    }
    told = {name: content.digest for (_, name), content in found.items() if content.digest}
    assert told == {name: expected[name].digest for name in told}
    # MySQL leaves the values of STORED columns out
    without = NOT_TOLD - {"sv"} | (set() if "gen" in told else {"gen"})
    assert set(expected) - set(told) == without
    assert ("gen" in told) == source.maria


def test_any_piece_length_gives_the_same(source: Source) -> None:
    data = source.dump()
    whole = contents(data)
    for size in (1, 7, 1000):
        assert contents(data, size).found() == whole.found()
        assert contents(data, size).objects == whole.objects


def test_binary_strings_instead_of_hex(source: Source) -> None:
    """Without --hex-blob, as others dump: bytes of any value stand in strings."""
    arguments = ["--single-transaction", "--default-character-set=utf8mb4"]
    if not source.maria:
        arguments.append("--set-gtid-purged=OFF")
    found = contents(source.server.client("mysqldump", *arguments, TORTURED)).found()
    assert found["", "broad"] == source.in_sql()["broad"]
    assert found["", "geo"] == source.in_sql()["geo"]


def test_other_objects_are_named(source: Source) -> None:
    found = contents(source.dump()).objects
    assert found["view"] == {"v1", "v `2"}
    assert found["trigger"] == {"tr g", "tr2"}
    assert found["procedure"] == {"p;;1"}
    assert found["function"] == {"f1"}
    assert found["event"] == {"e v", "e2"}
    if source.maria:
        assert found["sequence"] == {"s1", "s `2"}
        assert (found["package"], found["package-body"]) == ({"pkg"}, {"pkg"})
    bare = contents(source.dump("--skip-routines", "--skip-triggers", "--skip-events")).objects
    assert not bare.keys() & {"trigger", "procedure", "function", "event"}


def test_lines_are_those_of_the_server(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "backup.sql.zst"
    path.write_bytes(packed(source.dump()))
    table = next(t for t in source.schema().tables if t.name == "broad")
    columns = ("id", "vc", "tx", "vb", "lb", "we`ird, name ) (", "js", "da", "bit13")
    wanted = TableRef("", "broad", columns, table.bytes)
    lines = b"".join(archive.lines(with_digests(), path, wanted)).splitlines()
    assert len(lines) == 14
    assert lines[0] == b"1" + (b"\t" + NULL) * 4 + b"\ta,b)" + (b"\t" + NULL) * 3
    second = lines[1].split(b"\t")
    assert second[1] == b'it\'s \\\\ "q" \\n\\r\\t\0\x1a ` ; -- x'
    assert second[2] == b"line1\\nline2),(\\n'x'"
    assert second[3:5] == [b"0x27272C5C0A0D1A00", b"0xFFFE00275C"]
    assert second[7:] == [b"0000-00-00", b"0x1555"]


def test_archives_in_files_and_parts(source: Source, tmp_path: Path) -> None:
    whole = contents(source.dump()).found()
    for name, pack in ((".sql", bytes), (".sql.gz", gzip.compress), (".sql.zst", packed)):
        (tmp_path / f"b{name}").write_bytes(pack(source.dump()))
        assert archive.of_backup(with_digests(), tmp_path / f"b{name}", Silent()) == whole
    folder = tmp_path / "parts"
    folder.mkdir()
    schema = ["--no-data", "--skip-triggers", "--skip-events"]
    rows = ["--no-create-info", "--skip-routines", "--skip-triggers", "--skip-events"]
    parts = {
        "schema": source.dump(*schema),
        "data-00": source.dump(*rows, f"--ignore-table={TORTURED}.broad"),
        "data-01": source.rows_of("broad"),
    }
    for name, data in parts.items():
        (folder / f"{name}.sql.zst").write_bytes(packed(data))
    (folder / "data-99.sql.zst").write_bytes(b"nobody knows where this comes from: no manifest names it")
    assert archive.of_backup(with_digests(*parts), folder, Silent()) == whole
    (folder / "schema.sql.zst").unlink()
    with pytest.raises(BadBackupError, match="schema") as error:
        archive.of_backup(with_digests(*parts), folder, Silent())
    assert error.value.kind == "archive-truncated"


def test_a_cut_or_changed_archive_is_refused(source: Source, tmp_path: Path) -> None:
    data = source.dump()
    text = packed(data)
    cuts = {
        "cut.sql": data[: data.index(b"ENABLE KEYS") - 200],
        "statement.sql": data[: data.index(b"UNLOCK TABLES;\n") + 15],  # loads with status 0
        "trailer.sql": data[: data.rindex(b"-- Dump completed")],
        "cut.sql.zst": text[:-100],
        "cut.sql.gz": gzip.compress(data)[:-100],
    }
    for name, part in cuts.items():
        (tmp_path / name).write_bytes(part)
        with pytest.raises(BadBackupError) as error:
            archive.of_backup(with_digests(), tmp_path / name, Silent())
        assert error.value.kind == "archive-truncated", name
        assert name in error.value.message
    flipped = bytearray(text)
    flipped[len(text) // 2] ^= 0x40
    (tmp_path / "flipped.sql.zst").write_bytes(flipped)
    with pytest.raises(BadBackupError):
        archive.of_backup(with_digests(), tmp_path / "flipped.sql.zst", Silent())


def test_one_changed_value_changes_the_digest(source: Source) -> None:
    data = source.dump()
    good = contents(data).found()["", "broad"]
    for one, other in (
        (b"'_binary'", b"'_binarx'"),
        (b"0xFFFE00275C", b"0xFFFE00275D"),
        (b"18446744073709551615", b"1"),
    ):
        assert one in data
        changed = contents(data.replace(one, other)).found()["", "broad"]
        assert changed.rows == good.rows
        assert changed.digest not in ("", good.digest)
