"""The revision files of the application hang together, and the database is where they can take it further."""

from __future__ import annotations

import pytest

from dbops.checking.judging import fail_for
from dbops.config import Target
from dbops.language import msg
from dbops.migrations.database_rules import judge_database
from dbops.migrations.graph_rules import Judged, judge_graph, unjudgeable
from dbops.migrations.history import History, Standing, read
from dbops.migrations.shape_rules import HEADS, SECOND_BASE
from dbops.model import Manifest

pytestmark = pytest.mark.dbops_rule

_SHAPE = frozenset({HEADS, SECOND_BASE})
_SHOWN = 10


@pytest.fixture(scope="module")
def history(target: Target) -> History:
    """The revisions in `migrations.directory`, read from their files."""
    if target.migrations is None:
        pytest.skip(msg("migrations.directory is not set"))
    directory = target.migrations.directory
    if not directory.is_dir():
        pytest.skip(msg("migrations.directory is not on this machine: {directory}", directory=directory))
    found = read(directory)
    if not found.revisions and not found.problems:
        pytest.skip(msg("there is no revision in {directory}", directory=directory))
    return found


@pytest.fixture(scope="module")
def judged(history: History) -> Judged:
    """The rules about the graph; those about single revisions belong to the gate, which knows what is pending."""
    return judge_graph(history, judged=())


def test_migration_graph_can_be_read(history: History, judged: Judged) -> None:
    """Every revision file can be read, has an id of its own, and stands on revisions that exist."""
    fail_for(finding for finding in judged.findings if finding.id not in _SHAPE)
    if history.holes:
        pytest.skip(unjudgeable(history))


def test_migration_graph_has_one_head(history: History, judged: Judged) -> None:
    """The migration graph has one head; branches with a label may have their own."""
    fail_for(finding for finding in judged.findings if finding.id in _SHAPE)
    _whole(history)


def test_database_is_at_head_of_the_code(history: History, manifest: Manifest) -> None:
    """The database was, at the newest backup, at the head of the code: neither ahead of it nor beside it.

    A database behind its code is what every deploy begins with: that is no failure, and not 'at head' either.
    """
    _whole(history)
    current = set(manifest.migration.heads)
    if not current:
        pytest.skip(
            msg("{backup}: the source had no migration tool's version table, or nothing in it", backup=manifest.id)
        )
    fail_for(judge_database(history, current))
    relation = history.relation(current)
    if relation.standing is Standing.BEHIND:
        more = msg(" and {count} more", count=len(relation.pending) - _SHOWN) if len(relation.pending) > _SHOWN else ""
        names = ", ".join(relation.pending[:_SHOWN])
        pytest.skip(
            msg(
                "{backup}: behind the code, {count} pending: {names}{more}",
                backup=manifest.id,
                count=len(relation.pending),
                names=names,
                more=more,
            )
        )


def _whole(history: History) -> None:
    """Skips a check of the graph where it cannot be judged."""
    reason = unjudgeable(history)
    if reason:
        pytest.skip(reason)
