"""What a task works with: the configuration, and store, catalog and engine, each opened only when asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dbops import app, console, logs, runs
from dbops.catalog import Catalog
from dbops.config import Config, Target
from dbops.config.file import load
from dbops.config.passwords import masked
from dbops.engine.base import Engine
from dbops.errors import ConfigError, NothingToCheckError
from dbops.keys.keyring import Keyring
from dbops.language import msg
from dbops.model import Manifest, is_target_name

MAXIMUM_JOBS = 64


class Session:
    """Flags and configuration of one task. `jobs` None: the target's own, or 2."""

    def __init__(
        self,
        config: Config,
        progress: console.Display,
        name: str | None = None,
        jobs: int | None = None,
        keys: Keyring | None = None,
    ) -> None:
        self.config = config
        self.progress = progress
        self.jobs = jobs
        self._name = name
        self._keys = keys or Keyring(config.targets)

    def target(self) -> Target:
        """The target that was named, or the only one."""
        target = self.config.target(self._name)
        return target if self.jobs is None else msgspec.structs.replace(target, jobs=self.jobs)

    def target_or_none(self) -> Target | None:
        """The target, or None where no database is configured at all."""
        return self.target() if self.config.targets else None

    def told_targets(self) -> list[str]:
        """The target whose channels are told of this run, as far as it is known before anything is opened."""
        if self._name is not None or len(self.config.targets) != 1:
            return [self._name or ""]
        return list(self.config.targets)

    def catalog(self) -> Catalog:
        """Of the configured store; `ConfigError` where its URL is wrong."""
        return app.open_catalog(self.config.store, self._keys)

    def engine(self) -> Engine:
        """For the chosen target."""
        return app.open_engine(self.target())

    def check_name(self) -> None:
        """`ConfigError` for a target that was named, and is neither configured nor in the store."""
        if self._name is None or self._name in self.config.targets or not is_target_name(self._name):
            return
        names = self.catalog().targets()
        if self._name not in names and (names or self.config.targets):
            known = ", ".join(self.config.targets) or "none"
            hint = msg(
                "configured: {known}; the store has: {names}", known=known, names=", ".join(names) or msg("none")
            )
            raise ConfigError(msg("there is no target '{name}'", name=self._name), hint=hint, kind="no-target")

    def name_in_store(self) -> str:
        """The target's name for work on a bare store: given, configured, or the only one that the store holds.
        `NothingToCheckError` for an empty store, `ConfigError` where one of several must be named."""
        if self._name is not None or self.config.targets:
            return self._name or self.config.target().name
        names = self.catalog().targets()
        where = self.config.store.url
        if not names:
            raise NothingToCheckError(
                msg("{where} has no backups", where=where), hint=msg("make one: dbops backup"), kind="no-backup"
            )
        if len(names) > 1:
            hint = msg("name one with --target")
            raise ConfigError(
                msg("{where} has backups of {names}", where=where, names=", ".join(names)), hint=hint, kind="no-target"
            )
        return names[0]

    def show(self, text: str) -> None:
        """Text that the reader needs before a question, on stderr."""
        self.progress.end()
        if logs.as_json():
            logs.say("info", "shown", text.rstrip("\n"))
        else:
            sys.stderr.write(logs.printable(masked(text)))

    def confirm(self, question: str, *, yes: bool, answer: str = "y") -> None:
        """See `console.confirm`."""
        self.progress.end()
        console.confirm(question, yes=yes, answer=answer)

    def archive_engine(self, manifest: Manifest) -> Engine | None:
        """The engine that decodes a manifest's archive; None where its dialect is not supported."""
        target = self.config.targets.get(manifest.target)
        try:
            return app.archive_engine(manifest.engine.name, bindir=target.bindir if target else None)
        except ConfigError:
            return None


@contextmanager
def session(
    target: str | None,
    url: str | None,
    store: str | None,
    *,
    jobs: str | None = None,
    need_store: bool = True,
    identity: str | None = None,
    signed: bool = False,
) -> Iterator[Session]:
    """The session of a task, from its flags; progress is shown for the time of the block. `identity`: a key file for
    encrypted backups. `signed`: no other backups count."""
    config = load(url=url, store=store, target=target, need_store=need_store)
    name = target or (next(iter(config.targets)) if url is not None else None)
    count = None if jobs is None else number(jobs, "jobs")
    only = next(iter(config.targets)) if len(config.targets) == 1 else None
    run = runs.current()
    with app.routes(), console.progress(target=name or only, head=f"run {run.id}: {run.task}") as progress:
        keys = Keyring(config.targets, identity=Path(identity) if identity is not None else None, signed=signed)
        yield Session(config, progress, name, count, keys)


def number(text: str, flag: str) -> int:
    """The value of a flag that counts something. `ConfigError` for what is no such number."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MAXIMUM_JOBS:
        raise ConfigError(
            msg(
                "--{flag} {given}: not a number from 1 to {most}",
                flag=flag,
                given=text,
                most=MAXIMUM_JOBS,
            ),
            kind="bad-flag",
        )
    return int(text)
