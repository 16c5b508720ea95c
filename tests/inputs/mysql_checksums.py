"""What the tables of a database hold, by the server's own word: nothing of the product's own."""

from __future__ import annotations

from tests.mysql_servers import MysqlServer, quoted


def held(server: MysqlServer, name: str) -> dict[str, tuple[int, int]]:
    """Table -> its rows, and the server's own checksum of them: nothing of the product's own."""
    query = f"SHOW FULL TABLES FROM {quoted(name)} WHERE Table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    found = {}
    for table, _ in server.execute(query):
        where = f"{quoted(name)}.{quoted(table)}"
        ((_, checksum),) = server.execute(f"CHECKSUM TABLE {where}")
        ((rows,),) = server.execute(f"SELECT COUNT(*) FROM {where}")
        found[table] = (rows, checksum)
    return found
