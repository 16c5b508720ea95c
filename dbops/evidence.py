"""What a drill has seen, beside what it has found: the figures that its verdict rests on.

Sizes are bytes, durations are seconds. A field is None where it was not measured, never 0.
"""

from __future__ import annotations

from enum import StrEnum

from dbops.values import Value, label


class Match(StrEnum):
    """How the rows of a table in a copy stand to those of its source."""

    EQUAL = "equal"
    """Every row was compared, by its digest or row by row."""
    COUNTED = "counted"
    """The numbers of rows agree; the rows themselves were not compared."""
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """There is nothing to compare it with: a dump without an inventory."""


class TableProof(Value, frozen=True):
    """One table: in the source (by the inventory) and in the copy. Digests are `<kind>:<hex>`, '' when not taken.

    `rows` None: the source had no such table, or there is no inventory; `copy_rows` None: the copy has no such table.
    """

    schema: str
    name: str
    match: Match
    rows: int | None = None
    copy_rows: int | None = None
    digest: str = ""
    copy_digest: str = ""
    bytes: int = 0

    @property
    def label(self) -> str:
        return label(self.schema, self.name)

    def is_subject(self, subject: str) -> bool:
        """Whether a finding with this subject is about the table, or about a row of it."""
        return subject == self.label or subject.startswith(f"{self.label} ")


class ObjectCount(Value, frozen=True):
    """Schema objects of one kind: how many the source had, and the copy has, and how many of them differ."""

    kind: str
    source: int | None
    copy: int
    different: int = 0


class Probe(Value, frozen=True):
    """One kind of probe of the copy: how many things it tried, and at how many of them it found something."""

    id: str
    title: str
    """What was tried, as a sentence for people: `every foreign key finds its row`."""
    tried: int
    found: int = 0


class SandboxFacts(Value, frozen=True):
    """The server that the copy was restored into. `source`: a package, a folder of binaries, an image with its digest,
    a host. `tuned`: made to restore fast, so that its time is a lower bound; False: like production."""

    kind: str
    engine: str
    version: str
    source: str
    tuned: bool
    teardown: str = ""
    """What became of it: `removed`, `kept`, or what went wrong."""


class Evidence(Value, frozen=True):
    """All figures of one drill. `archive_bytes` and `archive_files` were read again and hashed."""

    archive_bytes: int = 0
    archive_files: int = 0
    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    rto_allowed: float | None = None
    rpo_allowed: float | None = None
    inventory_level: str = ""
    """`content`, `archive`, `counts`; '' where there is no inventory."""
    inventory_basis: str = ""
    sandbox: SandboxFacts | None = None
    tables: tuple[TableProof, ...] = ()
    objects: tuple[ObjectCount, ...] = ()
    probes: tuple[Probe, ...] = ()
