"""What tests of restores share: a database with one of everything, its backups, restores through the operations."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import App, StoreConfig, Target
from dbops.config.urls import Secret
from dbops.engine.postgres.side import PostgresSide
from dbops.engine.restoring import Wishes
from dbops.model import Artifact, Finding, Manifest, Report, Severity
from dbops.ops.backup import backup
from dbops.ops.restore import restore
from dbops.progress import Silent
from tests.backups import Backup
from tests.inputs import contents
from tests.servers import Cluster, Database
from tests.waiting import until as until

ROOT = Path(__file__).parents[1]
DBOPS = [sys.executable, "-c", "from dbops.cli import main; main()"]
TIMEOUT = 60

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'ok', note text);
CREATE TABLE invoices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customers,
    total numeric(12,2) CHECK (total >= 0), paid_at timestamptz, lines jsonb, seal bytea, tags text[], rate float8,
    period int4range, gross numeric GENERATED ALWAYS AS (total * 1.16) STORED);
CREATE INDEX invoices_customer ON invoices (customer_id);
CREATE TABLE events (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2025-01-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2030-01-01');
CREATE VIEW open_invoices AS SELECT * FROM invoices WHERE paid_at IS NULL;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM invoices GROUP BY 1;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.note := 'touched'; RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
CREATE SEQUENCE tickets START 100;
COMMENT ON TABLE invoices IS 'what customers owe';
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY everyone ON customers USING (true);
GRANT SELECT ON invoices TO PUBLIC;
"""

ROWS = """
INSERT INTO customers (name, note)
    SELECT 'customer ' || n, nullif('note ' || n % 5, 'note 0') FROM generate_series(1, 500) n;
INSERT INTO invoices (customer_id, total, paid_at, lines, seal, tags, rate, period)
    SELECT 1 + n % 500, n / 7.0, CASE WHEN n % 3 = 0 THEN timestamptz '2026-01-01 12:00+01' + n * interval '1 min' END,
           jsonb_build_object('n', n), decode(md5(n::text), 'hex'), ARRAY['a', n::text], n / 3.0, int4range(n, n + 5)
    FROM generate_series(1, 4000) n;
UPDATE invoices SET total = total + 1 WHERE id % 5 = 0;
DELETE FROM invoices WHERE id % 11 = 0;
VACUUM invoices;
INSERT INTO invoices (customer_id, total) SELECT 1, n FROM generate_series(1, 200) n;
INSERT INTO events SELECT date '2024-06-01' + n, 'event ' || n FROM generate_series(1, 400) n;
REFRESH MATERIALIZED VIEW totals;
SELECT nextval('tickets');
SELECT lo_from_bytea(4711, 'a large object');
ANALYZE;
"""


class Backed(NamedTuple):
    """A target with a backup."""

    database: Database
    target: Target
    catalog: Catalog
    manifest: Manifest


def fill(database: Database) -> None:
    database.psql(SCHEMA + ROWS)


def back_up(database: Database, store: str, **options: Any) -> Backed:
    target = Target(url=Secret(database.url), name="shop", **options)
    catalog = app.open_catalog(StoreConfig(url=store))
    manifest = backup(app.open_engine(target), catalog, target, clock=app.now, progress=Silent())
    assert isinstance(manifest, Manifest)
    return Backed(database, target, catalog, manifest)


def run_restore(
    backed: Backed,
    *,
    into: str | None = None,
    cluster: Cluster | None = None,
    manifest: Manifest | None = None,
    application: App | None = None,
    confirm: Callable[[Any], bool] = lambda _: True,
    safety: Callable[[], Manifest] | None = None,
    clock: Callable[[], datetime] = app.now,
    **wishes: Any,
) -> Report:
    """Restores over the database itself, another name (`into`), or the same name on another server (`cluster`)."""
    target = backed.target
    if cluster is not None:
        target = Target(url=Secret(cluster.url(backed.database.name)), name="shop")
    return restore(
        app.open_engine(target).restorer(into),
        backed.catalog,
        manifest or backed.manifest,
        Wishes(**{"jobs": backed.target.jobs, **wishes}),
        application or App(),
        clock=clock,
        progress=Silent(),
        confirm=confirm,
        safety=safety,
    )


def databases(cluster: Cluster) -> set[str]:
    return set(cluster.psql("SELECT datname FROM pg_database").splitlines())


def errors(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity is Severity.ERROR]


def before_compare(monkeypatch: pytest.MonkeyPatch, change: Callable[[Database], object], cluster: Cluster) -> None:
    """Changes every copy right before it is compared, as a restore that went wrong would have."""
    original = PostgresSide.snapshot

    def snapshot(self: PostgresSide) -> Any:
        change(Database(cluster, self.name))
        return original(self)

    monkeypatch.setattr(PostgresSide, "snapshot", snapshot)


def artifact(backed: Backup, name: str) -> Path:
    """Where a file of the backup lies; the store is a folder."""
    path = backed.catalog.store.local_path(backed.catalog.key("shop", backed.manifest.id, name))
    assert path is not None
    return path


@contextmanager
def untouched(database: Database) -> Iterator[None]:
    """The block changes neither the database nor the list of databases."""
    cluster = database.cluster
    rows, names = contents(database), databases(cluster)
    yield
    assert contents(database) == rows
    assert {name for name in databases(cluster) if name.startswith(database.name[:30])} <= names


def way_in(report: Mapping[str, Any]) -> tuple[Path, int]:
    """Of a copy that is kept: the file with its URL, and the process that holds it, as the report says them."""
    (hint,) = [finding["hint"] for finding in report["findings"] if finding["id"] == "kept"]
    connect, end = hint.splitlines()
    (name,) = shlex.split(connect.partition("$(cat ")[2].partition(")")[0])
    return Path(name), int(end.rpartition(" ")[2])


def forged(backed: Backup) -> Manifest:
    """The manifest that believes what lies in the store now: the hash is no help any more."""

    def now(item: Artifact) -> Artifact:
        data = artifact(backed, item.name).read_bytes()
        return Artifact(name=item.name, bytes=len(data), sha256=sha256(data).hexdigest())

    manifest = backed.manifest
    forged = msgspec.structs.replace(manifest, artifacts=tuple(map(now, manifest.artifacts)))
    sums = "".join(f"{a.sha256}  {a.name}\n" for a in forged.artifacts if a.name != "SHA256SUMS")
    artifact(backed, "SHA256SUMS").write_text(sums)
    return msgspec.structs.replace(forged, artifacts=tuple(map(now, forged.artifacts)))


def changed(manifest: Manifest, **changes: Any) -> Manifest:
    return msgspec.structs.replace(manifest, inventory=msgspec.structs.replace(manifest.inventory, **changes))


def _config(backed: Backed, folder: Path, application: str = "") -> Path:
    file = folder / "dbops.toml"
    file.write_text(
        f"[store]\nurl = {backed.catalog.store.url!r}\n[targets.shop]\nurl = {backed.database.url!r}\njobs = 2\n"
        + (f"[targets.shop.app]\n{application}" if application else "")
    )
    file.chmod(0o600)
    return file


def start(backed: Backed, folder: Path, *flags: str, application: str = "") -> subprocess.Popen[str]:
    environment = {**os.environ, "DBOPS_CONFIG": str(_config(backed, folder, application))}
    argv = [*DBOPS, "restore", "--target", "shop", *flags]
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
