"""What a drill must not complain about: restores that are right although something about them is not as it was."""

from __future__ import annotations

from dbops.model import Report
from tests.mutations.mutation import Benign
from tests.mutations.mysql.workshop import NAME, Workshop


def _unchanged(workshop: Workshop) -> Report:
    return workshop.drill(workshop.good)


def _parallel(workshop: Workshop) -> Report:
    return workshop.drill(workshop.parallel)


def _counts(workshop: Workshop) -> Report:
    """And a grant on a table that has gone since; no copy could have it."""
    gone = "CREATE TABLE gone (i INT); GRANT SELECT, UPDATE (i) ON gone TO 'reader'@'%'; DROP TABLE gone"
    return workshop.drill(workshop.backup(gone, inventory="counts"))


def _archive(workshop: Workshop) -> Report:
    emptied = "DELETE FROM events; DELETE FROM kinds; DELETE FROM counted"
    return workshop.drill(workshop.backup(emptied, inventory="archive"))


def _no_owner(workshop: Workshop) -> Report:
    return workshop.drill(workshop.good, no_owner=True)


def _beside_the_source(workshop: Workshop) -> Report:
    """The server has a database of this name already: the copy gets another."""
    workshop.server.create_database(NAME)
    return workshop.drill(workshop.good)


def _statistics(workshop: Workshop) -> Report:
    return workshop.drill_mutated_copy(
        workshop.good, "ANALYZE TABLE customers, invoices, events; OPTIMIZE TABLE places; FLUSH TABLES"
    )


BENIGN = (
    Benign("unchanged", _unchanged),
    Benign("parallel dump, rows in another order", _parallel),
    Benign("counts only, a grant on what has gone", _counts),
    Benign("digests of the archive, empty tables", _archive),
    Benign("no owner", _no_owner),
    Benign("another database name", _beside_the_source),
    Benign("statistics", _statistics),
)
