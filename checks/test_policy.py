"""How backups are kept is as the policy says, and secrets are."""

from __future__ import annotations

import pytest

from dbops.checking.judging import fail_for
from dbops.config import Config, Target
from dbops.config.passwords import exposed_files
from dbops.model import Severity

pytestmark = pytest.mark.dbops_rule


def test_files_with_passwords_are_private(target: Target, dbops_config: Config) -> None:
    """No file with a password can be read by others."""
    fail_for(exposed_files(dbops_config, target), least=Severity.WARNING)


def test_retention_holds(target: Target) -> None:
    """What is kept is what `policy.keep` says."""
    if target.policy.keep is None:
        pytest.skip("policy.keep is not set")
    pytest.skip("this version does not apply policy.keep: prune deletes no backup")
