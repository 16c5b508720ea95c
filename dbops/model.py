"""The words of the domain as values: backups, manifests, inventories, findings, reports.

Sizes are bytes, times are aware UTC datetimes, durations are seconds. Everything here is immutable and knows nothing of
databases, stores or terminals.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from dbops.evidence import Evidence
from dbops.values import Value, label

MANIFEST_FORMAT = 1
SEALED = ".age"
"""How the name of an encrypted artifact ends."""
KEY_FILE = "key.age"
"""The artifact that holds the private key of a backup, encrypted with its passphrase."""
PASSPHRASE = "passphrase"  # noqa: S105 - no passphrase itself
"""Among the keys of a backup: whoever knows its passphrase."""
TARGET_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"


def is_target_name(text: str) -> bool:
    """Whether a target may be called so: the name is a folder of the store."""
    return re.match(TARGET_PATTERN, text) is not None and ".." not in text


def major_version(version: str) -> int:
    """The number that a version begins with: `17.5`, `18beta1`, `9.7.4`. Versions of a manifest begin with a digit."""
    match = re.match(r"\d+", version)
    return int(match[0]) if match else 0


# --- manifest ---------------------------------------------------------------------------------------------------


class EngineInfo(Value, frozen=True):
    """The server that the backup was taken from.

    `server_id` is the system identifier of the cluster, or the UUID of the server. Servers of one `series` (`17`,
    `10.11`, `9.7`) print definitions alike; it is empty in backups of dbops 0.1, which knew PostgreSQL only.
    """

    name: str
    server_version: str
    server_id: str
    database: str
    encoding: str
    collation: str
    ctype: str = ""
    locale_provider: str = ""
    locale: str = ""
    role: str = ""
    series: str = ""

    def same_series(self, other: EngineInfo) -> bool:
        """Whether the other server is the same product, and prints definitions as this one."""

        def of(info: EngineInfo) -> tuple[str, str]:
            return info.name, info.series or str(major_version(info.server_version))

        return of(self) == of(other)


class ToolInfo(Value, frozen=True):
    """The dump program. `argv` holds no secret."""

    name: str
    version: str
    argv: tuple[str, ...]


class Method(Value, frozen=True):
    """How the dump was made. `format` is `custom` or `directory` of pg_dump, `sql` or `sql-parts` (several files) of
    mysqldump and mariadb-dump; `compression` is `zstd:1`, `gzip:1` or `none`.

    `encryption` is `none` or `age`: then artifacts whose name ends in `.age` are encrypted, each by itself, to `keys`:
    recipients `age1…`, fingerprints of SSH keys as ssh-keygen prints them, `passphrase`.
    """

    format: str
    compression: str
    jobs: int
    encryption: str = "none"
    keys: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()

    def plain_name(self, artifact: str) -> str:
        """What an artifact is called once it is decrypted: the same, if it is not encrypted."""
        sealed = self.encryption != "none" and artifact.endswith(SEALED) and artifact != KEY_FILE
        return artifact.removesuffix(SEALED) if sealed else artifact


class Artifact(Value, frozen=True):
    """A stored file of a backup: `name` is relative to the backup's folder."""

    name: str
    bytes: int
    sha256: str


class Table(Value, frozen=True):
    """What a table held. `digest` is `<kind>:<hex>` (see `inventory`), empty when it was not taken.

    `columns` is the column list of the digest, in the archive's order.
    """

    schema: str
    name: str
    rows: int
    digest: str = ""
    bytes: int = 0
    columns: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return label(self.schema, self.name)


class Sequence(Value, frozen=True):
    """A sequence's position. Sequences are not transactional: `value` is what it was when the snapshot was opened and
    `value_after` when the dump had ended, so that the dumped value lies between the two."""

    schema: str
    name: str
    value: int
    called: bool
    value_after: int
    called_after: bool

    @property
    def label(self) -> str:
        return label(self.schema, self.name)


class LargeObjects(Value, frozen=True):
    """Count, bytes and a digest over (oid, content) in oid order; the digest is empty when it was not taken."""

    count: int = 0
    bytes: int = 0
    digest: str = ""


class ObjectDigest(Value, frozen=True):
    """A schema object by its canonical identity, with the digest of its normalised definition."""

    name: str
    digest: str


class Extension(Value, frozen=True):
    """An extension of PostgreSQL; the server's `extversion`, and the schema that holds it."""

    name: str
    version: str
    schema: str


