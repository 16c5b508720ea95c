"""`python -m tests.mutations [SERVER…] [NAME…]`: every mutation of a good backup, drilled: what was found.

SERVER is `postgres`, `mariadb10.11`, `mariadb11.8` or `mysql9.7` (all of them, if none is named); NAME is a mutation's.
"""

from __future__ import annotations

import sys

from tests.mutations import table as postgres
from tests.mutations.mysql import table as mysql
from tests.mutations.printing import Table
from tests.mysql_installations import NAMES

SERVERS = ("postgres", *NAMES)


def main(arguments: list[str]) -> int:
    """Status 1 if a mutation was not found, or something benign was."""
    servers = [name for name in arguments if name in SERVERS] or list(SERVERS)
    names = {name for name in arguments if name not in SERVERS}
    good = []
    for server in servers:
        table = Table()
        if server == "postgres":
            postgres.run(lambda name: not names or name in names, table)
        else:
            mysql.run(server, lambda name: not names or name in names, table)
        good.append(table.sum_up(server))
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
