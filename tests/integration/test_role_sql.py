"""The roles that `doctor --grants` prints do what they are for, on every product, and the README shows the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops import app
from dbops.config import App, StoreConfig, Target
from dbops.config.urls import Secret
from dbops.engine.postgres.roles import role_sql
from dbops.engine.restoring import Wishes
from dbops.errors import ConfigError, PreflightError
from dbops.model import Manifest, Report, Severity, Verdict
from dbops.ops.restore import restore
from dbops.progress import Silent
from tests import mysql_restoring
from tests.fault import support
from tests.mysql_servers import MysqlServer, installation, servers
from tests.restoring import ROOT, ROWS, SCHEMA, Backed, errors, run_restore
from tests.servers import Cluster, Database

OWNER = 'an "owner"\nDROP DATABASE shop; {database} --'
QUOTED = OWNER.replace('"', '""')


def of_readme(before: str, other: str = "") -> list[str]:
    """The statements of the block after some text; without those that a comment gives to another product."""
    text = (ROOT / "README.md").read_text().partition(before)[2].partition("```sql\n")[2].partition("```")[0]
    lines = [line.partition("--") for line in text.splitlines() if not line.startswith("--")]
    return [line.strip() for line, _, product in lines if not other or product.strip() != other]


def statements(text: str) -> list[str]:
    return [line.partition("--")[0].strip() for line in text.splitlines() if line and not line.startswith("--")]


def complete(made: Manifest) -> None:
    """In one moment, and without a word of what could not be seen."""
    assert made.inventory.basis == "snapshot"
    assert [finding for finding in made.findings if finding.severity is not Severity.INFO] == []


def test_on_postgres(pg_server: Cluster, tmp_path: Path) -> None:
    """A database with one of everything; its owner has a hostile name."""
    with Cluster(pg_server.installation) as cluster:
        cluster.create_database("shop")
        database = Database(cluster, "shop")
        database.psql(
            f'CREATE ROLE "{QUOTED}"; ALTER DATABASE shop OWNER TO "{QUOTED}";SET ROLE "{QUOTED}"; {SCHEMA} {ROWS}'
        )
        printed = app.open_engine(Target(url=Secret(database.url), name="shop")).role_sql()
        readme = of_readme("A role that may back up everything")
        assert statements(printed)[: len(readme)] == readme
        database.psql(printed)  # as it stands: pasted
        database.psql(
            "ALTER ROLE backup PASSWORD 'b'; ALTER ROLE restore PASSWORD 'r';"
            f'GRANT SELECT ON LARGE OBJECT 4711 TO backup; GRANT backup TO "{QUOTED}"'  # as the comments say
        )

        made = support.run(Target(url=Secret(cluster.url("shop", user="backup", password="b")), name="shop"), tmp_path)
        complete(made)
        assert made.inventory.large_objects.count == 1

        target = Target(url=Secret(cluster.url("shop", user="restore", password="r")), name="shop")
        report = run_restore(Backed(database, target, app.open_catalog(StoreConfig(url=str(tmp_path))), made))
        assert (report.verdict, errors(report)) == (Verdict.PASS, [])


def test_before_postgres_14(pg_server: Cluster, tmp_path: Path) -> None:
    """There is no pg_read_all_data: what is printed for 13 names every schema. It is as good on a newer server."""
    with Cluster(pg_server.installation) as cluster:
        cluster.create_database("shop")
        database = Database(cluster, "shop")
        database.psql(f'{SCHEMA} {ROWS} CREATE SCHEMA "a ""b"""; CREATE TABLE "a ""b""".t AS SELECT 1 AS i')
        with database.connect() as connection:
            printed = role_sql(connection, 13)
        assert "GRANT pg_read_all_data" not in printed
        database.psql(printed)
        database.psql("ALTER ROLE backup PASSWORD 'b'; GRANT SELECT ON LARGE OBJECT 4711 TO backup")
        database.psql('CREATE TABLE "a ""b""".later (id serial)')
        complete(
            support.run(Target(url=Secret(cluster.url("shop", user="backup", password="b")), name="shop"), tmp_path)
        )


@pytest.mark.parametrize("name", servers())
def test_on_mysql(name: str, tmp_path: Path) -> None:
    with MysqlServer(installation(name)) as server:
        server.create_database("my_shop", "CHARACTER SET utf8mb4")
        mysql_restoring.fill(server, "my_shop")
        server.execute(
            *("CREATE USER app", r"GRANT SELECT, INSERT ON `my\_shop`.* TO app"),
            *("GRANT UPDATE (name) ON my_shop.customers TO app", "GRANT EXECUTE ON FUNCTION my_shop.twice TO app"),
        )
        backed = mysql_restoring.back_up(server, "my_shop", tmp_path / "of root")
        printed = app.open_engine(backed.target).role_sql()
        readme = of_readme("<!-- mysql-user -->", {"mysql": "MariaDB", "mariadb": "MySQL"}[server.kind])
        assert statements(printed)[: len(readme)] == [line.replace("shop", r"`my\_shop`") for line in readme]
        server.script(printed, "")  # as it stands: pasted, with … for a password

        url = Secret(server.url("my_shop", user="backup", password="…"))
        complete(support.run(Target(url=url, name="shop", bindir=server.bindir), tmp_path))

        wanted = Target(url=Secret(server.url("my_shop", user="restore", password="…")), name="shop")

        def restored() -> Report:
            return restore(
                app.open_engine(wanted).restorer(None),
                backed.catalog,
                backed.manifest,
                Wishes(jobs=2),
                App(),
                clock=app.now,
                progress=Silent(),
                confirm=lambda _: True,
                safety=None,
            )

        before = server.execute("SHOW GRANTS FOR app")
        report = restored()
        assert (report.verdict, errors(report)) == (Verdict.PASS, [])
        assert server.execute("SHOW GRANTS FOR app") == before
        server.execute(r"REVOKE GRANT OPTION ON `my\_shop`.* FROM restore")
        with pytest.raises(PreflightError, match="GRANT OPTION"):
            restored()

        with pytest.raises(ConfigError, match="no database to name"):
            app.open_engine(Target(url=Secret(server.url()), name="shop")).role_sql()
