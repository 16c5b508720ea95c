"""Accounts, roles, grants, definers, settings of the database: what mysqldump leaves out comes back the same on another
server, without a password (B20)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops.errors import PreflightError
from dbops.model import Verdict
from tests.mysql_restoring import Backed, artifact, back_up, contents, errors, rewritten, run_restore, unpacked
from tests.mysql_servers import MysqlServer, installation, servers

SECRET = "sekrit-password-123"
ACCOUNTS = (
    "CREATE USER app@'10.%' IDENTIFIED BY '{secret}'",
    "CREATE USER 'a\\'; DROP USER b; --'@'%' IDENTIFIED BY '{secret}'",
    "CREATE USER b@localhost IDENTIFIED BY '{secret}'",
    "CREATE USER stranger IDENTIFIED BY '{secret}'",
    "CREATE ROLE reader",
    "GRANT reader TO app@'10.%'",
    "GRANT SELECT ON shop.* TO reader",
    "GRANT SELECT, INSERT, UPDATE (v) ON shop.`t a` TO app@'10.%' WITH GRANT OPTION",
    "GRANT SELECT (v, `i d`) ON shop.`t a` TO 'a\\'; DROP USER b; --'@'%'",
    "GRANT EXECUTE ON PROCEDURE shop.p TO b@localhost",
    "GRANT EXECUTE, ALTER ROUTINE ON FUNCTION shop.`f 1` TO b@localhost",
    "GRANT CREATE TEMPORARY TABLES, LOCK TABLES ON shop.* TO b@localhost",
    "GRANT ALL ON elsewhere.* TO stranger",
    "GRANT SELECT, PROCESS ON *.* TO b@localhost",
)
DATABASE = (
    "CREATE TABLE `t a` (`i d` INT PRIMARY KEY, v VARCHAR(20))",
    "INSERT INTO `t a` VALUES (1, 'one')",
    "CREATE DEFINER=b@localhost VIEW w AS SELECT v FROM `t a`",
    "CREATE DEFINER='a\\'; DROP USER b; --'@'%' TRIGGER r BEFORE INSERT ON `t a` FOR EACH ROW SET NEW.v = 'two'",
    "CREATE DEFINER=b@localhost PROCEDURE p() SELECT 1",
    "CREATE DEFINER=b@localhost FUNCTION `f 1`() RETURNS INT DETERMINISTIC RETURN 1",
    "CREATE DEFINER=b@localhost EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DO DELETE FROM `t a`",
)
NEEDED = {"'app'@'10.%'", "'a''; DROP USER b; --'@'%'", "'b'@'localhost'"}


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        running.create_database("shop", "CHARACTER SET latin2 COLLATE latin2_croatian_ci")
        if running.kind == "mariadb":
            running.execute("ALTER DATABASE shop COMMENT 'the shop''s; DROP %s \\\\ database'")
        running.create_database("elsewhere")
        running.execute(*(text.format(secret=SECRET) for text in ACCOUNTS[:5]))
        running.execute(*DATABASE, database="shop")
        running.execute(*ACCOUNTS[5:])
        yield running


@pytest.fixture(scope="module")
def bare(server: MysqlServer) -> Iterator[MysqlServer]:
    """Another server of the same kind, that knows none of the accounts."""
    with MysqlServer(server.installation) as running:
        yield running


@pytest.fixture(scope="module")
def shop(server: MysqlServer, tmp_path_factory: pytest.TempPathFactory) -> Backed:
    return back_up(server, "shop", tmp_path_factory.mktemp("store"), jobs=1)


def accounts(server: MysqlServer) -> dict[str, set[str]]:
    """What each account may do in the database, as the server says it; without passwords, and what is on others."""
    listed = server.execute(
        "SELECT user, host FROM mysql.user WHERE user NOT IN ('root', 'mariadb.sys', 'stranger', '')"
        " AND user NOT LIKE 'mysql.%'"
    )
    found = {}
    for user, host in listed:
        account = "'" + user.replace("'", "''") + "'" + (f"@'{host}'" if host or server.kind == "mysql" else "")
        lines = [row[0] for row in server.execute(f"SHOW GRANTS FOR {account}")]
        found[account] = {re.sub(r" IDENTIFIED .*", "", line) for line in lines if "PROCESS" not in line}
    return found


def test_b20_what_the_dump_leaves_out_comes_back_elsewhere(
    server: MysqlServer, bare: MysqlServer, shop: Backed
) -> None:
    report = run_restore(shop, server=bare, create_roles=True)
    assert errors(report) == []
    assert report.verdict is Verdict.PASS
    assert contents(bare, "shop") == contents(server, "shop")
    there, here = accounts(bare), accounts(server)
    assert there.keys() == here.keys()
    for account, grants in here.items():
        missing = {grant for grant in grants if " ON *.*" not in grant} - there[account]
        assert not missing, account
    assert not any("stranger" in account for account in there)
    facts = "SELECT @@character_set_database, @@collation_database"
    assert bare.execute(facts, database="shop") == [("latin2", "latin2_croatian_ci")]
    if server.kind == "mariadb":
        comment = "SELECT schema_comment FROM information_schema.schemata WHERE schema_name = 'shop'"
        assert bare.execute(comment) == server.execute(comment) != [("",)]


def test_b20_accounts_are_made_locked_and_one_that_is_there_keeps_its_rights(bare: MysqlServer, shop: Backed) -> None:
    """After the restore of the test before, on the same server."""
    bare.execute("ALTER USER app@'10.%' ACCOUNT UNLOCK", "GRANT DELETE ON shop.* TO app@'10.%'")
    assert errors(run_restore(shop, server=bare, create_roles=True)) == []
    shown = str(bare.execute("SHOW CREATE USER b@localhost"))
    assert "ACCOUNT LOCK" in shown
    assert "ACCOUNT LOCK" not in str(bare.execute("SHOW CREATE USER app@'10.%'"))
    assert "DELETE" in str(bare.execute("SHOW GRANTS FOR app@'10.%'"))


def test_b20_the_inventory_knows_accounts_and_grants(shop: Backed) -> None:
    inventory = shop.manifest.inventory
    assert set(inventory.roles) >= NEEDED
    assert "stranger" not in str(inventory.roles)
    assert len(inventory.objects["grant"]) >= 6
    assert inventory.objects["database_grant"]
    assert shop.manifest.engine.collation == "latin2_croatian_ci"


def test_b20_no_password_and_nothing_of_it_is_in_the_backup(server: MysqlServer, shop: Backed) -> None:
    column = "authentication_string"
    hashes = [h for (h,) in server.execute(f"SELECT {column} FROM mysql.user WHERE LENGTH({column}) > 20")]
    assert len(hashes) >= 4
    root = shop.catalog.store.local_path(shop.catalog.key("shop", shop.manifest.id, "manifest.json"))
    assert root is not None
    for path in root.parent.rglob("*"):
        if path.is_file():
            data = unpacked(path) if path.suffix == ".zst" else path.read_bytes()
            assert SECRET.encode() not in data
            for secret in hashes:
                assert (secret if isinstance(secret, bytes) else secret.encode()) not in data, path


def test_b20_missing_accounts_are_named_before_anything_is_done(server: MysqlServer, shop: Backed) -> None:
    with MysqlServer(server.installation) as third:
        with pytest.raises(PreflightError, match=r"'b'@'localhost'") as caught:
            run_restore(shop, server=third)
        assert caught.value.kind == "missing-role"
        assert "--create-roles" in caught.value.hint
        assert ("shop",) not in third.execute("SHOW DATABASES")


def test_b20_a_grant_that_the_copy_lacks_is_found(server: MysqlServer, bare: MysqlServer, tmp_path: Path) -> None:
    """`database.sql` has lost it, and its hash is a forged one: the inventory still knows it."""
    backed = back_up(server, "shop", tmp_path, jobs=1)
    path = artifact(backed, "database.sql")
    path.chmod(0o600)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "'reader'" not in line))
    manifest = rewritten(backed, lambda text: text)
    bare.execute("REVOKE SELECT ON shop.* FROM reader")
    here = back_up(bare, "shop", tmp_path / "here", jobs=1)
    safety = here.manifest
    found = Backed(bare, "shop", backed.target, backed.catalog, manifest)
    report = run_restore(found, in_place=True, safety=lambda: safety)
    assert report.verdict is Verdict.FAIL
    assert any("reader" in finding.subject for finding in errors(report))
