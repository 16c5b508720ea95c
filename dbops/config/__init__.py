"""The configuration as immutable values. `file.load` makes them from `dbops.toml`, environment and flags."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from dbops.config.notify import NotifyConfig
from dbops.config.types import Argv, Bytes, Patience, Seconds, Zone
from dbops.config.urls import Secret
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.values import Value

__all__ = [
    "App",
    "Argv",
    "Bytes",
    "Config",
    "DrillConfig",
    "Invariant",
    "Keep",
    "Migrations",
    "NotifyConfig",
    "Patience",
    "Policy",
    "Seconds",
    "StoreConfig",
    "Suppress",
    "Target",
    "Zone",
]

Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class StoreConfig(Value, frozen=True):
    """Where backups live. All but `url` is for S3."""

    url: str
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    sse: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    sse_kms_key_id: str | None = None
    storage_class: str | None = None
    addressing_style: Literal["auto", "path", "virtual"] | None = None
    checksums: Literal["when_supported", "when_required"] | None = None
    read_back: bool | None = None


class App(Value, frozen=True):
    """Commands around a restore or a migration."""

    stop: Argv | None = None
    start: Argv | None = None
    health: Argv | None = None


class Keep(Value, frozen=True):
    """Which backups retention keeps (docs/decisions/018-retention.md): the newest of each of the last days, weeks …
    that have one, in `timezone`. `max_age` (seconds) ends that; `min_keep`: never fewer. `after_backup`: prune after
    each backup."""

    last: Count = 0
    daily: Count = 0
    weekly: Count = 0
    monthly: Count = 0
    yearly: Count = 0
    max_age: Seconds | None = None
    min_keep: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    timezone: Zone = Zone("UTC")
    after_backup: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind, those only that are asked for."""
        kinds = {name: getattr(self, name) for name in ("last", "daily", "weekly", "monthly", "yearly")}
        return {name: count for name, count in kinds.items() if count}


class Policy(Value, frozen=True):
    """What the backups of a target must fulfil: seconds and bytes."""

    rpo: Seconds | None = None
    rto: Seconds | None = None
    min_free: Bytes | None = None
    keep: Keep | None = None


Words = Annotated[str, msgspec.Meta(min_length=1)]
"""Text that may not be left empty."""


class Suppress(Value, frozen=True):
    """A finding of the gate that somebody allows, and until when. `revision`: its id, its file, or the subject of the
    finding."""

    rule: Words
    revision: Words
    reason: Words
    owner: Words
    expires: date


class Migrations(Value, frozen=True):
    """The application's revisions. `rules`: `off`, `error`, `warning` or `info` for rules of the gate, by id.
    `version_schema` None: the version table is looked for in every schema. `url_variable`: where the application reads
    its database's URL; `driver`: the scheme of that URL, such as `postgresql+asyncpg`, by default that of the target's
    own URL, else one that is installed there. `ini`: Alembic's settings, `folder`: where the application is started,
    both found by `directory` else. `timeout`: of a whole upgrade; the other limits are those of `migrate`
    (docs/decisions/022-migrate.md)."""

    kind: Literal["alembic", "flask-migrate"]
    directory: Path
    python: Path | None = None
    app: str | None = None
    ini: Path | None = None
    folder: Path | None = None
    url_variable: Words = "DATABASE_URL"
    driver: Words | None = None
    queries: Path | None = None
    """The queries of the running release: each must still work after the upgrade."""
    lock_timeout: Seconds = Seconds(5)
    statement_timeout: Seconds | None = None
    timeout: Seconds = Seconds(4 * 3600)
    retries: Annotated[int, msgspec.Meta(ge=0, le=100)] = 5
    retry_wait: Seconds = Seconds(5)
    max_lock: Seconds = Seconds(5)
    """For which a rehearsal may see a table blocked without a warning."""
    safety_backup_age: Seconds | None = None
    """A verified backup that is no older does for the safety backup; None: always make one."""
    auto_restore: bool = False
    version_table: Words = "alembic_version"
    version_schema: Words | None = None
    rules: dict[str, str] = msgspec.field(default_factory=dict)
    suppress: tuple[Suppress, ...] = ()


class Invariant(Value, frozen=True):
    """A business rule: `sql` gives one value, which must equal `equals`."""

    name: str
    sql: str
    equals: int | str | float | bool | None = 0


class DrillConfig(Value, frozen=True):
    """How backups of a target are tried out. `sandbox`: `auto`, `container`, `local`, `embedded`, or an empty server's
    URL. `image` is for containers, where the engine's own image lacks an extension. `smoke` is a command of the
    application, run with `DATABASE_URL` set to the copy; `smoke_timeout` in seconds."""

    sandbox: Secret = Secret("auto")
    image: str | None = None
    production_like: bool = False
    smoke: Argv | None = None
    smoke_timeout: Seconds = Seconds(300)


