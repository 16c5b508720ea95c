"""The drivers of databases: which there are, the URL as SQLAlchemy takes it, and queries that no listener sees."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Iterator  # noqa: UP035 - collections.abc has no subscripts in Python 3.8
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_DRIVERS = {
    "postgres": (
        ("psycopg2", "postgresql"),
        ("psycopg", "postgresql+psycopg"),
        ("pg8000", "postgresql+pg8000"),
        ("asyncpg", "postgresql+asyncpg"),
    ),
    "mysql": (
        ("MySQLdb", "mysql"),
        ("pymysql", "mysql+pymysql"),
        ("mysql.connector", "mysql+mysqlconnector"),
        ("mariadb", "mariadb+mariadbconnector"),
        ("aiomysql", "mysql+aiomysql"),
        ("asyncmy", "mysql+asyncmy"),
    ),
}
"""What is looked for in the application's environment, and what SQLAlchemy calls it: its own default first."""
_MODULES = {
    "mysqldb": "MySQLdb",
    "mysqlconnector": "mysql.connector",
    "mariadbconnector": "mariadb",
    "psycopg_async": "psycopg",
}
"""Of SQLAlchemy's names for drivers, those that are not their modules'."""
_FAMILIES = {
    "postgres": ("psycopg", "asyncpg", "pg8000"),
    "mysql": ("mysql", "mariadb", "asyncmy"),
}


def application_url(url: str, kind: str, driver: str) -> str:
    """The URL as SQLAlchemy takes it: with `driver` if that is installed here, else with one that is, and with that
    driver's names for TLS."""
    parts = urlsplit(url)
    _, plus, named = driver.partition("+")
    usable = driver if not plus or _installed(_MODULES.get(named, named)) else ""
    scheme = usable or next((name for module, name in _DRIVERS[kind] if _installed(module)), "")
    if not scheme:
        wanted = ", ".join(module for module, _ in _DRIVERS[kind])
        raise RuntimeError(f"no database driver is installed for the application: none of {wanted}")
    query = parse_qsl(parts.query, keep_blank_values=True)
    if kind == "mysql":
        query = [pair for key, value in query for pair in _mysql_option(key.replace("-", "_"), value)]
        if parts.hostname is None and not any(key == "unix_socket" for key, _ in query):
            parts = parts._replace(netloc=parts.netloc + "localhost")
    elif scheme.endswith("+asyncpg"):  # the same words, and no other name of libpq's than this has one there
        query = [("ssl" if key == "sslmode" else key, value) for key, value in query]
    text = urlencode(query, quote_via=quote, safe="/:,")
    return f"{scheme}://{parts.netloc}{parts.path}" + (f"?{text}" if text else "")


def _mysql_option(name: str, value: str) -> Iterator[tuple[str, str]]:
    """What dbops (and the client programs) call it, as PyMySQL and mysqlclient do through SQLAlchemy."""
    if name == "socket":
        yield "unix_socket", value
    elif name == "ssl_server_name":
        return  # no driver has it
    elif name == "ssl_mode":
        if value.upper() == "VERIFY_IDENTITY":
            yield "ssl_check_hostname", "true"
    else:
        yield name, value


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def family(dbapi: Any) -> str:
    """The dialect of a driver's connection, by the module that it comes from; empty for others, such as SQLite."""
    for one in (dbapi, getattr(dbapi, "dbapi_connection", None), getattr(dbapi, "driver_connection", None)):
        module = type(one).__module__.lower()
        for name, parts in _FAMILIES.items():
            if any(part in module for part in parts):
                return name
    return ""


def rows(connection: Any, query: str) -> list[Any]:
    """By the driver's own cursor, so that no listener sees it."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(query)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def autocommit(connection: Any) -> bool:
    """Whether each statement is a transaction of its own, whose locks are gone when it has ended."""
    return bool(getattr(connection.connection, "autocommit", False))
