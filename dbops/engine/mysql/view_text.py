"""The statement that makes a view, also of one that cannot be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from dbops.engine.mysql.accounts import of_definer
from dbops.engine.mysql.driver_errors import error_of
from dbops.engine.mysql.maintenance import rows
from dbops.engine.mysql.statements import identifier

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

CANNOT_OPEN = 1356
"""What the view uses is not there, or may not be used."""
NO_DATABASE = 1049
"""What MySQL says of a view that uses a database which is not there."""
_LISTED = """
SELECT definer, security_type, view_definition, check_option, character_set_client, collation_connection
FROM information_schema.views WHERE table_schema = DATABASE() AND table_name = %s
"""


def shown(connection: Connection, name: str) -> tuple[str, str, str, str]:
    """Of a view of the connected database: name, statement, character_set_client, collation_connection.

    MariaDB does not always show a view whose function has gone (seen on 10.11 and 11.8), nor MySQL 9.7 one whose other
    database has; they list it. Raises the
    driver's errors.
    """
    try:
        [row] = rows(connection, f"SHOW CREATE VIEW {identifier(name)}")
    except pymysql.MySQLError as error:
        if error_of(error)[0] not in (CANNOT_OPEN, NO_DATABASE):
            raise
        [(definer, security, text, option, charset, collation)] = rows(connection, _LISTED, [name])
        check = "" if option in (None, "", "NONE") else f" WITH {option} CHECK OPTION"
        head = f"CREATE DEFINER={of_definer(str(definer)).sql} SQL SECURITY {security} VIEW {identifier(name)}"
        return name, f"{head} AS {text}{check}", charset, collation
    return row[0], row[1], row[2], row[3]
