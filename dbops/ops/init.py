"""init: the text of a commented `dbops.toml`, with the password kept out of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

from dbops.config.file import DEFAULT_FILE
from dbops.config.urls import split_password, target_name_of
from dbops.errors import ConfigError, RefusedError
from dbops.language import msg, tr
from dbops.model import is_target_name


class Answers(NamedTuple):
    """What `init` needs to know. `target` None: named after the database."""

    url: str
    store: str
    target: str | None


class Files(NamedTuple):
    """What `init` writes: the configuration with its content, and the password's file if the URL had a password."""

    configuration: Path
    content: str
    password: Path | None

    def document(self) -> dict[str, str | None]:
        """The same for machines."""
        return {"file": str(self.configuration), "password_file": str(self.password) if self.password else None}

    def text(self, *, dry_run: bool) -> str:
        """What was written, for people; with `dry_run` the configuration itself."""
        if dry_run:
            return self.content
        lines = [tr("wrote {path}\n", path=path) for path in (self.configuration, self.password) if path is not None]
        return "".join(lines) + tr("next: dbops doctor, then dbops backup\n")


def ask(url: str | None, store: str | None, target: str | None) -> Answers:
    """Asks on the terminal for what was not given; `RefusedError` where nobody can be asked."""
    if not sys.stdin.isatty():
        raise RefusedError(msg("init needs --url and --store where there is no terminal"), kind="no-terminal")
    url = url or _question(tr("database URL"), "postgresql://user@localhost/database")
    store = store or _question(tr("store"), f"file://{Path.home()}/backups")
    return Answers(url, store, target or _question(tr("name of the target"), target_name_of(url)))


def _question(label: str, default: str) -> str:
    sys.stderr.write(f"{label} [{default}]: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() or default


def write(answers: Answers, *, force: bool, dry_run: bool = False, folder: Path | None = None) -> Files:
    """Writes `dbops.toml` (0600) and, for a password in the URL, `.dbops-<target>.password` (0600) beside it.
    `RefusedError` if one of them is there already, `ConfigError` for a name that no target may have."""
    folder = folder or Path.cwd()
    target = answers.target or target_name_of(answers.url)
    if not is_target_name(target):
        raise ConfigError(
            msg("{target!r} is not a name for a target", target=target),
            hint=msg("letters, digits, '.', '_', '-'"),
            kind="bad-target",
        )
    plain, password = split_password(answers.url)
    configuration = folder / DEFAULT_FILE
    secret = folder / f".dbops-{target}.password" if password else None
    for path in (configuration, secret):
        if path is not None and path.exists() and not force and not dry_run:
            hint = msg("--force overwrites it; or edit it by hand")
            raise RefusedError(msg("{path} exists and is not touched", path=path), hint=hint, kind="file-exists")
    content = text(plain, answers.store, target, secret.name if secret else None)
    if not dry_run:
        if secret is not None and password is not None:
            _write_private(secret, password + "\n")
        _write_private(configuration, content)
    return Files(configuration, content, secret)


def text(url: str, store: str, target: str, password_file: str | None) -> str:
    """A `dbops.toml` for one target. `url` has no password."""
    password = (
        f"password_file = {_quoted(password_file)}   # 0600; or password_env, password_command"
        if password_file
        else '# password_file = "/run/secrets/name"   # or password_env, password_command;\n'
        "#                                       # with none of them: ~/.pgpass or the service file"
    )
    return _TEMPLATE.format(
        store=_quoted(store), target=_quoted(target) if "." in target else target, url=_quoted(url), password=password
    )


def _quoted(value: str) -> str:
    """A TOML basic string. `${` is doubled, so that it is not taken for a variable."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${")
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def _write_private(path: Path, content: str) -> None:
    """A whole new file or none, readable by its owner alone from the first moment."""
    temporary = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        hint = msg("run it in a folder that you may write")
        raise ConfigError(
            msg("{path} cannot be written: {reason}", path=path, reason=error.strerror), hint=hint, kind="not-writable"
        ) from None


_TEMPLATE = """\
# Configuration of dbops. ${{NAME}} in a value is read from the environment; $${{NAME}} stands for itself.
# Unknown keys are errors. Try it: dbops doctor

[store]
url = {store}              # file:///folder or s3://bucket/prefix
# endpoint_url = "https://s3.example.com"   # S3-compatible stores
# region = "eu-central-1"
# profile = "backups"                       # of ~/.aws/config
# sse = "aws:kms"                           # or "AES256"
# sse_kms_key_id = "alias/backups"
# storage_class = "STANDARD_IA"
# addressing_style = "path"                 # or "virtual"
# checksums = "when_required"               # for stores that do not know trailing checksums

[targets.{target}]
url = {url}
{password}
# ssh = "user@db-server"                    # a tunnel: the URL's host is seen from there; or one of
#                                           # run_as ("postgres": its unix socket, by sudo -n) and container ("db")
# jobs = 2                                  # parallel sessions of dump and inventory
# inventory = "content"                     # digest of each table from source and archive; "archive", "counts"
# compression = "zstd:1"                    # "gzip:1", "none"; default: the best that the tool has
# bindir = "/usr/lib/postgresql/17/bin"     # where pg_dump lives, if not found by itself
# freshness = "public.orders.created_at"    # the newest row's time, for the RPO
# lock_timeout = "5s"                       # how long a backup waits for a table's lock
# give_way = "60s"                          # how long somebody may wait for the backup's locks; "never"

# [targets.{target}.encryption]             # age (https://age-encryption.org): whose keys can read a backup
# recipients = ["age1…"]                    # public keys of age-keygen or SSH; they suffice to back up
# recipients_file = "/etc/dbops/recipients" # … one a line; passphrase_file, passphrase_env, passphrase_command
# identity_file = "/run/secrets/age-key"    # the private key, to drill and restore; identity_env, identity_command
# workspace = "/dev/shm"                    # pg_dump with several jobs leaves files there before they are encrypted

# [targets.{target}.signing]                # Ed25519
# key_file = "/run/secrets/signing-key"     # signs manifests and records of drills; key_env, key_command
# public_keys = ["ssh-ed25519 AAAA…"]       # with any: nothing that none of them has signed is restored

# [targets.{target}.app]                    # around a restore
# stop = "systemctl stop app"
# start = "systemctl start app"

# [targets.{target}.policy]
# rpo = "24h"                               # the newest recoverable row is at most this old
# rto = "30m"
# min_free = "2GB"                          # room that a backup must leave in the store

# [notify]                                  # of every target; [targets.{target}.notify] has its own, key by key
# webhook = "https://hooks.example.com/key" # one, or a list: a JSON POST when a run fails
# apprise = ["mailto://user:password@example.com"]   # pip install 'dbops[notify]': mail, Slack, Teams, ntfy …
# when = "always"                           # of both: "failure" (default), or success, too
# on_failure = ["/usr/local/bin/page", "dba"]   # no shell; DBOPS_* in its environment, JSON on its stdin
# on_success = ["/usr/local/bin/copy-offsite"]
# hook_timeout = "60s"
# ping = {{ backup = "https://hc-ping.com/uuid", check = "https://hc-ping.com/uuid" }}   # notices what never ran
# metrics = "/var/lib/prometheus/node-exporter"   # files for Prometheus
# metrics_mode = "0644"                     # so that the node exporter can read them; default "0600"
# timeout = "10s"                           # nobody waits longer for a channel
# tasks = ["backup", "verify", "drill", "check", "prune"]
"""
