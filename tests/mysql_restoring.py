"""What tests of restores of MySQL and MariaDB share: a database with one of everything, its backups, its restores."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
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
from dbops.engine.mysql.connect import Access
from dbops.engine.mysql.restorer import MysqlRestorer
from dbops.engine.mysql.side import MysqlSide
from dbops.engine.restoring import Wishes
from dbops.model import Artifact, Finding, Manifest, Report, Severity
from dbops.ops.backup import backup
from dbops.ops.restore import restore
from dbops.progress import Silent
from tests.mysql_servers import MysqlServer, quoted
from tests.waiting import until as until

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd

ROOT = Path(__file__).parents[1]
DBOPS = [sys.executable, "-c", "from dbops.cli import main; main()"]
TIMEOUT = 90

SCHEMA = """
CREATE TABLE customers (
    id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, mood ENUM('sad','ok','happy') DEFAULT 'ok',
    note TEXT, UNIQUE KEY by_name (name), KEY by_mood (mood));
CREATE TABLE invoices (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL, total DECIMAL(12,2) CHECK (total >= 0),
    paid_at DATETIME(6) NULL, body JSON, seal VARBINARY(40), rate DOUBLE, gross DECIMAL(14,4) AS (total * 1.16) STORED,
    KEY by_total (total), CONSTRAINT of_customer FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE TABLE log (at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, what VARCHAR(200));
CREATE VIEW open_invoices AS SELECT * FROM invoices WHERE paid_at IS NULL;
CREATE VIEW a_view_of_a_view AS SELECT customer_id, COUNT(*) AS n FROM open_invoices GROUP BY customer_id;
DELIMITER ;;
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC BEGIN RETURN n * 2; END;;
CREATE PROCEDURE touch(IN who INT) BEGIN UPDATE customers SET note = 'touched; yes' WHERE id = who; END;;
CREATE TRIGGER on_invoice AFTER INSERT ON invoices FOR EACH ROW BEGIN
    INSERT INTO log (what) VALUES (CONCAT('invoice ', NEW.id, '; ''é'''));
END;;
CREATE TRIGGER second_on_invoice AFTER INSERT ON invoices FOR EACH ROW INSERT INTO log (what) VALUES ('second');;
CREATE EVENT nightly ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DO INSERT INTO log (what) VALUES ('event');;
CREATE EVENT asleep ON SCHEDULE EVERY 1 DAY DISABLE COMMENT 'never; mind' DO DELETE FROM log;;
DELIMITER ;
"""
OF_MARIADB = """
CREATE SEQUENCE tickets START WITH 100;
SELECT NEXTVAL(tickets);
CREATE SEQUENCE queue;
CREATE TABLE ticket (
    id INT NOT NULL DEFAULT NEXTVAL(tickets) PRIMARY KEY, what VARCHAR(9), n INT DEFAULT NEXTVAL(queue));
INSERT INTO ticket (what) VALUES ('one'), ('two');
UPDATE ticket SET what = 'three' WHERE what = 'two';
SET sql_mode = 'ORACLE';
DELIMITER ;;
CREATE PACKAGE prices AS FUNCTION gross(net NUMBER) RETURN NUMBER; END;;
CREATE PACKAGE BODY prices AS FUNCTION gross(net NUMBER) RETURN NUMBER AS BEGIN RETURN net * 1.16; END; END;;
DELIMITER ;
SET sql_mode = DEFAULT;
"""
OF_MYSQL = """
CREATE JSON RELATIONAL DUALITY VIEW customer_document AS
    SELECT JSON_DUALITY_OBJECT('_id': id, 'name': name, 'note': note) FROM customers;
DELIMITER ;;
CREATE LIBRARY tax LANGUAGE JAVASCRIPT AS $$ export function gross(n) { return n * 1.16 } // it's; "one" \n$$;;
CREATE FUNCTION gross(n DOUBLE) RETURNS DOUBLE DETERMINISTIC LANGUAGE JAVASCRIPT USING (tax AS t)
    AS $$ return t.gross(n) // don't $$;;
DELIMITER ;
"""
"""Of 9.2 and 9.4."""
_ROWS = """
INSERT INTO customers (name, note)
    SELECT CONCAT('customer ', n), NULLIF(CONCAT('note ', n MOD 5), 'note 0') FROM numbers WHERE n <= 500;
INSERT INTO invoices (customer_id, total, paid_at, body, seal, rate)
    SELECT 1 + n MOD 500, n / 7, IF(n MOD 3 = 0, TIMESTAMP('2026-01-01 12:00:00.5') + INTERVAL n MINUTE, NULL),
           JSON_OBJECT('n', n), UNHEX(SHA2(n, 256)), n / 3 FROM numbers;
DELETE FROM invoices WHERE id MOD 11 = 0;
"""
NUMBERS = """
CREATE TABLE numbers (n INT PRIMARY KEY);
CREATE TABLE digits (d INT);
INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
INSERT INTO numbers SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d FROM digits a, digits b, digits c, digits e
    WHERE e.d < 4;
DROP TABLE digits;
"""
ROWS = NUMBERS + _ROWS + "DROP TABLE numbers;"


class Backed(NamedTuple):
    """A target with a backup."""

    server: MysqlServer
    name: str
    target: Target
    catalog: Catalog
    manifest: Manifest

    @property
    def restorer(self) -> MysqlRestorer:
        return MysqlRestorer(Access(self.server.url(self.name)), None, None)

    def copied(self, store: Path) -> Backed:
        """The same backup in another store."""
        shutil.copytree(self.catalog.store.url.removeprefix("file://"), store)
        return self._replace(catalog=app.open_catalog(StoreConfig(url=f"file://{store}")))


def fill(server: MysqlServer, name: str) -> None:
    """One of everything; what the triggers wrote goes, so that it shows if they act again."""
    server.script(SCHEMA + ROWS + (OF_MARIADB if server.kind == "mariadb" else OF_MYSQL), name)
    server.execute("DELETE FROM log", database=name)


def back_up(server: MysqlServer, name: str, store: Path, **options: Any) -> Backed:
    target = Target(url=Secret(server.url(name)), name="shop", bindir=server.bindir, **options)
    catalog = app.open_catalog(StoreConfig(url=f"file://{store}"))
    manifest = backup(app.open_engine(target), catalog, target, clock=app.now, progress=Silent())
    assert isinstance(manifest, Manifest)
    return Backed(server, name, target, catalog, manifest)


def run_restore(
    backed: Backed,
    *,
    into: str | None = None,
    server: MysqlServer | None = None,
    manifest: Manifest | None = None,
    confirm: Callable[[Any], bool] = lambda _: True,
    safety: Callable[[], Manifest] | None = None,
    clock: Callable[[], datetime] = app.now,
    application: App | None = None,
    **wishes: Any,
) -> Report:
    """Restores over the database itself, another name (`into`), or the same name on another server."""
    where = server or backed.server
    return restore(
        MysqlRestorer(Access(where.url(backed.name)), into, None),
        backed.catalog,
        manifest or backed.manifest,
        Wishes(**{"jobs": backed.target.jobs, **wishes}),
        application or App(),
        clock=clock,
        progress=Silent(),
        confirm=confirm,
        safety=safety,
    )


def databases(server: MysqlServer) -> set[str]:
    return {name for (name,) in server.execute("SHOW DATABASES")}


def beside(server: MysqlServer, name: str) -> set[str]:
    """Databases that restores of this one have made."""
    return {each for each in databases(server) if each.startswith(f"{name}_") and each.split("_")[-1].endswith("Z")}


def contents(server: MysqlServer, name: str) -> dict[str, Any]:
    """Rows of every table and view, and every definition, as its users see them."""
    found: dict[str, Any] = {}
    with closing(server.connect(name)) as connection, connection.cursor() as cursor:

        def ask(query: str, *values: object) -> list[tuple[Any, ...]]:
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

        def shown(word: str, each: str, column: int) -> str:
            """Without the database's name, and without the counter, of which a copy knows only what is used up."""
            text = str(ask(f"SHOW CREATE {word} {quoted(each)}")[0][column]).replace(f"{quoted(name)}.", "")
            text = re.sub(r" CHARACTER SET \w+ COLLATE ", " COLLATE ", text)  # MySQL prints it after one restore
            return " ".join(part for part in text.split(" ") if "AUTO_INCREMENT=" not in part)

        for table, kind in ask("SHOW FULL TABLES"):
            if kind != "SEQUENCE":
                found[f"rows of {table}"] = sorted(map(_row, ask(f"SELECT * FROM {quoted(table)}")))
            found[f"{kind} {table}"] = shown("TABLE", table, 1)
        for kind, (query, column) in _BESIDE_TABLES.items():
            if kind == "LIBRARY" and server.kind != "mysql":
                continue
            for (each,) in ask(query, name):
                found[f"{kind} {each}"] = shown(kind, each, column)
    return found


def _row(values: tuple[Any, ...]) -> str:
    """As text. mysqldump writes -0 for the zero with a sign, which MySQL reads as one without."""
    return repr(tuple(0.0 if value == 0 and isinstance(value, float) else value for value in values))


_ROUTINES = "SELECT routine_name FROM information_schema.routines WHERE routine_type = '{}' AND routine_schema = %s"
_BESIDE_TABLES = {
    "TRIGGER": ("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s", 2),
    "EVENT": ("SELECT event_name FROM information_schema.events WHERE event_schema = %s", 3),
    "FUNCTION": (_ROUTINES.format("FUNCTION"), 2),
    "PROCEDURE": (_ROUTINES.format("PROCEDURE"), 2),
    "PACKAGE": (_ROUTINES.format("PACKAGE"), 2),
    "PACKAGE BODY": (_ROUTINES.format("PACKAGE BODY"), 2),
    "LIBRARY": ("SELECT library_name FROM information_schema.libraries WHERE library_schema = %s", 2),
}


def errors(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity is Severity.ERROR]


def artifact(backed: Backed, name: str) -> Path:
    """Where a file of the backup lies; the store is a folder."""
    path = backed.catalog.store.local_path(backed.catalog.key("shop", backed.manifest.id, name))
    assert path is not None
    return path


@contextmanager
def untouched(server: MysqlServer, name: str) -> Iterator[None]:
    """The block changes neither the database nor the list of databases."""
    before, names = contents(server, name), databases(server)
    yield
    assert contents(server, name) == before
    assert databases(server) == names


def start(backed: Backed, folder: Path, *flags: str, application: str = "") -> subprocess.Popen[str]:
    """The restore as its own process."""
    file = folder / "dbops.toml"
    file.write_text(
        f"[store]\nurl = {backed.catalog.store.url!r}\n[targets.shop]\nurl = {backed.server.url(backed.name)!r}\n"
        f"bindir = {str(backed.server.bindir)!r}\njobs = 2\n"
        + (f"[targets.shop.app]\n{application}" if application else "")
    )
    file.chmod(0o600)
    return subprocess.Popen(
        [*DBOPS, "restore", "--target", "shop", *flags],
        cwd=ROOT,
        env={**os.environ, "DBOPS_CONFIG": str(file)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def unpacked(path: Path) -> bytes:
    """The text of a dump."""
    return zstd.decompress(path.read_bytes())


def rewritten(backed: Backed, change: Callable[[bytes], bytes]) -> Manifest:
    """The archive (of one file) with other text, and a manifest that believes it: no hash is a help any more."""
    name = f"backup_{backed.manifest.id}.sql.zst"
    path = artifact(backed, name)
    path.chmod(0o600)
    path.write_bytes(zstd.compress(change(unpacked(path)), 1))

    def now(item: Artifact) -> Artifact:
        data = artifact(backed, item.name).read_bytes()
        return Artifact(name=item.name, bytes=len(data), sha256=sha256(data).hexdigest())

    forged = msgspec.structs.replace(backed.manifest, artifacts=tuple(map(now, backed.manifest.artifacts)))
    sums = artifact(backed, "SHA256SUMS")
    sums.chmod(0o600)
    sums.write_text("".join(f"{a.sha256}  {a.name}\n" for a in forged.artifacts if a.name != "SHA256SUMS"))
    return msgspec.structs.replace(forged, artifacts=tuple(map(now, forged.artifacts)))


def before_compare(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], object]) -> None:
    """Changes every copy right before it is compared; `change` gets its name."""
    original = MysqlSide.snapshot

    def snapshot(self: MysqlSide) -> Any:
        change(self.name)
        return original(self)

    monkeypatch.setattr(MysqlSide, "snapshot", snapshot)
