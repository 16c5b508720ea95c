"""The table of all mutations of MySQL or MariaDB: each applied and drilled, a row of what was found."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.mutations.mysql.benign import BENIGN
from tests.mutations.mysql.cases import mutations
from tests.mutations.mysql.stored import STORED
from tests.mutations.mysql.workshop import SETTINGS, Workshop
from tests.mutations.printing import Table
from tests.mysql_servers import MysqlServer, find


def run(server_name: str, wanted: Callable[[str], bool], table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder, MysqlServer(find(server_name), settings=SETTINGS) as server:
        workshop = Workshop(server, Path(folder))
        good = workshop.backup()
        for mutation in mutations(server.installation):
            if wanted(mutation.name):
                if not mutation.copy_only:
                    report = workshop.drill(workshop.mutated(good, mutation.script))
                    table.mutation(mutation.name, mutation.table, report)
                copy = workshop.drill_mutated_copy(good, mutation.script)
                table.mutation(f"{mutation.name}, copy", mutation.named, copy)
        for stored in STORED:
            if wanted(stored.name):
                report = workshop.drill(stored.change(workshop, workshop.backup()))
                table.mutation(stored.name, stored.named, report)
        for benign in BENIGN:
            if wanted(benign.name):
                table.benign(benign.name, benign.drill(workshop))
