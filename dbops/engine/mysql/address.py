"""Where a URL says that the server listens, and the same URL by a route."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from dbops.engine.mysql.parameters import SERVER_NAME, read
from dbops.route.base import Far, Near

_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")  # noqa: S108
_PLACE = ("unix_socket", "socket", SERVER_NAME)


def far(url: str) -> Far:
    """`url` has no password."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    p, _ = read(url, None)
    return Far(
        host=parts.hostname or "",
        port=p.port,
        socket=query.get("unix_socket") or query.get("socket") or "",
        usual=_SOCKETS,
        socket_name="mysql.sock",
        over_socket=False,  # it would take the whole way for a safe one, and the server would not
    )


def through(url: str, near: Near, user: str = "") -> str:
    """The URL by a route's address. TLS still verifies the name that the URL has. `user`: where the URL names none."""
    parts = urlsplit(url)
    p, _ = read(url, None)
    login = parts.netloc.rpartition("@")[0] or quote(user, safe="")
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in _PLACE]
    place = ""
    if near.socket is not None:
        query.append(("unix_socket", str(near.socket)))
    else:
        place = f"{near.host}:{near.port}"
        query.append((SERVER_NAME, p.host or "localhost"))
    at = f"{login}@{place}" if login else place
    text = urlencode(query, quote_via=quote, safe="/:,")
    return f"{parts.scheme}://{at}{parts.path or '/'}?{text}"
