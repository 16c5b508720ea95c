"""Options of the checks for pytest. Nothing of dbops is imported here: this module loads in every run of pytest.

The fixtures are in `check_fixtures`; the `conftest.py` beside the checks asks for them.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dbops", "database backups (dbops)")
    group.addoption("--dbops-config", metavar="FILE", help="configuration (default: DBOPS_CONFIG, or ./dbops.toml)")
    group.addoption("--dbops-store", metavar="URL", help="where backups live (default: the configuration's)")
    group.addoption("--dbops-target", metavar="NAME", help="check only this target")
