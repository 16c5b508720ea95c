"""The one switch between 'skipped here' and 'must not be missing'."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def need(reason: str) -> NoReturn:
    """Call it where something of the machine is missing: skips the test, or fails it if DBOPS_REQUIRE_SERVERS=1.

    The CI script sets the switch, so that nothing is ever left out there without a word.
    """
    if os.environ.get("DBOPS_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason} (and DBOPS_REQUIRE_SERVERS=1 forbids to skip)", pytrace=False)
    pytest.skip(reason)
