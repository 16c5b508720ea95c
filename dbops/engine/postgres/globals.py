"""What a database needs and pg_dump leaves out: its roles (`globals.sql`) and what hangs on the database itself
(`database.sql`: owner, settings, grants, comment). Without passwords; plain SQL for psql or any driver."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from dbops.engine.postgres.statements import statement

Connection = psycopg.Connection[tuple[Any, ...]]

_LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)
"""Settings whose value is a list of names, each quoted by itself (variable_is_guc_list_quote() in dumputils.c)."""
_LIST_ITEM = re.compile(r'"(?:[^"]|"")*"|[^,\s]+')
_ATTRIBUTES = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")


def globals_sql(connection: Connection) -> str:
    """Roles that the connected database needs, as statements that may run twice: missing ones are created."""
    names = [name for (name,) in connection.execute(statement("roles"))]
    lines = ["-- Roles that this database needs, without passwords. May be run where some of them exist."]
    for name, *flags, limit, valid_until, settings, comment in connection.execute(statement("global_roles"), [names]):
        role = sql.Identifier(name)
        options = [word if flag else f"NO{word}" for word, flag in zip(_ATTRIBUTES, flags, strict=True)]
        options.append(f"CONNECTION LIMIT {int(limit)}")
        if valid_until:
            options.append(sql.SQL("VALID UNTIL {}").format(sql.Literal(valid_until)).as_string())
        # All in one block: a role that is there already stays as it is.
        commands = [sql.SQL("CREATE ROLE {} WITH ").format(role).as_string() + " ".join(options)]
        commands += [sql.SQL("ALTER ROLE {} ").format(role).as_string() + _set(setting) for setting in settings]
        if comment:
            commands.append(sql.SQL("COMMENT ON ROLE {} IS {}").format(role, sql.Literal(comment)).as_string())
        lines.append(_guarded(commands, "duplicate_object"))
    for granted, member, admin, inherit, set_role in connection.execute(statement("global_members"), [names]):
        grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(granted), sql.Identifier(member)).as_string()
        options = ["ADMIN OPTION"] if admin else []
        if inherit is False or set_role is False:  # 16 or later; the plain form is understood by every version
            options = [f"{word} {value}" for word, value in (("ADMIN", admin), ("INHERIT", inherit), ("SET", set_role))]
        lines.append(_guarded([f"{grant} WITH {', '.join(options)}" if options else grant], "insufficient_privilege"))
    return "\n".join(lines) + "\n"


def database_sql(connection: Connection) -> str:
    """Owner, settings, grants and comment of the connected database, to be run while connected to its copy.

    The statements name the database by `current_database()`, since a copy has another name.
    """
    lines = ["-- What belongs to the database itself. Run it connected to the restored database, whatever its name."]
    lines += [_here(template, *arguments) for template, arguments in _database_statements(connection)]
    return "\n".join(lines) + "\n"


def _database_statements(connection: Connection) -> Iterator[tuple[str, tuple[sql.Composable, ...]]]:
    facts = connection.execute(statement("database_facts")).fetchone()
    assert facts is not None  # noqa: S101 - the connected database exists
    owner, limit, comment, has_acl = facts
    if has_acl:
        yield "REVOKE ALL ON DATABASE %I FROM PUBLIC", ()
        for grantee, privilege, grantable in connection.execute(statement("database_grants")):
            who = "PUBLIC" if grantee is None else _name(grantee)
            yield f"GRANT {privilege} ON DATABASE %I TO {who}" + (" WITH GRANT OPTION" if grantable else ""), ()
    for role, setting in connection.execute(statement("database_settings")):
        if role is None:
            yield f"ALTER DATABASE %I {_escape(_set(setting))}", ()
        else:
            yield f"ALTER ROLE {_name(role)} IN DATABASE %I {_escape(_set(setting))}", ()
    if limit != -1:
        yield f"ALTER DATABASE %I CONNECTION LIMIT {int(limit)}", ()
    if comment:
        yield "COMMENT ON DATABASE %I IS %L", (sql.Literal(comment),)
    yield f"ALTER DATABASE %I OWNER TO {_name(owner)}", ()


def _set(setting: str) -> str:
    """`SET name TO value` from a `name=value` of a catalog."""
    name, _, value = setting.partition("=")
    if name.lower() in _LISTS:
        items = [i[1:-1].replace('""', '"') if i.startswith('"') else i for i in _LIST_ITEM.findall(value)]
        text = ", ".join(sql.Literal(item).as_string() for item in items) or "''"
    else:
        text = sql.Literal(value).as_string()
    # A placeholder's name such as `app.user` is two identifiers.
    return f"SET {sql.Identifier(*name.split('.')).as_string()} TO {text}"


def _guarded(commands: Sequence[str], condition: str) -> str:
    """The commands as a block that ends at one named condition; nested as literals, so that no name can end it."""
    steps = " ".join(f"EXECUTE {sql.Literal(command).as_string()};" for command in commands)
    body = f"BEGIN {steps} EXCEPTION WHEN {condition} THEN NULL; END"
    return f"DO {sql.Literal(body).as_string()};"


def _here(template: str, *arguments: sql.Composable) -> str:
    """A statement over the current database: `%I` in the template is its name."""
    rest = "".join(f", {argument.as_string()}" for argument in arguments)
    body = f"BEGIN EXECUTE format({sql.Literal(template).as_string()}, current_database(){rest}); END"
    return f"DO {sql.Literal(body).as_string()};"


def _name(role: str) -> str:
    return _escape(sql.Identifier(role).as_string())


def _escape(text: str) -> str:
    """Text that stands in a template of `format()`."""
    return text.replace("%", "%%")
