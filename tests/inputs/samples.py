"""Databases of real applications, from Debian's packages, as their own installers would create them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

from tests.inputs.debian import package
from tests.inputs.missing import MissingInputError
from tests.servers import Cluster, Database


def load_zabbix(cluster: Cluster, name: str) -> Database:
    """Zabbix, the monitoring server: about 170 tables, 130 000 rows of templates, and images as bytea."""
    folder = package("zabbix-server-pgsql") / "usr/share/zabbix-server-pgsql"
    cluster.create_database(name)
    for part in ("schema", "images", "data"):
        script = gzip.decompress((folder / f"{part}.sql.gz").read_bytes()).decode()
        cluster.psql(script, name, "--single-transaction")
    return Database(cluster, name)


def load_ledgersmb(cluster: Cluster, name: str) -> Database:
    """LedgerSMB, a finance application: about 170 tables, 460 functions, triggers, views, 140 roles with their grants.

    The roles are the cluster's; their names begin with `lsmb_<name>__`.
    """
    if cluster.major > 15:
        raise MissingInputError(f"LedgerSMB 1.6 does not install on PostgreSQL {cluster.major}")
    folder = package("ledgersmb") / "usr/share/ledgersmb"
    cluster.create_database(name)
    cluster.psql(r"\i sql/Pg-database.sql", name, cwd=folder)
    for change in _load_order(folder / "sql/changes/LOADORDER"):
        # As the application does it: a '!' marks what may fail, and is run statement by statement; the rest is atomic.
        mode = "--set=ON_ERROR_STOP=0" if change.startswith("!") else "--single-transaction"
        cluster.psql(rf"\i sql/changes/{change.lstrip('!')}", name, mode, cwd=folder)
    for module in _load_order(folder / "sql/modules/LOADORDER"):
        cluster.psql(rf"\i sql/modules/{module}", name, cwd=folder)
    cluster.psql(r"\i sql/coa/us/chart/General.sql", name, cwd=folder)
    return Database(cluster, name)


def _load_order(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines():
        if entry := line.partition("#")[0].strip():
            yield entry
