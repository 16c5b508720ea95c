"""What the next backup of every target needs is there: a dump program, rights, clocks that agree, room."""

from __future__ import annotations

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.checking.judging import fail_for
from dbops.config import Target
from dbops.errors import DbopsError
from dbops.language import msg
from dbops.model import Finding, Severity
from dbops.ops.doctor import database_findings, room_findings

pytestmark = pytest.mark.dbops_rule
_OTHERS = ("tool", "clock")


@pytest.fixture(scope="module")
def source(target: Target) -> list[Finding]:
    """What is found out about the target's own database; not evaluated where it is out of reach, as in a CI job that
    sees the store alone."""
    if not target.url.reveal():
        pytest.skip(msg("no database is configured: only the store is looked at"))
    try:
        return list(database_findings(app.open_engine(target), target, app.now))
    except DbopsError as error:
        pytest.skip(msg("the database is out of reach from here: {reason}", reason=error.message))


def test_a_dump_program_fits_the_server(source: list[Finding]) -> None:
    """A dump program is here that can dump the target's server."""
    fail_for(finding for finding in source if finding.id.startswith("tool"))


def test_the_role_can_read_everything(source: list[Finding]) -> None:
    """The target's role may read all that a backup must hold."""
    fail_for(finding for finding in source if not finding.id.startswith(_OTHERS))


def test_the_clocks_agree(source: list[Finding]) -> None:
    """The clocks of the server and of this machine agree, so that ages of backups are right."""
    found = [finding for finding in source if finding.id.startswith("clock")]
    for finding in found:
        if finding.severity is Severity.ERROR:
            pytest.skip(msg("the server's clock could not be read: {reason}", reason=finding.actual))
    fail_for(found, least=Severity.WARNING)


def test_the_store_has_room(target: Target, catalog: Catalog) -> None:
    """The store has the room that `policy.min_free` wants."""
    if target.policy.min_free is None:
        pytest.skip(msg("policy.min_free is not set"))
    found = list(room_findings(catalog.store, target))
    if not found:
        pytest.skip(msg("{store} does not say how much room it has", store=catalog.store.url))
    fail_for(found)
