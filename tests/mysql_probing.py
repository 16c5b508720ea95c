"""What tests of probes share: a manifest of a database as it stands, the closer look at it, and damage to its files."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dbops.engine.mysql import probes
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.examine import examine
from dbops.engine.mysql.server import describe
from dbops.engine.mysql.snapshot import open_quiet
from dbops.engine.restoring import Probed
from dbops.model import Finding, Inventory, Manifest, Sequence, Severity
from dbops.progress import Progress, Silent
from tests.mysql_servers import MysqlServer
from tests.unit.samples import a_manifest

_PAGE = 16384
_INDEX_PAGE = b"\x45\xbf"


def manifest_of(server: MysqlServer, database: str) -> Manifest:
    """What a backup of the database would say of it now, as far as the probes look at that."""
    access = Access(server.url(database))
    with access.session() as connection:
        info = describe(access, connection).info
    with open_quiet(access, 1) as snapshot:
        sequences = tuple(
            Sequence(schema=s, name=n, value=v, called=c, value_after=v, called_after=c)
            for (s, n), (v, c) in snapshot.sequences().items()
        )
        objects, findings = snapshot.objects(), tuple(snapshot.warnings())
    inventory = Inventory(basis="snapshot", level="counts", tables=(), sequences=sequences, objects=objects)
    return msgspec.structs.replace(a_manifest(inventory=inventory, findings=findings), engine=info)


def probed(
    server: MysqlServer, database: str, manifest: Manifest | None = None, *, events_wait: bool = True
) -> list[Finding]:
    """`probe` of a database as if it were a copy; the manifest is that of an empty source unless given."""
    with Access(server.url(database)).session() as connection:
        return probes.probe(connection, manifest or a_manifest(), events_wait=events_wait)


def examined(
    server: MysqlServer,
    database: str,
    manifest: Manifest | None = None,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Probed:
    """`examine` of a database as if it were a copy."""
    return examine(Access(server.url(database)), manifest or a_manifest(), jobs, progress or Silent())


def told(probed: Probed, severity: Severity = Severity.ERROR) -> list[Finding]:
    return [finding for finding in probed.findings if finding.severity is severity]


def tried(probed: Probed, kind: str) -> int:
    return sum(probe.tried for probe in probed.probes if probe.id == kind)


def reasons(probed: Probed, kind: str) -> list[str]:
    return [each.reason for each in probed.not_evaluated if each.id == kind]


def damage(path: Path, kind: str, old: bytes, new: bytes) -> None:
    """Replaces text in the rows of an InnoDB table, not in its secondary indexes, with checksums that are right: what a
    disk, a bug or a copy of half a file leaves. The server must be down."""
    data = bytearray(path.read_bytes())
    starts = [
        start
        for start in range(0, len(data), _PAGE)
        if data[start + 24 : start + 26] == _INDEX_PAGE and old in data[start : start + _PAGE]
    ]
    index = min(bytes(data[start + 66 : start + 74]) for start in starts)  # the first one of a table holds its rows
    for start in starts:
        page = data[start : start + _PAGE]
        if page[66:74] != index:
            continue
        page = page.replace(old, new)
        if kind == "mysql":
            page[0:4] = page[-8:-4] = (_crc(page[4:26]) ^ _crc(page[38:-8])).to_bytes(4, "big")
        else:
            page[-4:] = _crc(page[:-4]).to_bytes(4, "big")
        data[start : start + _PAGE] = page
    path.write_bytes(data)


def _crc(data: bytes | bytearray) -> int:
    """CRC-32C."""
    state = 0xFFFFFFFF
    for byte in data:
        state = _TABLE[(state ^ byte) & 255] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _row(number: int) -> int:
    for _ in range(8):
        number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)
    return number


_TABLE = [_row(number) for number in range(256)]
