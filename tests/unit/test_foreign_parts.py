"""The small parts of drills of foreign dumps: statements, words of servers, places, trends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dbops.config.file import load
from dbops.engine.postgres import foreign_statements as says
from dbops.engine.postgres.foreign_facts import moment
from dbops.engine.postgres.foreign_words import environment_kind, first_words, masked
from dbops.errors import ConfigError, NothingToCheckError
from dbops.model import Severity
from dbops.ops.foreign_source import Location, located, newest
from dbops.ops.foreign_trend import Past, drops
from dbops.store.base import Entry, Store


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"\connect shop", "shop"),
        (r"\connect a.b_C9", "a.b_C9"),
        (r'\connect "Shop Two"', "Shop Two"),
        ('\\connect -reuse-previous=on "dbname=\'odd ""na\\\'me\'"', "odd \"na'me"),
        (r"""\connect -reuse-previous=on "dbname='back\\slash'" """, "back\\slash"),
        (r"\connect shop user", ""),
        (r"\connect - - host", ""),
        (r"\connect -", ""),
        (r"\connect", ""),
        (r"\c shop", ""),
        (r"\connect host=evil", ""),
        (r'\connect "host=evil dbname=x"', ""),
        (r'\connect "postgresql://evil/x"', ""),
        (r"""\connect -reuse-previous=on "dbname='x' host='evil'" """, ""),
        (r"""\connect -reuse-previous=on "host='evil'" """, ""),
        (r"\connect `id`", ""),
        (r"\connect :x", ""),
        (r"\connect 'x'", ""),
    ],
)
def test_only_the_forms_of_pg_dump_connect(text: str, name: str) -> None:
    assert says.connects_to(text) == name


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("ALTER TABLE public.t OWNER TO app;", {"app"}),
        ('ALTER FUNCTION public.f(integer, "x y") OWNER TO "Read ""Only";', {'Read "Only'}),
        ("GRANT SELECT ON TABLE public.t TO app;", {"app"}),
        ('GRANT SELECT(a,b) ON TABLE public.t TO a, "B" WITH GRANT OPTION;', {"a", "B"}),
        ("REVOKE ALL ON SCHEMA public FROM PUBLIC;", set()),
        ("REVOKE ALL ON SCHEMA public FROM app;", {"app"}),
        ("GRANT ALL ON FUNCTION f(a text) TO app GRANTED BY boss;", {"app"}),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA x GRANT SELECT ON TABLES  TO reader;", {"app", "reader"}),
        ("CREATE POLICY p ON public.t FOR SELECT TO app, other USING ((a = 1));", {"app", "other"}),
        ("CREATE POLICY p ON public.t USING (true);", set()),
        ("CREATE SCHEMA x AUTHORIZATION app;", {"app"}),
        ("SET SESSION AUTHORIZATION 'app';", {"app"}),
        ("SET SESSION AUTHORIZATION DEFAULT;", set()),
        ("CREATE USER MAPPING FOR app SERVER s OPTIONS (user 'x');", {"app"}),
        ("ALTER TABLE t OWNER TO pg_database_owner;", set()),
        ("COMMENT ON TABLE t IS 'ALTER TABLE t OWNER TO x;';", set()),
        ("ALTER ROLE app IN DATABASE shop SET search_path TO 'x';", {"app"}),
    ],
)
def test_roles_that_a_statement_needs(text: str, roles: set[str]) -> None:
    assert says.roles(text) == roles


def test_how_databases_are_made() -> None:
    made = says.database_made(
        "CREATE DATABASE \"a b\" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu"
        " LOCALE = 'C' ICU_LOCALE = 'de';"
    )
    assert made is not None
    assert made[:7] == ("a b", True, "UTF8", "C", "C", "icu", "de")
    made = says.database_made(
        "CREATE DATABASE x WITH ENCODING = 'LATIN1' LC_COLLATE = 'a' LC_CTYPE = 'b' TABLESPACE = ts;"
    )
    assert made is not None
    assert made[:5] == ("x", True, "LATIN1", "a", "b")
    assert says.without_tablespace(b'CREATE DATABASE x WITH TABLESPACE = "t s" OWNER = y;') == (
        b"CREATE DATABASE x WITH OWNER = y;",
        "t s",
    )


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("DROP TABLE public.t;", True),
        ("ALTER TABLE ONLY public.t DROP CONSTRAINT x;", True),
        ("SELECT pg_catalog.lo_unlink('4711');", True),
        ("DROP TABLE IF EXISTS public.t;", False),
        ("ALTER TABLE IF EXISTS ONLY t DROP CONSTRAINT IF EXISTS x;", False),
        ("DROP SCHEMA public;", False),
        ("ALTER TABLE t OWNER TO x;", False),
        ("CREATE TABLE t (a int);", False),
    ],
)
def test_what_an_empty_server_cannot_drop(text: str, dropped: bool) -> None:
    assert says.drops(text) is dropped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('invalid input syntax for type integer: "hunter2"', 'invalid input syntax for type integer: "…"'),
        ('relation "public.t" does not exist', 'relation "public.t" does not exist'),
        ("DETAIL:  Key (id, name)=(1, hunter2) already exists.", "DETAIL:  Key (id, name)=(…) already exists."),
        ("DETAIL:  Failing row contains (1, hunter2).", "DETAIL:  Failing row contains (…)."),
        ('CONTEXT:  COPY t, line 3, column id: "hunter2"', "CONTEXT:  COPY t, line 3, column id"),
        ("Command was: INSERT INTO t VALUES ('hunter2');", "Command was: INSERT INTO t …"),
        ("Command was: COPY public.t (a, b) FROM stdin;", "Command was: COPY public.t …"),
    ],
)
def test_words_without_data(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_first_words_hold_no_data() -> None:
    assert first_words("UPDATE t SET a = 'hunter2'") == "UPDATE t SET a ="
    assert first_words("SELECT $x$hunter2$x$;") == "SELECT"


def test_what_a_server_lacks() -> None:
    assert environment_kind('extension "postgis" is not available') == "missing-extension"
    assert environment_kind('invalid locale name: "de_DE"') == "locale"
    assert environment_kind('role "app" already exists') == "server-not-empty"
    assert environment_kind('relation "t" does not exist') == ""


def test_places() -> None:
    assert located("s3://bucket/a/b.dump") == Location("a/b.dump", "bucket")
    assert located("file:///var/a%20b") == Location("/var/a b")
    assert located("x.dump").path == str(Path.cwd() / "x.dump")
    for wrong in ("ftp://x/y", "file://host/x", "s3:///x"):
        with pytest.raises(ConfigError):
            located(wrong)
    one, other = located("/a/b/1.sql"), located("/a/b/2.sql")
    assert one.series == other.series != located("/a/c/1.sql").series
    assert one.name == "1.sql"


def no_bucket(name: str) -> Store:
    raise AssertionError(name)


def test_the_newest_of_a_folder_is_the_last_by_name(tmp_path: Path) -> None:
    for name in ("shop-2026-01-02.sql", "shop-2026-01-10.sql", "shop-2025-12-31.sql", "other-2027.sql"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "shop-2025-12-31.sql")
    for pattern in ("shop-*.sql", f"{tmp_path}/shop-*.sql", f"file://{tmp_path}/shop-*"):
        assert newest(pattern, tmp_path, no_bucket).name == "shop-2026-01-10.sql"
    with pytest.raises(NothingToCheckError):
        newest("nothing-*", tmp_path, no_bucket)


class Listed:
    def __init__(self, *keys: str) -> None:
        self._keys = keys

    def list(self, prefix: str = "") -> Iterator[Entry]:
        for n, key in enumerate(self._keys):
            if key.startswith(prefix):
                yield Entry(key, 1, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n))


def test_the_newest_of_a_prefix_is_the_last_written() -> None:
    def bucket(*keys: str) -> Any:
        return lambda name: Listed(*keys)

    assert newest("s3://b/x/", Path(), bucket("x/9", "x/1", "y/2")) == Location("x/1", "b")
    assert newest("s3://b/x", Path(), bucket("x/a/toc.dat", "x/a/1.dat")) == Location("x/a/", "b")
    with pytest.raises(NothingToCheckError):
        newest("s3://b/z", Path(), bucket("x/1"))


def test_drops_and_only_drops() -> None:
    past = [Past(str(n), 1000, 100) for n in range(5)]
    assert drops("now", 600, 60, past) == []
    assert drops("now", 100_000, 100_000, past) == []
    found = drops("now", 499, 49, past)
    assert [(f.id, f.severity) for f in found] == [
        ("rows-dropped", Severity.WARNING),
        ("size-dropped", Severity.WARNING),
    ]
    assert [f.id for f in drops("now", 600, 0, past)] == ["rows-dropped"]
    assert drops("now", 1, 1, []) == []
    assert drops("now", 1, None, [Past("a", None, None)]) == []
    assert drops("now", 1, 1, [Past("now", 1, 1)] * 20) == []  # the same dump again
    assert drops("now", 499, 49, [*past, *[Past("now", 499, 49)] * 10])  # and does not become the usual
    assert drops("latest.sql", 499, 49, [Past("latest.sql", 1000, 100)])  # a name that is always the same
    outlived = [Past("a", 10**9, 10**9)] * 5 + [Past("b", 10, 10)] * 10
    assert drops("now", 9, 9, outlived) == []  # only the newest ten


def test_moments() -> None:
    assert moment("2026-11-24 07:30:00", "UTC") == datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
    assert moment("2026-11-24 07:30:00").utcoffset() == timedelta(0)


@contextmanager
def configured(tmp_path: Path, text: str) -> Iterator[dict[str, str]]:
    file = tmp_path / "dbops.toml"
    file.write_text(text)
    yield {"DBOPS_CONFIG": str(file)}


def test_a_target_with_archives_needs_neither_url_nor_store(tmp_path: Path) -> None:
    with configured(tmp_path, '[targets.shop]\narchives = "dumps/*.sql.gz"\n') as environment:
        config = load(environment=environment)
    assert config.targets["shop"].archives == "dumps/*.sql.gz"
    assert (config.targets["shop"].url.reveal(), config.store.url) == ("", "")
    with configured(tmp_path, "[targets.shop]\njobs = 2\n") as environment, pytest.raises(ConfigError, match="'url'"):
        load(environment=environment)
    both = '[targets.shop]\narchives = "x"\n[targets.b]\nurl = "postgresql://h/d"\n'
    with configured(tmp_path, both) as environment, pytest.raises(ConfigError, match="no store"):
        load(environment=environment)
