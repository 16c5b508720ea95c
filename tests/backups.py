"""What every test calls a backup, of whichever engine."""

from __future__ import annotations

from typing import Protocol

from dbops.catalog import Catalog
from dbops.config import Target
from dbops.model import Manifest


class Backup(Protocol):
    """A target with a backup: `Backed` of either engine."""

    @property
    def target(self) -> Target: ...
    @property
    def catalog(self) -> Catalog: ...
    @property
    def manifest(self) -> Manifest: ...
