"""Sakila, MySQL's sample database of a video shop (views, triggers, routines, a fulltext index),
from the source of Debian's package percona-toolkit, whose tests use it; and Zabbix, an application of 170 tables."""

from __future__ import annotations

import gzip
import re

from tests.inputs.debian import package, source
from tests.mysql_servers import MysqlServer

SPATIAL = """
ALTER TABLE address ADD location GEOMETRY;
UPDATE address SET location = ST_GeomFromText(CONCAT('POINT(', address_id MOD 180, ' ', address_id MOD 90, ')'));
ALTER TABLE address MODIFY location GEOMETRY NOT NULL, ADD SPATIAL KEY idx_location (location);
"""
"""As later versions of Sakila have it: the packaged one is older than spatial indexes of InnoDB."""


def load_sakila(server: MysqlServer, name: str) -> None:
    folder = source("percona-toolkit", only="sandbox/sakila-db*") / "sandbox/sakila-db"
    server.create_database(name, "CHARACTER SET utf8mb4")
    for part in ("schema", "data"):
        text = (folder / f"sakila-{part}.sql").read_bytes()  # with pictures in it
        text = re.sub(rb"(?mi)^(DROP SCHEMA|CREATE SCHEMA|USE) [^;]*;", b"", text)
        server.script(text.replace(b"sakila.", b""), name)
    server.script(SPATIAL, name)


def load_zabbix(server: MysqlServer, name: str) -> None:
    folder = package("zabbix-server-mysql") / "usr/share/zabbix-server-mysql"
    server.create_database(name, "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    for part in ("schema", "images", "data"):
        server.script(gzip.decompress((folder / f"{part}.sql.gz").read_bytes()), name)


SAMPLES = {"sakila": load_sakila, "zabbix": load_zabbix}
