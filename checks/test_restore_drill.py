"""The newest backup restores into an empty server, and what comes out is what the source held, and can be used.

One drill is shared by all of these checks; each looks at another side of what it found.
"""

from __future__ import annotations

import pytest

from dbops.checking import judging
from dbops.config import Target
from dbops.language import msg
from dbops.model import Report


def test_backup_restores_clean(drill: Report) -> None:
    """The whole backup loads into an empty server without an error."""
    judging.fail_for(judging.of(drill, judging.RESTORE))
    judging.restored(drill)


def test_schema_objects_are_equal(drill: Report) -> None:
    """Every view, function, trigger, index, constraint, type, grant and comment of the source is in the copy."""
    judging.fail_for(judging.of_objects(drill))
    judging.restored(drill)
    judging.evaluated(drill, "copy", "content-equality")


def test_row_counts_are_equal(drill: Report) -> None:
    """Every table of the copy has as many rows as the source had."""
    judging.fail_for(judging.of(drill, judging.ROWS))
    judging.restored(drill)
    judging.evaluated(drill, "copy", "content-equality")


def test_content_is_equal(drill: Report) -> None:
    """Every row of the copy is the row of the source."""
    judging.fail_for(judging.of(drill, judging.CONTENT))
    judging.restored(drill)
    judging.evaluated(drill, "copy", "content-equality")
    judging.compared(drill)


def test_table_is_equal(drill: Report, each_table: str | None) -> None:
    """The table has in the copy the rows that it has in the source; one case a table, if they are not too many."""
    judging.fail_for(judging.of_table(drill, each_table))
    judging.restored(drill)
    judging.evaluated(drill, "copy", "content-equality")
    judging.compared(drill, each_table)


def test_sequences_are_ahead(drill: Report) -> None:
    """The next value of every sequence is free, and an insert into its table works."""
    judging.fail_for(judging.of(drill, judging.SEQUENCES))
    judging.restored(drill)


def test_constraints_and_indexes_are_valid(drill: Report) -> None:
    """Foreign keys find their rows, constraints hold, indexes agree with their tables, views and routines work."""
    judging.fail_for(judging.of(drill, judging.VALIDITY))
    judging.restored(drill)


def test_database_is_at_the_migration_head_of_the_source(drill: Report) -> None:
    """The migration tool's version table of the copy holds what that of the source held."""
    _application(drill, judging.APPLICATION["migration"], msg("no migration tool's version table is in the source"))


def test_invariants_hold(target: Target, drill: Report) -> None:
    """Every business rule of the configuration holds on the copy."""
    if not target.invariants:
        pytest.skip(msg("no [[invariants]] are configured"))
    _application(drill, judging.APPLICATION["invariants"], msg("they were not evaluated"))


def test_application_works_on_the_copy(drill: Report) -> None:
    """The application's own command (`drill.smoke`) succeeds with `DATABASE_URL` set to the copy."""
    judging.evaluated(drill, judging.APPLICATION["smoke"])
    _application(drill, judging.APPLICATION["smoke"], msg("it was not run"))


def test_restore_is_within_the_rto(target: Target, drill: Report) -> None:
    """From 'start restoring' to 'verified' takes no longer than `policy.rto`."""
    judging.fail_for(judging.of(drill, ["rto"]))
    judging.restored(drill)
    if target.policy.rto is None:
        pytest.skip(msg("policy.rto is not set"))


def _application(drill: Report, kind: str, otherwise: str) -> None:
    """Fails for findings of one probe; skips where it was not tried."""
    judging.fail_for(judging.of(drill, [kind]))
    judging.restored(drill)
    if all(probe.id != kind for probe in (drill.evidence.probes if drill.evidence else ())):
        pytest.skip(otherwise)
