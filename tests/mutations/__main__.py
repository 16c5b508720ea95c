"""`python -m tests.mutations [NAME…]`: applies every mutation to a good backup, drills it, prints what was found."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from dbops.model import Report, Verdict
from tests.installations import find_installations
from tests.mutations.benign import BENIGN
from tests.mutations.cases import MUTATIONS, Mutation
from tests.mutations.stored import STORED, Stored
from tests.mutations.workshop import Workshop, naming, wrong
from tests.servers import Cluster


def main(names: list[str]) -> int:
    """Status 1 if a mutation was not found, or something benign was."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder, Cluster(find_installations()[0]) as cluster:
        workshop = Workshop(cluster, Path(folder))
        good = workshop.backup()
        mutations: list[Mutation | Stored] = [*MUTATIONS, *STORED]
        for mutation in mutations:
            if names and mutation.name not in names:
                continue
            report = workshop.drill(mutation.apply(workshop))
            missed += _row(mutation.name, mutation.table, report)
            if isinstance(mutation, Mutation):
                report = workshop.drill_mutated_copy(good, mutation.script)
                missed += _row(f"{mutation.name}, copy", mutation.named, report)
        for benign in BENIGN:
            if names and benign.name not in names:
                continue
            report = benign.drill(workshop)
            missed += report.verdict is not Verdict.PASS
            seen = "nothing, as it must" if report.verdict is Verdict.PASS else f"FALSE ALARM: {wrong(report)[:3]}"
            print(f"{benign.name:<28} {'(benign)':<28} {seen}", flush=True)
    print(f"{missed} wrong")
    return int(missed > 0)


def _row(name: str, expected: str, report: Report) -> bool:
    """Prints a row of the table; True if the mutation was missed."""
    found = naming(report, expected)
    seen = f"{found.id}: {found.subject}" if found else f"MISSED ({report.verdict.value})"
    print(f"{name:<32} {expected:<26} {seen}", flush=True)
    return found is None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
