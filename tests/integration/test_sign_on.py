"""Sessions that a server refuses: the advice is about what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import sql

from dbops.errors import DbopsError
from tests.fault.support import run, target
from tests.servers import Database


def refused(url: str, folder: Path) -> DbopsError:
    with pytest.raises(DbopsError) as caught:
        run(target(url), folder)
    assert caught.value.kind == "unreachable"
    return caught.value


def test_a_wrong_password_is_not_a_missing_one(database: Database, tmp_path: Path) -> None:
    cluster = database.cluster
    wrong = refused(cluster.url(database.name, password="wrong"), tmp_path)
    assert "is it the right user?" in wrong.hint
    assert "wrong" not in wrong.message
    assert "set password_file" in refused(cluster.url(database.name, password=""), tmp_path).hint


@pytest.mark.parametrize(
    ("statement", "advice"),
    [
        ("ALTER ROLE {role} CONNECTION LIMIT 0", "lower jobs, or raise the limit"),
        ("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC", "GRANT CONNECT ON DATABASE"),
    ],
)
def test_what_a_refusal_is_about(database: Database, tmp_path: Path, statement: str, advice: str) -> None:
    role = f"refused_{database.name}"
    names = {"role": sql.Identifier(role), "database": sql.Identifier(database.name)}
    with database.cluster.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(names["role"]))
        try:
            connection.execute(sql.SQL(statement).format(**names))
            url = database.cluster.url(database.name, user=role, password="secret")
            assert advice in refused(url, tmp_path).hint
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(names["role"]))
