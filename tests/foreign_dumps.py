"""What tests of foreign dumps share: dumps made by the real tools, and drills of them into a server that is at hand."""

from __future__ import annotations

import gzip
import lzma
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dbops import app
from dbops.config import StoreConfig, Target
from dbops.config.urls import Secret
from dbops.model import Finding, Report, Severity
from dbops.ops.foreign_drill import ForeignDrill, ForeignPlaces
from dbops.ops.foreign_source import located
from dbops.progress import Silent
from dbops.sandbox.base import About, Chosen, Needs
from tests.restoring import ROWS, SCHEMA
from tests.servers import Cluster

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ODD_NAMES = ("odd \"na'me", "ünï cödé", "back\\slash")
PACK: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "xz": lzma.compress,
}
TWINS = r"""
ALTER TABLE invoices OWNER TO app;
GRANT SELECT ON customers TO "Read Only";
CREATE FUNCTION twins() RETURNS text LANGUAGE sql AS $$ SELECT '
\! echo from a function''s body
\connect elsewhere
\restrict abc
'::text $$;
CREATE TABLE twins (id int PRIMARY KEY, t text);
INSERT INTO twins VALUES (1, '\!'), (2, '\.'), (3, E'a\nb\\'), (4, 'it''s'), (5, '\! touch /tmp/x'), (6, E'x\n\\.\n'),
    (7, '-- PostgreSQL database dump complete'), (8, 'COPY public.twins FROM stdin;'), (9, '$$'), (10, E'\\restrict x');
COMMENT ON TABLE twins IS E'over\n\\! two lines; -- and "quotes" ''here''';
CREATE VIEW escaped AS SELECT E'it''s\\n\n\\! echo' AS t, $tag$ $$ ' $tag$ AS u;
CREATE TABLE "select ""from\" ("a;b" text);
"""
"""Innocent: whoever reads a script carelessly takes this for commands of psql."""


def fill(cluster: Cluster) -> None:
    """Roles, `shop` with one of everything, three databases with odd names."""
    cluster.psql('CREATE ROLE app LOGIN PASSWORD \'not a secret\'; CREATE ROLE "Read Only"; GRANT "Read Only" TO app')
    cluster.create_database("shop")
    cluster.psql(SCHEMA + ROWS + TWINS, "shop")
    for name in ODD_NAMES:
        cluster.create_database(name)
        cluster.psql("CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 7)", name)


def dump(cluster: Cluster, path: Path, *options: str, tool: str = "pg_dump", database: str = "shop") -> Path:
    """A dump as people make it, from a shell."""
    url = cluster.socket_url(database) if tool == "pg_dump" else cluster.socket_url()
    argv = [cluster.installation.tool(tool), f"--dbname={url}", f"--file={path}", *options]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return path


class Given:
    """A running cluster as a sandbox: each drill leaves it as it was."""

    ephemeral = False

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        with self._cluster.connect() as connection:
            names = connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND oid > 16000"
            ).fetchall()
            for (name,) in names:
                for database in ("postgres", "template1"):
                    with self._cluster.connect(database) as inside:
                        inside.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
            for (name,) in names:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    @property
    def about(self) -> About:
        return About("external", "postgres", str(self._cluster.major), "a test's cluster")

    def url(self, database: str) -> Secret:
        return Secret(self._cluster.url(database or "postgres"))

    def log(self) -> str:
        return ""


def drill(path: Path | str, cluster: Cluster, *, identity: Path | None = None, past: Any = (), **target: Any) -> Report:
    """A drill into the cluster; afterwards it has no more databases than before."""
    settings = Target(**{"name": "shop", **target})
    real = app.foreign_places(settings, StoreConfig(url="file:///dev/null"))

    def sandbox(needs: Needs) -> Chosen:
        return Chosen("external", Given(cluster), (), ())

    places = ForeignPlaces(sandbox, real.reader, real.loader, real.bucket)
    before = databases(cluster)
    work = ForeignDrill(
        located(str(path)), settings, places, clock=app.now, progress=Silent(), past=past, identity=identity
    )
    with work:
        work.run()
    assert databases(cluster) == before
    return work.report


def databases(cluster: Cluster) -> set[str]:
    with cluster.connect() as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def errors(report: Report) -> list[str]:
    return [finding.id for finding in report.findings if finding.severity is Severity.ERROR]


def only(report: Report, kind: str) -> Finding:
    found = [finding for finding in report.findings if finding.id == kind]
    assert len(found) == 1, report.findings
    return found[0]


def rows(connection: psycopg.Connection[Any], tables: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Rows of each table at its source."""
    found = {}
    for schema, name in tables:
        row = connection.execute(
            sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(schema, name))
        ).fetchone()
        assert row is not None
        found[schema, name] = row[0]
    return found
