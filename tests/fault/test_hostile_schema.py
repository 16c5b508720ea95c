"""Whoever may create functions in the database must not run code as the role that backs it up (CVE-2018-1058)."""

from __future__ import annotations

from pathlib import Path

from dbops.model import Verdict
from tests.fault.support import run, target
from tests.restoring import back_up, run_restore
from tests.servers import Database

# Better matches than the server's own polymorphic functions, if the search path has their schema.
TRAPS = """
CREATE TABLE public.caught (who text);
CREATE FUNCTION public.to_jsonb(pg_catalog.pg_database) RETURNS jsonb LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION public.to_jsonb(pg_catalog.pg_auth_members) RETURNS jsonb LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION public.to_jsonb(pg_catalog.pg_locks) RETURNS jsonb LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION public.format(text, name, name) RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION public.count(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE FUNCTION public.max(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
CREATE TABLE numbered (id serial, a int);
INSERT INTO numbered (a) VALUES (1), (2);
"""


def test_functions_of_users_are_not_called_by_a_backup(database: Database, tmp_path: Path) -> None:
    database.psql(TRAPS)
    assert run(target(database.url), tmp_path).rows == 2


def test_functions_of_users_are_not_called_by_a_restore(database: Database, tmp_store: str) -> None:
    database.psql(TRAPS)
    assert run_restore(back_up(database, tmp_store)).verdict is Verdict.PASS
