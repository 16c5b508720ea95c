"""Where a target's password comes from, and which files that hold one are open to others."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dbops import command
from dbops.config import Config, Target
from dbops.config.urls import split_password
from dbops.errors import ConfigError
from dbops.model import Finding, Severity

COMMAND_SECONDS = 30.0
SECRET_LENGTH = 8
"""Of a part of an address: shorter ones, such as `/fail`, are words of the language."""
_KNOWN: set[str] = set()


def password(target: Target, environment: Mapping[str, str] = os.environ) -> str | None:
    """The password by file, environment, command, URL, in this order; None leaves it to the client's own files."""
    found = _find(target, environment)
    if found:
        remember(found)
    return found


def remember(secret: str) -> None:
    """From now on `masked` hides this text."""
    _KNOWN.add(secret)


def remember_link(url: str) -> None:
    """Hides an address whose path, query or user is a key, also where a library tells only such a part of it."""
    parts = urlsplit(url)
    for part in (url, parts.path, f"{parts.path}?{parts.query}", parts.query, parts.netloc.rpartition("@")[0]):
        if len(part.strip("/?")) >= SECRET_LENGTH:
            remember(part)


def known() -> tuple[str, ...]:
    """The secrets that this process has read: what is masked in everything it logs, or prints about an error."""
    return tuple(_KNOWN)


def masked(text: str) -> str:
    """Text without the secrets that this process has read, and without what looks like one."""
    return command.redact(text, known())


def _find(target: Target, environment: Mapping[str, str]) -> str | None:
    where = f"targets.{target.name}"
    if target.password_file is not None:
        try:
            return target.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigError(f"{where}.password_file: {target.password_file}: {reason}", kind="password") from None
    if target.password_env is not None:
        if target.password_env not in environment:
            raise ConfigError(f"{where}.password_env: {target.password_env} is not set", kind="password")
        return environment[target.password_env]
    if target.password_command is not None:
        return _by_command(target.password_command, where)
    return split_password(target.url)[1]


def _by_command(argv: tuple[str, ...], where: str) -> str:
    """The first line that the command prints. What it prints never reaches a message."""
    name = Path(argv[0]).name
    result = command.run(argv, timeout=COMMAND_SECONDS)
    if result.status != 0:
        status = command.describe_status(result.status)
        raise ConfigError(f"{where}.password_command: {name} {status}", hint=result.stderr, kind="password")
    line = result.stdout.partition("\n")[0].rstrip("\r")
    if not line:
        raise ConfigError(f"{where}.password_command: {name} printed nothing", kind="password")
    return line


def exposed_files(config: Config, target: Target | None) -> list[Finding]:
    """A warning for each file that holds a password and that others may read."""
    findings = []
    if target is not None and target.password_file is not None:
        findings += _exposed(target.password_file, "password file")
    if config.file is not None and config.file_holds_password:
        findings += _exposed(config.file, "configuration with a password")
    return findings


def _exposed(path: Path, what: str) -> list[Finding]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return []
    if not mode & 0o077:
        return []
    return [
        Finding(
            id="secret-file-mode",
            severity=Severity.WARNING,
            subject=str(path),
            expected=f"{what}: 0600, for its owner alone",
            actual=f"0{mode:o}",
            hint=f"chmod 600 {path}",
        )
    ]
