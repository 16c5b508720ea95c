"""What single statements of a dump say: its roles, how its databases are made, where psql connects next. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from dbops.engine.dumps import DumpDatabase

NAME = r'(?:"(?:[^"]|"")+"|[^\s",;()\'.]+)'
_LIST = rf"({NAME}(?:, {NAME})*)"
_FLAGS = re.IGNORECASE | re.DOTALL
_ROLE_FORMS = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        rf"ALTER .* OWNER TO ({NAME});\Z",
        rf"(?:GRANT|REVOKE) .* ON .* (?:TO|FROM) {_LIST}(?: WITH GRANT OPTION)?(?: GRANTED BY {NAME})?;\Z",
        rf"ALTER DEFAULT PRIVILEGES .*? (?:TO|FROM) {_LIST}(?: WITH GRANT OPTION)?;\Z",
        rf"ALTER DEFAULT PRIVILEGES FOR ROLE {_LIST} ",
        rf"CREATE POLICY {NAME} ON \S+.*? TO {_LIST}(?: USING| WITH CHECK|;)",
        rf"SET SESSION AUTHORIZATION '?({NAME})'?;\Z",
        rf"CREATE SCHEMA {NAME} AUTHORIZATION ({NAME});\Z",
        rf"(?:CREATE|ALTER) USER MAPPING FOR ({NAME}) ",
        rf"ALTER ROLE ({NAME}) IN DATABASE ",
    )
)
_ROLE_WORDS = ("ALTER", "GRANT", "REVOKE", "CREATE POLICY", "SET SESSION", "CREATE SCHEMA", "CREATE USER MAPPING")
_NO_ROLES = frozenset({"public", "current_user", "session_user", "current_role", "default", "none"})
_CREATE_ROLE = re.compile(rf"(?:CREATE|ALTER) (?:ROLE|USER) ({NAME})(?: WITH\b[^;]*)?;\Z", _FLAGS)
_DROP_ROLE = re.compile(rf"DROP (?:ROLE|USER) (?:IF EXISTS )?({NAME});\Z", _FLAGS)
_EXTENSION = re.compile(rf"CREATE EXTENSION (?:IF NOT EXISTS )?({NAME})", _FLAGS)
_DATABASE = re.compile(rf"CREATE DATABASE ({NAME})(.*);\Z", _FLAGS)
_OPTION = re.compile(rf"(\w+) = (?:'((?:[^']|'')*)'|({NAME}))")
_TABLESPACE_OPTION = re.compile(rf" TABLESPACE = ({NAME})".encode(), _FLAGS)
_TABLESPACE = re.compile(
    rf"(?:(?:CREATE|ALTER|COMMENT ON|SECURITY LABEL\b.* ON) TABLESPACE ({NAME})"
    rf"|(?:GRANT|REVOKE) .* ON TABLESPACE ({NAME})|SET default_tablespace = ({NAME});"
    rf"|ALTER DATABASE {NAME} SET TABLESPACE ({NAME}))",
    _FLAGS,
)
_CONNECT = re.compile(r"\\connect (?:-reuse-previous=on )?(.+?)\s*\Z")
_DROP = re.compile(
    r"(?:DROP (?!.*\bIF EXISTS\b)|SELECT pg_catalog\.lo_unlink\("
    r"|ALTER .* DROP (?:CONSTRAINT|DEFAULT|IDENTITY|COLUMN)\b(?!.*IF EXISTS))",
    _FLAGS,
)
_KEPT_DROP = re.compile(r"DROP SCHEMA (?:IF EXISTS )?public;", _FLAGS)


class Role(NamedTuple):
    """`CREATE ROLE` or `ALTER ROLE … WITH` of one role."""

    name: str
    creates: bool


def unquoted(name: str) -> str:
    """A name as the server knows it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def roles(text: str) -> set[str]:
    """Roles that the statement needs, without those that every server has."""
    if not text.upper().startswith(_ROLE_WORDS):
        return set()
    found: set[str] = set()
    for form in _ROLE_FORMS:
        if match := form.match(text):
            found.update(re.findall(NAME, match[1]))
    plain = {name for name in found if name.startswith('"') or name.lower() not in _NO_ROLES}
    return {name for item in plain if not (name := unquoted(item)).startswith("pg_")}


def role_made(text: str) -> Role | None:
    """The role that CREATE ROLE or ALTER ROLE speaks of; None for any other statement."""
    match = _CREATE_ROLE.match(text)
    return Role(unquoted(match[1]), text[:6].upper() == "CREATE") if match else None


def role_dropped(text: str) -> str:
    """The role of a DROP ROLE; '' for any other statement."""
    match = _DROP_ROLE.match(text)
    return unquoted(match[1]) if match else ""


def extension(text: str) -> str:
    """The extension of a CREATE EXTENSION; '' for any other statement."""
    match = _EXTENSION.match(text)
    return unquoted(match[1]) if match else ""


def database_made(text: str) -> DumpDatabase | None:
    """What `CREATE DATABASE` says of the database."""
    match = _DATABASE.match(text)
    if match is None:
        return None
    options = {key.upper(): value.replace("''", "'") or name for key, value, name in _OPTION.findall(match[2])}
    locale = options.get("LOCALE", "")
    provider = options.get("LOCALE_PROVIDER", "")
    return DumpDatabase(
        name=unquoted(match[1]),
        created=True,
        encoding=options.get("ENCODING", ""),
        collation=options.get("LC_COLLATE", locale),
        ctype=options.get("LC_CTYPE", locale),
        locale_provider=provider,
        locale=options.get("ICU_LOCALE", "") or options.get("BUILTIN_LOCALE", ""),
    )


def without_tablespace(data: bytes) -> tuple[bytes, str]:
    """`CREATE DATABASE` without the tablespace that it asks for, and that one's name."""
    match = _TABLESPACE_OPTION.search(data)
    if match is None:
        return data, ""
    return data[: match.start()] + data[match.end() :], unquoted(match[1].decode("utf-8", "replace"))


def tablespace(text: str) -> str:
    """The tablespace that the statement makes or asks for; '' for one of the server's own."""
    match = _TABLESPACE.match(text)
    name = unquoted(next(group for group in match.groups() if group)) if match else ""
    return "" if name in ("pg_default", "pg_global") else name


def connects_to(command: str) -> str:
    r"""The database of a `\connect` line as pg_dump writes them; '' for every other form."""
    match = _CONNECT.match(command)
    if match is None:
        return ""
    text = match[1]
    if not text.startswith('"'):
        return text if re.fullmatch(r"[A-Za-z0-9_.]+", text) and text != "-" else ""
    if not re.fullmatch(r'"(?:[^"]|"")+"', text):
        return ""
    text = unquoted(text)
    if "-reuse-previous=on" not in command:
        return "" if re.search(r"[=]|://", text) else text
    setting = re.fullmatch(r"dbname='((?:[^'\\]|\\.)+)'", text, re.DOTALL)
    return re.sub(r"\\(.)", r"\1", setting[1]) if setting else ""


def drops_database(text: str) -> bool:
    """Whether it removes a database: one that is not there, or one of the server's own (`pg_dumpall --clean`)."""
    return text[:14].upper() == "DROP DATABASE "


def drops(text: str) -> bool:
    """Whether it removes what an empty server does not have (`pg_dump --clean`)."""
    return _DROP.match(text) is not None and _KEPT_DROP.match(text) is None
