"""The database that is measured: pgbench's tables, and a table of random text, numeric and jsonb."""

from __future__ import annotations

import subprocess

from tests.servers import Database

_NOISE = """
CREATE TABLE noise (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    amount numeric(14, 2) NOT NULL,
    note text NOT NULL,
    data jsonb NOT NULL
);
INSERT INTO noise (amount, note, data)
SELECT (random() * 1e9)::numeric(14, 2),
       md5(random()::text) || md5(random()::text),
       jsonb_build_object('a', (random() * 1e6)::int, 'b', md5(random()::text), 'c', ARRAY[i, i + 1])
FROM generate_series(1, {rows}) AS i;
CREATE INDEX noise_amount ON noise (amount);
VACUUM ANALYZE;
"""


def fill(database: Database, scale: float) -> int:
    """Fills the database; returns its size in bytes. Scale 1.0: 4 million accounts, 2 million rows of noise."""
    pgbench = str(database.cluster.bindir / "pgbench")
    argv = [pgbench, "--initialize", "--quiet", f"--scale={max(1, round(40 * scale))}", database.url]
    subprocess.run(argv, check=True, capture_output=True)
    database.psql(_NOISE.format(rows=round(2_000_000 * scale)))
    with database.connect() as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0
