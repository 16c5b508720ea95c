"""What a database needs and mysqldump leaves out: accounts (`globals.sql`), and what hangs on the database itself
(`database.sql`: character set, comment, grants). Without passwords; plain SQL for any client, read again by `settle`.

`database.sql` names no database: it is run in the one that it is for. A GRANT then means that one too (`ON *`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbops.engine.mysql import objects
from dbops.engine.mysql.accounts import SYSTEM, Account, literal, of_definer, of_grantee
from dbops.engine.mysql.connect import flavour
from dbops.engine.mysql.statements import identifier, statement

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

_ACCOUNTS_HEAD = """\
-- Accounts that this database needs, without passwords: locked, until somebody gives them one and says ACCOUNT UNLOCK.
-- dbops runs the grants of those only that it made: an account that is there already keeps the rights that it has.
"""
_DATABASE_HEAD = """\
-- What belongs to the database itself. Run it in the restored database, whatever its name.
"""


def accounts(connection: Connection) -> list[Account]:
    """Accounts that objects of the database refer to: definers, and, as far as this user may see them, grantees."""
    found = {of_definer(str(definer)) for (definer,) in _rows(connection, statement("definers"))}
    if objects.reads_grants(connection):
        found |= {of_grantee(str(row[0])) for row in _rows(connection, statement("grants"))}
    return sorted(account for account in found if account.user not in SYSTEM and account.user)


def globals_sql(connection: Connection) -> str:
    """Accounts that the connected database needs, and what they may do everywhere, as statements that may run twice."""
    product = flavour(connection)
    wanted = accounts(connection)
    lines = []
    for account in wanted:
        made = f"CREATE ROLE IF NOT EXISTS {account.sql};"
        lines.append(made if account.role else f"CREATE USER IF NOT EXISTS {account.sql} ACCOUNT LOCK;")
    if objects.reads_grants(connection):
        for row in _rows(connection, statement(f"members_{product.name}")):
            role, member = Account(str(row[0]), str(row[1])), Account(str(row[2]), str(row[3]))
            if role in wanted and member in wanted:
                admin = " WITH ADMIN OPTION" if row[4] == "Y" else ""
                lines.append(f"GRANT {role.sql} TO {member.sql}{admin};")
        rights: dict[tuple[Account, str], list[str]] = {}
        for grantee, right, grantable in _rows(connection, statement("global_grants")):
            rights.setdefault((of_grantee(str(grantee)), str(grantable)), []).append(str(right))
        for (account, grantable), listed in sorted(rights.items()):
            if account in wanted:
                lines.append(_grant(sorted(listed), "*.*", account, grantable))
    return _ACCOUNTS_HEAD + "".join(f"{line}\n" for line in lines)


def database_sql(connection: Connection) -> str:
    """Character set, comment and grants of the connected database and what is in it."""
    product = flavour(connection)
    charset, collation, comment, encryption = _rows(
        connection, objects.for_product(statement("database_facts"), product)
    )[0]
    lines = [f"ALTER DATABASE CHARACTER SET {charset} COLLATE {collation};"]
    if encryption == "YES":
        lines.append("ALTER DATABASE ENCRYPTION 'Y';")
    if comment:
        lines.append(f"ALTER DATABASE COMMENT {literal(str(comment))};")
    if objects.reads_grants(connection):
        lines += _grants(connection)
    return _DATABASE_HEAD + "".join(f"{line}\n" for line in lines)


def _grants(connection: Connection) -> list[str]:
    found: dict[tuple[str, str, Account, str], dict[str, list[str]]] = {}
    for grantee, kind, name, column, rights, grantable in _rows(connection, statement("grants")):
        key = (str(kind), str(name), of_grantee(str(grantee)), str(grantable))
        for right in str(rights).split(","):
            columns = found.setdefault(key, {}).setdefault(right.strip().upper(), [])
            if column:
                columns.append(identifier(str(column)))
    lines = []
    for (kind, name, account, grantable), rights in sorted(found.items()):
        if account.user in SYSTEM or not account.user:
            continue
        listed = [
            f"{right} ({', '.join(sorted(names))})" if names else right for right, names in sorted(rights.items())
        ]
        where = {"database": "*", "table": identifier(name)}.get(kind, f"{kind.upper()} {identifier(name)}")
        lines.append(_grant(listed, where, account, grantable))
    return lines


def _grant(rights: list[str], where: str, account: Account, grantable: str) -> str:
    option = " WITH GRANT OPTION" if grantable == "YES" else ""
    return f"GRANT {', '.join(rights)} ON {where} TO {account.sql}{option};"


def _rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
