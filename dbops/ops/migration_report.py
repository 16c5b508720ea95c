"""A report about the revisions of an application: what `status` and `gate` print, and all that is built on them."""

from __future__ import annotations

from dbops.migrations.suppressions import Suppressed
from dbops.migrations.values import Revision
from dbops.model import Report
from dbops.ops.rehearse_facts import Rehearsal
from dbops.values import Value


class Pending(Value, frozen=True):
    """A revision that has not run yet. `down`: its parents; `file` is relative to `MigrationReport.directory`."""

    id: str
    down: tuple[str, ...]
    message: str
    file: str


class MigrationReport(Report, frozen=True):
    """`heads`: none where the graph cannot be relied on. `current`: the rows of the version table, None where no
    database was looked at. `standing`: where the database stands to the code (`History.Standing`), '' if that is not
    known. `pending`: in the order in which they run, None where it is not known which; `since`: what they are pending
    since (`database`, or the branch that was compared). `evaluated`: the rules that were judged. `directory`: what
    paths are relative to; `prefix`: what makes them paths from the repository's root."""

    directory: str = ""
    prefix: str = ""
    heads: tuple[str, ...] = ()
    current: tuple[str, ...] | None = None
    standing: str = ""
    pending: tuple[Pending, ...] | None = None
    since: str = ""
    suppressed: tuple[Suppressed, ...] = ()
    evaluated: tuple[str, ...] = ()
    rehearsal: Rehearsal | None = None


def steps(revisions: tuple[Revision, ...]) -> tuple[Pending, ...]:
    """The revisions as the report shows them."""
    return tuple(Pending(id=one.id, down=one.down, message=one.message, file=one.path) for one in revisions)
