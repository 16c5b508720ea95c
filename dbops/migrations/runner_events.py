"""What the application's interpreter tells while it migrates, as values. Times are seconds since it began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Lock(NamedTuple):
    """A lock on a relation: `schema.table`, the server's word for the mode. `kind`: `r` table, `p` partitioned, `m`
    materialised view, `i` index, … `before`: whether the relation was there before the migration."""

    relation: str
    mode: str
    kind: str
    before: bool


class Rewrite(NamedTuple):
    """A relation that was written anew, and its bytes after that (0: not known)."""

    relation: str
    kind: str
    bytes: int


class Statement(NamedTuple):
    """A statement that has run. `revision`: '' outside of one, such as what the application does as it starts. `rows`:
    the driver's count, -1 where it has none. `locks`: those that its transaction did not hold before. `observed`
    False: each statement is a transaction of its own, whose locks are gone before anybody could look."""

    revision: str
    sql: str
    at: float
    seconds: float
    rows: int = -1
    locks: tuple[Lock, ...] = ()
    rewritten: tuple[Rewrite, ...] = ()
    observed: bool = True


class FailedStatement(NamedTuple):
    """`code`: SQLSTATE, or the number of a MySQL error; `message`: its first line."""

    revision: str
    sql: str
    at: float
    seconds: float
    error: str
    code: str
    message: str


class RevisionBegun(NamedTuple):
    """Alembic has come to a revision. `up` False: to take it back."""

    revision: str
    up: bool
    at: float


class RevisionApplied(NamedTuple):
    """It has run; with transactional DDL it is not committed yet. `heads`: the version table's rows from now on."""

    revision: str
    heads: tuple[str, ...]
    at: float


class Ended(NamedTuple):
    """The end of a transaction."""

    committed: bool
    at: float


class SessionOpened(NamedTuple):
    """A session of the application, by the server's own number. `here` False: in another database."""

    id: int
    here: bool
    at: float


class Begun(NamedTuple):
    """What runs there: versions by name. `clock`: what `time.monotonic()`, which all processes of a machine share, said
    at the beginning."""

    versions: dict[str, str]
    clock: float


class Said(NamedTuple):
    """Something that dbops' own part there has to say."""

    text: str


class Trouble(NamedTuple):
    """Why it ended otherwise than by finishing. `where`: file and line in the migration, if it is in one.
    `of_statement`: the last statement that failed is the reason."""

    error: str
    code: str
    message: str
    where: str
    of_statement: bool = True


class Sql(NamedTuple):
    """What would run."""

    text: str


class Finished(NamedTuple):
    """It has come to its end; which revisions the database has, only the database tells."""


Event = (
    Statement | FailedStatement | RevisionBegun | RevisionApplied | Ended | SessionOpened | Begun | Said | Trouble
    | Sql | Finished
)  # fmt: skip


def event_of(told: dict[str, Any]) -> Event | None:
    """A line of the other side as a value; None for one that is not known."""
    at = float(told.get("at", 0.0))
    match told.get("event"):
        case "statement":
            return Statement(
                told["revision"],
                told["sql"],
                at,
                told["seconds"],
                told.get("rows", -1),
                tuple(Lock(*one) for one in told.get("locks", ())),
                tuple(Rewrite(*one) for one in told.get("rewritten", ())),
                told.get("observed", True),
            )
        case "failed":
            names: Sequence[str] = ("revision", "sql", "seconds", "error", "code", "message")
            return FailedStatement(at=at, **{name: told[name] for name in names})
        case "revision":
            return RevisionBegun(told["revision"], told["up"], at)
        case "applied":
            return RevisionApplied(told["revision"], tuple(told["heads"]), at)
        case "commit" | "rollback" as how:
            return Ended(how == "commit", at)
        case "session" | "elsewhere" as where:
            return SessionOpened(int(told["session"]), where == "session", at)
        case "begin":
            return Begun(dict(told["versions"]), float(told["clock"]))
        case "note":
            return Said(told["text"])
        case "error":
            return Trouble(told["error"], told["code"], told["message"], told["where"], told["of_statement"])
        case "sql":
            return Sql(told["text"])
        case "end":
            return Finished()
    return None
