"""Roles, grants, owners, settings: what pg_dump leaves out comes back the same elsewhere, without a password (B20)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dbops.model import Manifest
from tests.conftest import installed
from tests.fault.copies import restored, same
from tests.fault.support import one, run, target
from tests.installations import Installation
from tests.servers import Cluster, Database

EVIL = "a'; DROP ROLE b; --"
SECRET = "sekrit-pässword-123"
ROLES = f"""
    CREATE ROLE owner CREATEDB CREATEROLE NOINHERIT CONNECTION LIMIT 7 VALID UNTIL '2031-02-03 04:05:06+00';
    CREATE ROLE app LOGIN PASSWORD '{SECRET}';
    CREATE ROLE "{EVIL}" LOGIN BYPASSRLS REPLICATION PASSWORD '{SECRET}';
    CREATE ROLE boss; CREATE ROLE "gr oup"; CREATE ROLE b; CREATE ROLE stranger PASSWORD '{SECRET}';
    GRANT boss TO owner WITH ADMIN OPTION;
    GRANT "gr oup" TO app; GRANT pg_monitor TO "gr oup";
    COMMENT ON ROLE owner IS 'the owner''s $$ role';
    ALTER ROLE app SET search_path = "sch ema", public, '$user';
    ALTER ROLE app SET "app.user" = 'it''s -- me';
"""
DATABASE = f"""
    CREATE SCHEMA "sch ema" AUTHORIZATION owner;
    CREATE TABLE "sch ema".t (id serial PRIMARY KEY, v text);
    ALTER TABLE "sch ema".t OWNER TO owner;
    GRANT SELECT, UPDATE (v) ON "sch ema".t TO app WITH GRANT OPTION;
    GRANT SELECT ON "sch ema".t TO "{EVIL}";
    ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA "sch ema" GRANT SELECT ON TABLES TO "{EVIL}";
    ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER DATABASE shop OWNER TO owner;
    REVOKE CONNECT ON DATABASE shop FROM PUBLIC;
    GRANT CONNECT ON DATABASE shop TO app WITH GRANT OPTION;
    GRANT CREATE ON DATABASE shop TO "{EVIL}";
    COMMENT ON DATABASE shop IS 'shop''s; DROP %I %s \\ database';
    ALTER DATABASE shop CONNECTION LIMIT 33;
    ALTER DATABASE shop SET search_path = "sch ema", '$user', public;
    ALTER DATABASE shop SET work_mem = '12345kB';
    ALTER DATABASE shop SET "app.user" = 'a''b%s';
    ALTER DATABASE shop SET "app.empty" = '';
    ALTER DATABASE shop SET DateStyle = 'SQL, DMY';
    ALTER ROLE app IN DATABASE shop SET search_path = '';
    ALTER ROLE "{EVIL}" IN DATABASE shop SET statement_timeout = '1min';
    ALTER ROLE app IN DATABASE shop SET session_preload_libraries = '';
    ALTER ROLE ALL IN DATABASE shop SET lock_timeout = '3s';
