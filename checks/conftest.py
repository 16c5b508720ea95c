"""The fixtures of the checks: `target`, `catalog`, `manifest`, `verification`."""

from dbops.check_fixtures import catalog, dbops_config, manifest, pytest_generate_tests, target, verification

__all__ = ["catalog", "dbops_config", "manifest", "pytest_generate_tests", "target", "verification"]
