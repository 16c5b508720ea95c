"""What a drill must not complain about: restores that are right although something about them is not as it was."""

from __future__ import annotations

import secrets

import msgspec

from dbops.model import Report
from tests.mutations.mutation import Benign
from tests.mutations.workshop import Workshop
from tests.servers import Database


def _unchanged(workshop: Workshop) -> Report:
    return workshop.drill(workshop.backup())


def _no_owner(workshop: Workshop) -> Report:
    return workshop.drill(workshop.backup(), no_owner=True)


def _other_name(workshop: Workshop) -> Report:
    """A manifest that speaks of a database of another name, as after a rename of the source."""
    backed = workshop.backup()
    engine = msgspec.structs.replace(backed.manifest.engine, database=f"renamed {secrets.token_hex(3)}")
    return workshop.drill(backed, msgspec.structs.replace(backed.manifest, engine=engine))


def _vacuumed(workshop: Workshop) -> Report:
    """Rows that were moved about by updates, deletes and VACUUM FULL before the backup."""
    copy = Database(workshop.cluster, f"moved_{secrets.token_hex(3)}")
    workshop.cluster.create_database(copy.name, template=workshop.source.name)
    try:
        copy.psql(
            "UPDATE invoices SET total = total + 1 WHERE id % 3 = 0; DELETE FROM invoices WHERE id % 7 = 0; "
            "VACUUM FULL invoices; INSERT INTO invoices (customer_id, total) SELECT 1, n FROM generate_series(1, 99) n"
        )
        return workshop.drill(workshop.backup(copy))
    finally:
        workshop.cluster.drop_database(copy.name)


BENIGN = (
    Benign("unchanged", _unchanged),
    Benign("another owner", _no_owner),
    Benign("another database name", _other_name),
    Benign("rows in another order", _vacuumed),
)
