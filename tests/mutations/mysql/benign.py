"""What a drill must not complain about: restores that are right although something about them is not as it was."""

from __future__ import annotations

from dbops.model import Report
from tests.mutations.mutation import Benign
from tests.mutations.mysql.workshop import NAME, Workshop


def _unchanged(workshop: Workshop) -> Report:
    return workshop.drill(workshop.backup())


def _parallel(workshop: Workshop) -> Report:
    return workshop.drill(workshop.backup(jobs=2))


def _counts(workshop: Workshop) -> Report:
    return workshop.drill(workshop.backup(inventory="counts"))


def _archive(workshop: Workshop) -> Report:
    return workshop.drill(workshop.backup(inventory="archive"))


def _no_owner(workshop: Workshop) -> Report:
    return workshop.drill(workshop.backup(), no_owner=True)


def _beside_the_source(workshop: Workshop) -> Report:
    """The server has a database of this name already: the copy gets another."""
    backed = workshop.backup()
    workshop.server.create_database(NAME)
    return workshop.drill(backed)


def _moved_about(workshop: Workshop) -> Report:
    """Rows in other places, and gaps in AUTO_INCREMENT: what came last has gone."""
    return workshop.drill(
        workshop.backup(
            "UPDATE invoices SET total = total + 1 WHERE id MOD 3 = 0; DELETE FROM invoices WHERE id MOD 7 = 0; "
            "DELETE FROM invoices WHERE id > 380; DELETE FROM counted; OPTIMIZE TABLE events; ANALYZE TABLE customers"
        )
    )


def _statistics(workshop: Workshop) -> Report:
    return workshop.drill_mutated_copy(
        workshop.backup(), "ANALYZE TABLE customers, invoices, events; OPTIMIZE TABLE places; FLUSH TABLES"
    )


def _floats(workshop: Workshop) -> Report:
    """Digits that no dump program prints: not the backup's fault, and told beforehand."""
    return workshop.drill(workshop.backup("UPDATE kinds SET f = 5592405.5 WHERE id = 2"))


def _emptied(workshop: Workshop) -> Report:
    return workshop.drill(workshop.backup("DELETE FROM events; DELETE FROM kinds; DELETE FROM counted"))


def _dangling(workshop: Workshop) -> Report:
    """A grant on a table that has gone since; no copy could have it."""
    gone = "CREATE TABLE gone (i INT); GRANT SELECT, UPDATE (i) ON gone TO 'reader'@'%'; DROP TABLE gone"
    return workshop.drill(workshop.backup(gone))


BENIGN = (
    Benign("grant on what has gone", _dangling),
    Benign("unchanged", _unchanged),
    Benign("parallel dump", _parallel),
    Benign("counts only", _counts),
    Benign("digests of the archive only", _archive),
    Benign("no owner", _no_owner),
    Benign("another database name", _beside_the_source),
    Benign("rows in another order, gaps", _moved_about),
    Benign("statistics", _statistics),
    Benign("digits of a FLOAT", _floats),
    Benign("empty tables", _emptied),
)
