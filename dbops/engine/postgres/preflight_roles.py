"""Whether the roles that a backup needs are there, and may be given what is theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dbops.engine.postgres.findings import error, warning
from dbops.engine.postgres.maintenance import Connection
from dbops.engine.postgres.server_facts import Facts
from dbops.engine.postgres.statements import statement
from dbops.engine.restoring import Wishes
from dbops.language import msg
from dbops.model import Finding, Manifest

_SET_MAJOR = 16
"""Since then membership alone does not suffice to give something to a role."""
_CLOSED_MAJOR = 15
"""Since then not everybody may create in the schema public of a new database."""


def about_roles(
    connection: Connection, manifest: Manifest, facts: Facts, wishes: Wishes, owners: Callable[[], set[str]]
) -> Iterator[Finding]:
    """`owners`: the roles that own something in the archive; asked where it matters."""
    needed = manifest.inventory.roles
    major = connection.info.server_version // 10000
    right = "SET" if major >= _SET_MAJOR else "MEMBER"
    rows = connection.execute(statement("restore_roles"), [right, list(needed)]).fetchall()
    there = {name: (given, own) for name, given, own in rows}
    missing = [role for role in needed if role not in there]
    if missing and wishes.create_roles:
        if not (facts.createrole or facts.superuser):
            hint = msg("ALTER ROLE … CREATEROLE, or have them created")
            yield error("no-createrole", ", ".join(missing), msg("may create roles"), msg("may not"), hint)
    elif missing:
        hint = msg(
            "add --create-roles, or run the backup's globals.sql: psql --dbname=postgres "
            "--file=globals.sql\nor restore with --no-owner: without owners and grants"
        )
        finding = warning if wishes.no_owner else error
        yield finding("missing-role", ", ".join(missing), msg("exists on the server"), msg("is not there"), hint)
    if not (facts.superuser or wishes.no_owner):
        owning = owners()
        foreign = [role for role, (given, _) in there.items() if role in owning and not given]
        others = [role for role, (given, own) in there.items() if role in owning and given and not own]
        if others and major >= _CLOSED_MAJOR and not wishes.in_place:
            # pg_restore gives an object to its owner before it grants anything, and that role must be able to create
            # one: in the schema, or the schema in the database. In a new database it is not.
            hint = msg(
                "without a superuser all must belong to one role, and the restore connect as that one (or SET role to "
                "it, see doctor --grants): REASSIGN OWNED on the source; or add --no-owner"
            )
            yield error(
                "other-owner",
                ", ".join(sorted(others)),
                msg("everything belongs to {role}", role=connection.info.user),
                msg("owns something, and may create nothing in a new database"),
                hint,
            )
        if foreign:
            hint = msg("use a superuser, GRANT these roles to the connecting one, or add --no-owner")
            yield error(
                "foreign-role", ", ".join(sorted(foreign)), msg("objects may be given to it"), msg("may not"), hint
            )
