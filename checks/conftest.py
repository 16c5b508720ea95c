"""The fixtures of the checks; `dbops.check_fixtures` says what each is."""

from dbops.check_fixtures import (
    catalog,
    dbops_config,
    drill,
    manifest,
    pytest_generate_tests,
    restored,
    shared_drill,
    target,
    verification,
)

__all__ = [
    "catalog",
    "dbops_config",
    "drill",
    "manifest",
    "pytest_generate_tests",
    "restored",
    "shared_drill",
    "target",
    "verification",
]
