"""URLs of a server that dbops has started, for its superuser."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from dbops.config.urls import Secret

SUPERUSER = "postgres"
MAINTENANCE = "postgres"
"""The database that every server has."""


def socket_url(folder: str, port: int, password: str, database: str) -> Secret:
    """By a unix socket. No sslmode: a socket has no TLS, and an application may hand the URL to a driver that does not
    know the word."""
    query = urlencode({"host": folder, "port": port}, quote_via=quote)
    return Secret(f"postgresql://{_login(password)}@/{_name(database)}?{query}")


def port_url(host: str, port: int, password: str, database: str) -> Secret:
    """By host and port, in the clear: it is a server of this machine."""
    return Secret(f"postgresql://{_login(password)}@{host}:{port}/{_name(database)}?sslmode=disable")


def _login(password: str) -> str:
    return f"{SUPERUSER}:{quote(password, safe='')}"


def _name(database: str) -> str:
    return quote(database or MAINTENANCE, safe="")
