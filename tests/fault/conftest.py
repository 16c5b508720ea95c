"""Databases that several modules of faults fill in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.fault.support import fill
from tests.servers import Cluster, Database


@pytest.fixture(scope="module")
def filled(pg_server: Cluster) -> Iterator[Callable[[str, int], Database]]:
    """`filled(name, rows)`: a database of the module's own with what `support.fill` makes; dropped with the module."""
    with ExitStack() as made:

        def create(name: str, rows: int) -> Database:
            pg_server.create_database(name)
            made.callback(pg_server.drop_database, name)
            database = Database(pg_server, name)
            fill(database, rows)
            return database

        yield create


@pytest.fixture(scope="module")
def little(filled: Callable[[str, int], Database]) -> Database:
    """A database whose backup takes no time and hardly any room."""
    return filled("little", 10)
