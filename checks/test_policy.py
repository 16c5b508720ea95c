"""How backups are kept is as the policy says, and secrets are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.checking.judging import fail_for
from dbops.config import Config, Target
from dbops.config.passwords import exposed_files
from dbops.language import joined, msg
from dbops.model import Finding, Severity
from dbops.ops.prune_plan import excess

GRACE = timedelta(days=1)

pytestmark = pytest.mark.dbops_rule


def test_files_with_passwords_are_private(target: Target, dbops_config: Config) -> None:
    """No file with a password can be read by others."""
    fail_for(exposed_files(dbops_config, target), least=Severity.WARNING)


def test_retention_holds(target: Target, request: pytest.FixtureRequest) -> None:
    """No backup is there that `policy.keep` wants gone since a day, and none has lost its manifest."""
    policy = target.policy
    if policy.keep is None:
        pytest.skip(msg("policy.keep is not set"))
    catalog: Catalog = request.getfixturevalue("catalog")
    found = excess(catalog, target.name, policy, policy.keep, app.now(), GRACE)
    if found.frozen:
        pytest.skip(msg("retention is frozen: {reasons}", reasons=joined("; ", found.frozen)))
    fail_for(
        [
            Finding(
                id="retention-excess",
                severity=Severity.ERROR,
                subject=item.backup.id,
                expected=msg("deleted by 'prune'"),
                actual=msg("still there: {reasons}", reasons=joined(", ", item.reasons)),
                hint=msg("run 'dbops prune' daily, or set after_backup = true in policy.keep"),
            )
            for item in found.backups
        ]
        + [
            Finding(
                id="retention-lost",
                severity=Severity.ERROR,
                subject=item.id,
                expected=msg("a backup"),
                actual=item.reason,
                hint=msg("somebody else deletes in this store: it does not count as a backup any more"),
            )
            for item in found.lost
        ]
    )