class Inventory(Value, frozen=True):
    """What the source held at one moment.

    `basis`: how firmly inventory and dump share that moment (`snapshot`, `locked`, `unanchored`).
    `level`: `counts`, `archive` or `content`. `digest` is the SHA-256 over the canonical JSON of all the rest.
    `filtered` names what the backup leaves out on purpose.
    """

    basis: str
    level: str
    tables: tuple[Table, ...]
    sequences: tuple[Sequence, ...] = ()
    large_objects: LargeObjects = LargeObjects()
    objects: dict[str, tuple[ObjectDigest, ...]] = msgspec.field(default_factory=dict)
    extensions: tuple[Extension, ...] = ()
    roles: tuple[str, ...] = ()
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    filtered: tuple[str, ...] = ()
    digest: str = ""


class Migration(Value, frozen=True):
    """The rows of the migration tool's version table at the snapshot; empty when there is no such table."""

    heads: tuple[str, ...] = ()


class Freshness(Value, frozen=True):
    """The newest row by the configured column, or else the moment of the snapshot (`basis` says which)."""

    newest: datetime
    basis: str = "snapshot"


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "error"
    OVER_TARGET = "over-target"
    """Right, but over its RPO or RTO: the verdict is FAIL, and yet the backup is good."""
    WARNING = "warning"
    INFO = "info"


class Finding(Value, frozen=True):
    """One thing that was found: a stable `id`, and what was expected and seen of which `subject`."""

    id: str
    severity: Severity
    subject: str
    expected: str = ""
    actual: str = ""
    hint: str = ""


class Manifest(Value, frozen=True):
    """What a backup is and what it must hold. A backup exists if and only if its manifest does.

    `purpose`: `routine`, or `safety` for the state that a restore in place was about to replace: nobody who asks for
    the latest backup means that one.
    """

    format: int
    id: str
    target: str
    started_at: datetime
    snapshot_at: datetime
    finished_at: datetime
    dbops_version: str
    engine: EngineInfo
    tool: ToolInfo
    method: Method
    artifacts: tuple[Artifact, ...]
    inventory: Inventory
    migration: Migration
    freshness: Freshness
    findings: tuple[Finding, ...] = ()
    purpose: str = "routine"

    @property
    def bytes(self) -> int:
        """Stored size: the sum over the artifacts."""
        return sum(a.bytes for a in self.artifacts)

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(t.rows for t in self.inventory.tables)


# --- reports ----------------------------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What a run came to. INCONCLUSIVE: it could not be judged, which is never a PASS."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


class Failure(StrEnum):
    """Why a run is not a PASS: each wakes somebody else."""

    NONE = ""
    BAD_BACKUP = "bad-backup"
    """The backup is bad: use another one, and look why."""
    OVER_TARGET = "over-target"
    """The backup is good, but older, or slower to restore, than the policy allows."""
    RULE_BROKEN = "rule-broken"
    """A rule of the project is broken, about its migrations, its settings or its files: no backup is to blame."""
    ENVIRONMENT = "environment"
    """What the work needs is not here (a server, a tool, an extension): nothing is known about the backup."""
    BROKEN = "broken"
    """The work itself broke (a server died, the store could not be read): nothing is known about the backup."""


class NotEvaluated(Value, frozen=True):
    """Something that was not judged, and why: a value, never silence."""

    id: str
    reason: str


class Report(Value, frozen=True):
    """Findings, timings and provenance of one run. `phases` are wall-clock seconds by name, in order.

    `failure` says for a drill which kind of failure it is; `evidence` has its figures.
    """

    task: str
    target: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    phases: dict[str, float] = msgspec.field(default_factory=dict)
    not_evaluated: tuple[NotEvaluated, ...] = ()
    provenance: dict[str, Any] = msgspec.field(default_factory=dict)
    failure: Failure = Failure.NONE
    evidence: Evidence | None = None


def judge(findings: tuple[Finding, ...] | list[Finding], *, evaluated: bool = True) -> Verdict:
    """FAIL if any finding is an error or over its target; INCONCLUSIVE if nothing was really judged; else PASS."""
    if any(f.severity in (Severity.ERROR, Severity.OVER_TARGET) for f in findings):
        return Verdict.FAIL
    return Verdict.PASS if evaluated else Verdict.INCONCLUSIVE