class EncryptionConfig(Value, frozen=True):
    """Who can read the backups of a target (age), and what reads them here.

    `recipients` (and those of `recipients_file`, one a line) are public keys: they suffice to back up. A passphrase is
    one more reader. The identity, a private key, is needed to verify what is inside, to drill and to restore.
    `workspace`: a folder, best in memory, for the files that pg_dump with several jobs writes itself, before they are
    encrypted; without it dumps are one stream.
    """

    recipients: tuple[Words, ...] = ()
    recipients_file: Path | None = None
    passphrase_file: Path | None = None
    passphrase_env: Words | None = None
    passphrase_command: Argv | None = None
    identity_file: Path | None = None
    identity_env: Words | None = None
    identity_command: Argv | None = None
    workspace: Path | None = None


class SigningConfig(Value, frozen=True):
    """Who vouches for the backups of a target (Ed25519). `key_*`: the private key that signs manifests and drill
    records. `public_keys`: with any, a backup that none of them has signed is not used."""

    key_file: Path | None = None
    key_env: Words | None = None
    key_command: Argv | None = None
    public_keys: tuple[Words, ...] = ()


WAYS = ("ssh", "run_as", "container")
"""Keys of a target that say how its server is reached, where not by its URL alone."""


class Target(Value, frozen=True):
    """A database to protect. `url` may hold a password; the password's order is file, environment, command, URL."""

    url: Secret = Secret("")
    """Empty where `archives` says that another tool makes the dumps."""
    name: str = ""
    password_file: Path | None = None
    password_env: str | None = None
    password_command: Argv | None = None
    ssh: Words | None = None
    """`user@host`, as ssh takes it: the server is reached through a tunnel, and the URL's host is seen from there."""
    run_as: Words | None = None
    """The account as which a unix socket of this machine is used, by sudo: for peer authentication."""
    container: Words | None = None
    """A container, or a Compose service (`service` or `project/service`), that the server runs in."""
    jobs: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    inventory: Literal["content", "archive", "counts"] = "content"
    bindir: Path | None = None
    compression: str = ""
    freshness: str | None = None
    lock_timeout: Seconds = Seconds(5)
    give_way: Patience = Patience(60)
    swap: Literal["rename", "in-place"] = "rename"
    app: App = App()
    policy: Policy = Policy()
    migrations: Migrations | None = None
    invariants: tuple[Invariant, ...] = ()
    drill: DrillConfig = DrillConfig()
    notify: NotifyConfig = NotifyConfig()
    """Those of `[notify]` with the target's own in their place."""
    encryption: EncryptionConfig | None = None
    signing: SigningConfig | None = None
    archives: str | None = None
    """Dumps that another tool makes: a glob of this machine (the last by name counts), or `s3://bucket/prefix`."""

    def ways(self) -> dict[str, str]:
        """Those of `WAYS` that are set, with their values: one at most in a configuration that was read."""
        return {key: value for key in WAYS if (value := getattr(self, key))}

    def elsewhere(self, url: Secret) -> Target:
        """The same settings for another URL: neither the password nor the way belongs to that one."""
        own = ("password_file", "password_env", "password_command", *WAYS)
        return msgspec.structs.replace(self, url=url, **dict.fromkeys(own))


class Config(Value, frozen=True):
    """The whole configuration. `file` is where it came from, if any; `file_holds_password`: in plain text, in a URL."""

    store: StoreConfig
    targets: dict[str, Target]
    notify: NotifyConfig = NotifyConfig()
    file: Path | None = None
    file_holds_password: bool = False

    def channels(self, target: str) -> NotifyConfig:
        """Who is told about a target; the general ones for one that is not configured, and for runs without one."""
        return self.targets[target].notify if target in self.targets else self.notify

    def target(self, name: str | None = None) -> Target:
        """The named target, or the only one. `ConfigError` if there is none of that name, or without a name not exactly
        one."""
        known = ", ".join(self.targets) or "none"
        if name is None:
            if len(self.targets) == 1:
                return next(iter(self.targets.values()))
            hint = (
                msg("configured targets: {known}", known=known)
                if self.targets
                else msg("give --url, set DATABASE_URL, or write dbops.toml")
            )
            problem = (
                msg("several targets are configured: name one with --target")
                if self.targets
                else msg("no database is given")
            )
            raise ConfigError(problem, hint=hint, kind="no-target")
        if name not in self.targets:
            raise ConfigError(
                msg("there is no target '{name}'", name=name),
                hint=msg("configured targets: {known}", known=known),
                kind="no-target",
            )
        return self.targets[name]
