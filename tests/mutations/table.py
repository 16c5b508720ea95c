"""The table of all mutations of PostgreSQL: each applied and drilled, a row of what was found."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.installations import find_installations
from tests.mutations.benign import BENIGN
from tests.mutations.cases import MUTATIONS
from tests.mutations.printing import Table
from tests.mutations.stored import STORED
from tests.mutations.workshop import Workshop
from tests.servers import Cluster


def run(wanted: Callable[[str], bool], table: Table) -> None:
    with tempfile.TemporaryDirectory() as folder, Cluster(find_installations()[0]) as cluster:
        workshop = Workshop(cluster, Path(folder))
        good = workshop.backup()
        for mutation in MUTATIONS:
            if wanted(mutation.name):
                table.mutation(mutation.name, mutation.table, workshop.drill(workshop.mutated(mutation.script)))
                copy = workshop.drill_mutated_copy(good, mutation.script)
                table.mutation(f"{mutation.name}, copy", mutation.named, copy)
        for stored in STORED:
            if wanted(stored.name):
                table.mutation(stored.name, stored.named, workshop.drill(stored.change(workshop, workshop.backup())))
        for benign in BENIGN:
            if wanted(benign.name):
                table.benign(benign.name, benign.drill(workshop))
