"""What a mutation is, whatever the engine: a script that spoils, or a change of what lies in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from dbops.model import Report

W = TypeVar("W")
B = TypeVar("B")


class Mutation(NamedTuple):
    """A script. Run in a copy of the source, whose dump then takes the place of the backup's archive with correct
    hashes and sizes, only the inventory can tell that it is wrong. Run in the restored copy of a good backup, the rows
    that it changed can be named.

    `named`: text that a finding must hold, so that a reader knows where to look. `of`: the table of a row that `named`
    tells by its contents. `only`: the beginning of the names of servers that have such a thing; empty for all.
    `copy_only`: a dump cannot carry what the script does, so that only a copy can be wrong so. `alone`: it leaves
    nothing that others could be done to.
    """

    name: str
    script: str
    named: str
    of: str = ""
    only: str = ""
    copy_only: bool = False
    alone: bool = False

    @property
    def table(self) -> str:
        """What must be named where the archive itself is not the source's: nobody knows the source's rows then."""
        return self.of or self.named.partition(" id=")[0]


class Stored(NamedTuple, Generic[W, B]):
    """`change` gets a workshop, and a good backup whose files it changes; gives the backup to drill."""

    name: str
    change: Callable[[W, B], B]
    named: str
    only: str = ""


class Benign(NamedTuple, Generic[W]):
    """Something about the restore that is not as it was, and right nevertheless."""

    name: str
    drill: Callable[[W], Report]
    only: str = ""
