"""The table of all mutations of MySQL or MariaDB: each applied and drilled, a row of what was found."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.mutations.mysql.benign import BENIGN
from tests.mutations.mysql.cases import cases
from tests.mutations.mysql.stored import EDITS, STORED, edited
from tests.mutations.mysql.workshop import SETTINGS, Workshop
from tests.mutations.printing import Table
from tests.mutations.rounds import rounds
from tests.mysql_servers import MysqlServer, find


def run(server_name: str, wanted: Callable[[str], bool], table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder, MysqlServer(find(server_name), settings=SETTINGS) as server:
        workshop = Workshop(server, Path(folder))
        good = workshop.good
        for copy in (False, True):
            for group in rounds(case for case in cases(server_name, copy=copy) if wanted(case.name)):
                scripts = [case.change for case in group]
                if copy:
                    table.round(workshop.drill_mutated_copy(good, *scripts), group, ", copy")
                else:
                    table.round(workshop.drill(workshop.mutated(good, *scripts)), group)
        for edits in rounds(edit for edit in EDITS if wanted(edit.name)):
            backed = edited(workshop.copied(good), [edit.change for edit in edits])
            table.round(workshop.drill(backed), edits)
        for stored in STORED:
            if wanted(stored.name):
                report = workshop.drill(stored.change(workshop, workshop.copied(good)))
                table.mutation(stored.name, stored.named, report)
        for benign in BENIGN:
            if wanted(benign.name):
                table.benign(benign.name, benign.drill(workshop))
