"""A revision file as values: what it declares, and what is wrong with it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from dbops.errors import DbopsError, Exit
from dbops.values import Value


class Downgrade(StrEnum):
    """What the text of a revision shows of its way back."""

    WORKS = "works"
    """An operation is in sight."""
    EMPTY = "empty"
    """It does nothing, and Alembic will say that it is done."""
    REFUSES = "refuses"
    """It raises."""
    MISSING = "missing"
    HIDDEN = "hidden"
    """All that it calls is elsewhere: the text does not tell."""


class Allowance(Value, frozen=True):
    """A suppression written into a revision file: `rule` is allowed on the lines `first` to `last`, which are those of
    the statement beside the comment. `wrong`: why it cannot be used, in which case the rest is not to be relied on."""

    line: int
    first: int
    last: int
    rule: str = ""
    expires: date = date.min
    owner: str = ""
    reason: str = ""
    wrong: str = ""


class Revision(Value, frozen=True):
    """What a revision file declares.

    `path` is relative to the root of the history, with `/`; `line` and `down_line` are where `revision` and
    `down_revision` stand. `down`: parents, none for a base. `depends_on`: ids or labels, as written. `created` is the
    text after 'Create Date:'. `sha256` is that of the file with `\n` as the end of lines, which a checkout may change.
    `operates`: of a merge, the line of the first statement in `upgrade()` or `downgrade()` that does something; else 0.
    """

    id: str
    down: tuple[str, ...]
    path: str
    line: int
    down_line: int
    sha256: str
    labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    message: str = ""
    created: str = ""
    operates: int = 0
    allowances: tuple[Allowance, ...] = ()

    @property
    def place(self) -> str:
        """File and line of its id."""
        return f"{self.path}:{self.line}"

    @property
    def down_place(self) -> str:
        """File and line of its down_revision."""
        return f"{self.path}:{self.down_line}"


class Kind(StrEnum):
    """What is wrong with a file, a folder, or an edge of the graph."""

    NO_FOLDER = "no-folder"
    """No folder with revisions at all."""
    FOLDER_MISSING = "folder-missing"
    """One of several configured folders is not there; Alembic passes over it in silence."""
    SETTINGS = "settings"
    """alembic.ini or pyproject.toml cannot be read."""
    SOURCELESS = "sourceless"
    """A revision that exists only as compiled code, which is not read."""
    SUBFOLDER = "subfolder"
    """Files that look like revisions, where Alembic does not look."""
    UNREADABLE = "unreadable"
    """Not a text of Python: a syntax error, another encoding, no permission."""
    COMPUTED = "computed"
    """A value that only running the file would tell."""
    BAD_VALUE = "bad-value"
    """A literal of a type that Alembic cannot use."""
    CONFLICT = "conflict"
    """Changed on both sides of a merge."""
    NO_ID = "no-id"
    NO_DOWN = "no-down-revision"
    DUPLICATE_ID = "duplicate-id"
    COPIED_FILE = "copied-file"
    LABEL_CLASH = "label-clash"
    PARENT_MISSING = "parent-missing"
    DEPENDENCY_MISSING = "dependency-missing"
    CYCLE = "cycle"
    REMOVED = "removed"
    """A head of the branch that one is merged with, gone."""
    INSERTED = "inserted"
    """Something new under a revision that the other branch has."""
    REWRITTEN = "rewritten"
    """A revision that the other branch has, and that does something else now."""


class Problem(Value, frozen=True):
    """One thing that is wrong: `text` says what, `hint` what to do."""

    kind: Kind
    path: str
    line: int
    text: str
    hint: str = ""

    @property
    def place(self) -> str:
        """File and line; the file alone where no line is known."""
        return f"{self.path}:{self.line}" if self.line else self.path


class BrokenHistoryError(DbopsError):
    """The history has no order, so that it cannot be walked."""

    exit_code = Exit.FAIL
