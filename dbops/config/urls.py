"""Database URLs: dialect, database name, and the password taken out of them. No error of this module shows one."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from dbops.command import MASK
from dbops.config.units import target_name
from dbops.errors import ConfigError
from dbops.language import msg

DIALECTS = {"postgresql": "postgres", "postgres": "postgres", "mysql": "mysql", "mariadb": "mariadb"}


class Secret(str):
    """Text that may hold a password: it prints as a mask; `reveal()` gives the text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def reveal(self) -> str:
        """The text itself: the only way to it."""
        return "".join(self)


def dialect(url: str) -> str:
    """`postgres`, `mysql` or `mariadb`; a driver as in `postgresql+psycopg://` does not matter. `ConfigError` for any
    other scheme."""
    scheme, separator, _ = url[:40].partition("://")
    name = DIALECTS.get(scheme.lower().partition("+")[0])
    if not separator or name is None:
        raise ConfigError(
            msg("not a database URL: it must begin with postgresql://, mysql:// or mariadb://"),
            hint=msg("for example postgresql://user@host:5432/database"),
            kind="bad-url",
        )
    _split(url)
    return name


def split_password(url: str) -> tuple[str, str | None]:
    """The URL without its password (and without a driver in its scheme), and the password or None."""
    name = dialect(url)
    parts = _split(url)
    userinfo, at, hosts = parts.netloc.rpartition("@")
    user, colon, password = userinfo.partition(":")
    query = parse_qsl(parts.query, keep_blank_values=True)
    in_query = [value for key, value in query if key == "password"]
    kept = urlencode([(key, value) for key, value in query if key != "password"], quote_via=quote, safe="/:,")
    scheme = "postgresql" if name == "postgres" else name
    plain = urlunsplit((scheme, f"{user}{at}{hosts}", parts.path, kept, ""))
    if not parts.netloc:  # urlunsplit drops the empty authority of postgresql:///name
        plain = f"{scheme}://{plain.removeprefix(f'{scheme}:').removeprefix('//')}"
    return plain, unquote(password) if colon else (in_query[-1] if in_query else None)


def with_password(url: str, password: str | None) -> Secret:
    """The URL with a password in it: for programs that take nothing else, by their environment."""
    plain, given = split_password(url)
    chosen = password if password is not None else given
    if chosen is None:
        return Secret(plain)
    parts = _split(plain)
    userinfo = parts.netloc.rpartition("@")[0]
    if userinfo:
        head, tail = plain.split("://", 1)[0], plain.split("@", 1)[1]
        return Secret(f"{head}://{userinfo}:{quote(chosen, safe='')}@{tail}")
    pair = urlencode([("password", chosen)], quote_via=quote)  # the user is in the query, or the system's own
    return Secret(f"{plain}{'&' if parts.query else '?'}{pair}")


def _split(url: str) -> SplitResult:
    """The parts of a URL. Refused is one where a piece of the password would be taken for a port, path or query."""
    try:
        parts = urlsplit("".join(url))
    except ValueError:
        raise _unreadable() from None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    ports = [port for host in hosts if (port := host.rpartition("]")[2].rpartition(":")[2]) != host]
    names = [pair.partition("=")[0] for pair in parts.query.split("&")]
    if (
        parts.fragment
        or "#" in url
        or "@" in parts.path
        or any("@" in name for name in names)
        or any(port and not port.isdigit() for port in ports)
    ):
        raise _unreadable()
    return parts


def _unreadable() -> ConfigError:
    return ConfigError(
        msg("the database URL cannot be read"),
        hint=msg("is the port a number? In a password, percent-encode / as %2F, # as %23, @ as %40, ? as %3F"),
        kind="bad-url",
    )


def database_name(url: str) -> str:
    """The database that a URL names, or else its service's or its user's name; may be empty."""
    plain, _ = split_password(url)
    parts = urlsplit(plain)
    query = dict(parse_qsl(parts.query))
    path = unquote(parts.path.lstrip("/"))
    user = unquote(parts.netloc.rpartition("@")[0]) or query.get("user", "")
    return path or query.get("dbname", "") or query.get("service", "") or user


def target_name_of(url: str) -> str:
    """The name of the target that a bare URL makes."""
    return target_name(database_name(url) or "default")