"""
FACTS = {
    "roles": "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,"
    " rolbypassrls, rolconnlimit, rolvaliduntil, (SELECT array_agg(s ORDER BY s) FROM unnest(rolconfig) s),"
    " shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'stranger' ORDER BY 1",
    "members": "SELECT roleid::regrole::text, member::regrole::text, admin_option FROM pg_auth_members"
    " WHERE member::regrole::text !~ '^pg_' ORDER BY 1, 2",
    "database": "SELECT pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'),"
    " (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a)"
    " FROM pg_database WHERE datname = current_database()",
    "settings": "SELECT coalesce(nullif(setrole, 0)::regrole::text, '-'), c"
    " FROM pg_db_role_setting, unnest(setconfig) c WHERE setdatabase"
    " = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1, 2",
    "defaults": "SELECT defaclrole::regrole::text, defaclnamespace::regnamespace::text, defaclobjtype::text,"
    " defaclacl::text FROM pg_default_acl ORDER BY 1, 2, 3",
}


@pytest.fixture(scope="module")
def source(installation: Installation) -> Iterator[Database]:
    with Cluster(installation) as cluster:
        cluster.psql(ROLES)
        cluster.create_database("shop")
        cluster.psql(DATABASE, "shop")
        yield Database(cluster, "shop")


@pytest.fixture(scope="module")
def elsewhere(installation: Installation) -> Iterator[Cluster]:
    """A server that has none of the roles, or one that is something else."""
    with Cluster(installation) as cluster:
        cluster.psql("CREATE ROLE b SUPERUSER")
        yield cluster


@pytest.fixture(scope="module")
def backed_up(source: Database, tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Path]:
    folder = tmp_path_factory.mktemp("store")
    return run(target(source.url, jobs=1), folder), folder


@pytest.fixture(scope="module")
def copy(backed_up: tuple[Manifest, Path], elsewhere: Cluster) -> Database:
    made, store = backed_up
    return restored(made, store, elsewhere, "other name")


def facts(database: Database, name: str) -> list[Any]:
    with database.connect(options="-c DateStyle=ISO") as connection:  # the driver reads no other
        rows = connection.execute(FACTS[name].encode()).fetchall()
    return [row for row in rows if row[0] != "b"]


@pytest.mark.parametrize("name", FACTS)
def test_it_is_the_same_elsewhere(source: Database, copy: Database, name: str) -> None:
    expected = facts(source, name)
    assert expected
    assert facts(copy, name) == expected


def test_the_inventory_is_the_same(backed_up: tuple[Manifest, Path], copy: Database) -> None:
    same(backed_up[0], copy)


def test_the_manifest_names_the_roles(backed_up: tuple[Manifest, Path]) -> None:
    assert set(backed_up[0].inventory.roles) == {"owner", "app", EVIL, "boss", "gr oup"}


def test_an_existing_role_stays_as_it_is(source: Database, copy: Database) -> None:
    """A name ends no statement, and no role of the destination is changed or dropped."""
    with copy.connect() as connection:
        assert one(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = 'b'") is True
        assert one(connection, "SELECT count(*) FROM pg_roles WHERE rolname = 'stranger'") == 0


def test_run_twice(backed_up: tuple[Manifest, Path], copy: Database) -> None:
    made, store = backed_up
    folder = store / made.target / made.id
    copy.psql((folder / "globals.sql").read_bytes().decode())
    copy.psql((folder / "database.sql").read_bytes().decode())
    same(made, copy)


def test_no_password_and_no_hash(source: Database, backed_up: tuple[Manifest, Path]) -> None:
    made, store = backed_up
    with source.connect() as connection:
        rows = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL").fetchall()
    hashes = [row[0] for row in rows]
    assert len(hashes) >= 3
    for path in (store / made.target / made.id).iterdir():
        text = path.read_bytes().decode("utf-8", "replace")
        for secret in (SECRET, *hashes, "SCRAM-SHA-256", *(h.split("$")[2] for h in hashes)):
            assert secret not in text, path.name


def test_options_of_memberships(tmp_path: Path) -> None:
    with Cluster(installed(17)) as there:
        there.psql("CREATE ROLE a; CREATE ROLE m; GRANT a TO m WITH INHERIT FALSE, SET FALSE, ADMIN TRUE")
        there.create_database("shop")
        there.psql("CREATE TABLE t (a int); ALTER TABLE t OWNER TO m", "shop")
        run(target(there.url("shop"), jobs=1), tmp_path)
        (script,) = tmp_path.glob("shop/*/globals.sql")
        query = "SELECT admin_option, inherit_option, set_option FROM pg_auth_members WHERE member = 'm'::regrole"
        with there.connect() as connection:
            before = connection.execute(query).fetchall()
            connection.execute("DROP DATABASE shop")
            connection.execute("DROP ROLE a, m")
            there.psql(script.read_text())
            assert connection.execute(query).fetchall() == before
