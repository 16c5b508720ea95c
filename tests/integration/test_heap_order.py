"""What decision 002 rests on: when heap order survives a dump and a restore, and when it does not.

Rows of thousands of bytes leave holes at the ends of pages. COPY into a table of an earlier transaction asks the
free space map, which gives it such a hole for a later, smaller row; a table that the same transaction created or
truncated is filled page after page (CopyFrom and heap_multi_insert in PostgreSQL's sources).
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Cluster, Database

FILL = """
BEGIN;
CREATE TABLE wide (id int, filling text);
ALTER TABLE wide ALTER filling SET STORAGE PLAIN;
{inserts}
COMMIT;
"""
SIZES = (3000, 1500, 6000)


@pytest.fixture(scope="module")
def wide(any_pg: Cluster) -> Iterator[Database]:
    """Its heap is in the order of `id`: filled by one COPY in the transaction that created the table."""
    any_pg.create_database("heap order")
    database = Database(any_pg, "heap order")
    rows = "".join(f"{i}\t{'x' * SIZES[i % 3]}\n" for i in range(1, 301))
    database.psql(FILL.format(inserts=f"COPY wide FROM STDIN;\n{rows}\\.\n"))
    yield database
    any_pg.drop_database("heap order")


def digest(database: Database) -> str:
    with database.connect() as connection, connection.cursor().copy("COPY wide TO STDOUT") as copy:
        return hashlib.sha256(b"".join(copy)).hexdigest()


@pytest.mark.parametrize(
    ("mode", "kept"),
    [(["--jobs=2"], True), (["--single-transaction"], True), (["--jobs=1"], False)],
    ids=["parallel", "single-transaction", "plain"],
)
def test_order_survives_as_dbops_restores_and_not_in_a_plain_restore(
    wide: Database, tmp_path: Path, mode: list[str], kept: bool
) -> None:
    cluster, dump = wide.cluster, tmp_path / "dump"
    subprocess.run([cluster.bindir / "pg_dump", "-Fc", "-f", dump, "-d", wide.url], check=True)
    cluster.create_database("heap copy")
    try:
        url = cluster.url("heap copy")
        subprocess.run([cluster.bindir / "pg_restore", *mode, "--exit-on-error", "-d", url, dump], check=True)
        assert (digest(Database(cluster, "heap copy")) == digest(wide)) is kept
    finally:
        cluster.drop_database("heap copy")
