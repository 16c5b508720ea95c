"""Libraries: code that stored programs of MySQL in other languages share (CREATE LIBRARY, 9.2 and later). Other servers
have no list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbops.engine.mysql.connect import product
from dbops.engine.mysql.flavour import Version
from dbops.engine.mysql.maintenance import rows

if TYPE_CHECKING:
    from dbops.engine.mysql.connect import Connection

WORD = "LIBRARY"
_SINCE = Version(9, 2)


def libraries(connection: Connection, database: str | None = None) -> dict[str, str]:
    """Name -> when it was last altered, of those in a database, or else in the connected one, that the user may see."""
    flavour, version = product(connection)
    if flavour.name != "mysql" or version < _SINCE:
        return {}
    query = (
        "SELECT library_name, CONCAT_WS(' ', last_altered, sql_mode, SHA2(library_definition, 256))"
        " FROM information_schema.libraries WHERE library_schema = COALESCE(%s, DATABASE()) ORDER BY library_name"
    )
    return {str(name): str(state) for name, state in rows(connection, query, [database])}
