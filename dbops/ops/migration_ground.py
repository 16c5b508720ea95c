"""What `status` and `gate` judge: the revisions in the files, merged with a branch if one is named, and a database."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dbops.errors import ConfigError, NothingToCheckError
from dbops.language import msg
from dbops.migrations import layout
from dbops.migrations.base_branch import read_merged
from dbops.migrations.graph_rules import unjudgeable
from dbops.migrations.history import History, Relation, Standing, read
from dbops.migrations.values import Kind, Revision

if TYPE_CHECKING:
    from dbops.engine.base import VersionRows
    from dbops.engine.migrating import Intent
    from dbops.migrations.ledger import LedgerEntry

_HINT = msg("name the folder that has env.py and versions/, or one with alembic.ini")


class Ground:
    """`target`: its name, '' without one. `base`: the branch that the files are merged with, `new`: what it lacks.
    `version` None: no database is looked at. `ledger` None: none is kept. `intent`: what a migration that was killed
    has left there. `start`: the command that starts an application that a migration stops."""

    def __init__(
        self,
        history: History,
        *,
        target: str = "",
        base: str = "",
        new: frozenset[str] = frozenset(),
        version: VersionRows | None = None,
        ledger: tuple[LedgerEntry, ...] | None = None,
        intent: Intent | None = None,
        start: str = "",
    ) -> None:
        self.history, self.target, self.base, self.new = history, target, base, new
        self.version, self.ledger, self.intent, self.start = version, ledger, intent, start

    @cached_property
    def broken(self) -> str:
        """Why the graph has no order that could be relied on; empty if it has."""
        return unjudgeable(self.history)

    @cached_property
    def relation(self) -> Relation | None:
        """Where the database stands, if it is looked at and the graph allows to tell."""
        if self.version is None or self.broken:
            return None
        return self.history.relation(self.version.rows, self.applied)

    @property
    def applied(self) -> dict[str, tuple[str, ...]]:
        """What each applied revision stood on when it ran, as far as a ledger says."""
        return {entry.id: entry.parents for entry in self.ledger or ()}

    @cached_property
    def pending(self) -> tuple[Revision, ...] | None:
        """What is left to run, in order; None if that is not known."""
        if self.broken:
            return None
        if self.relation is not None:
            if self.relation.standing is Standing.UNKNOWN:
                return None
            return tuple(self.history[name] for name in self.relation.pending)
        if not self.base or self.version is not None:
            return None
        order = self.history.order
        return tuple(sorted((self.history[name] for name in self.new), key=lambda one: (order[one.id], one.path)))

    @property
    def since(self) -> str:
        """What is pending since: the database, or the base branch."""
        if self.pending is None:
            return ""
        return "database" if self.version is not None else self.base


def read_files(directory: Path, base: str | None) -> tuple[History, frozenset[str]]:
    """The revisions of a folder and, with `base`, those that it does not have. `ConfigError` where there are none to
    be, `NothingToCheckError` where there could be and are none."""
    if not directory.is_dir():
        what = msg("is a file, not a folder") if directory.exists() else msg("is not there")
        raise ConfigError(msg("{directory} {what}", directory=directory, what=what), hint=_HINT, kind="no-migrations")
    where = layout.find(directory)
    known = [directory / name for name in ("env.py", "alembic.ini")]
    nothing = not where.folders and all(one.kind is Kind.NO_FOLDER for one in where.problems)
    if nothing and not any(path.exists() for path in known):
        raise ConfigError(
            msg("{directory} has no revisions: no env.py, no versions/", directory=directory),
            hint=_HINT,
            kind="no-migrations",
        )
    if base:
        history, new = read_merged(directory, base)
    else:
        history, new = read(directory), frozenset[str]()
    missing = [one for one in history.problems if one.kind is Kind.FOLDER_MISSING]
    passed_over = [one for one in history.problems if one.kind is Kind.SUBFOLDER]
    if not history.revisions and len(missing) + len(passed_over) == len(history.problems):
        places = ", ".join([*map(str, where.folders), *(f"{one.path} (not there)" for one in missing)])
        found = "; ".join(f"{one.text}\n{one.hint}" for one in passed_over)
        raise NothingToCheckError(
            msg("there is no revision in {places}", places=places), hint=found or _HINT, kind="no-revisions"
        )
    return history, new
