"""Where a target's secrets come from, and which files that hold one are open to others."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dbops import command
from dbops.config import Config, EncryptionConfig, SigningConfig, Target
from dbops.config.urls import split_password
from dbops.errors import ConfigError, ToolError
from dbops.language import msg
from dbops.model import Finding, Severity

COMMAND_SECONDS = 30.0
SECRET_LENGTH = 8
"""Of a part of an address, or a line of a key file: shorter ones, such as `/fail`, are words of the language."""
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
    found = read_secret(target, "password", f"targets.{target.name}", environment)
    return split_password(target.url)[1] if found is None else found


def read_secret(
    table: Target | EncryptionConfig | SigningConfig,
    name: str,
    where: str,
    environment: Mapping[str, str],
    *,
    whole: bool = False,
) -> str | None:
    """What the keys `<name>_file`, `<name>_env` and `<name>_command` lead to, in this order; None without any of them.

    Of a file all but its line end, of a command's output the first line, or with `whole` all of it. Nothing that was
    read reaches a message. `where` is the key of the table.
    """
    place = f"{where}.{name}"
    file, variable, argv = (getattr(table, f"{name}_{way}") for way in ("file", "env", "command"))
    if file is not None:
        return read_file(file, f"{place}_file", whole=whole, kind=name)
    if variable is not None:
        if variable not in environment:
            raise ConfigError(msg("{place}_env: {variable} is not set", place=place, variable=variable), kind=name)
        found: str = environment[variable]
        return found
    return None if argv is None else _by_command(argv, place, name, whole=whole)


def read_file(file: Path, where: str, *, whole: bool, kind: str) -> str:
    """A secret's file. With `whole` also bytes that are no text come, as surrogates. `ConfigError` if it cannot be
    read."""
    try:
        text = file.read_bytes().decode(errors="surrogateescape" if whole else "strict")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or msg("not UTF-8 text")
        raise ConfigError(msg("{where}: {file}: {reason}", where=where, file=file, reason=reason), kind=kind) from None
    return text if whole else text.rstrip("\r\n")


def remember_key(text: str) -> None:
    """From now on `masked` hides every line of a key file."""
    for line in text.splitlines():
        if len(line) >= SECRET_LENGTH:
            remember(line)


def _by_command(argv: tuple[str, ...], where: str, kind: str, *, whole: bool) -> str:
    name = Path(argv[0]).name
    try:
        result = command.run(argv, timeout=COMMAND_SECONDS)
    except ToolError as error:  # not there, or it hangs: the program's name alone says nothing of what it was for
        raise ConfigError(
            msg("{where}_command: {message}", where=where, message=error.message), hint=error.hint, kind=kind
        ) from None
    if result.status != 0:
        status = command.describe_status(result.status)
        raise ConfigError(
            msg("{where}_command: {name} {status}", where=where, name=name, status=status),
            hint=result.stderr,
            kind=kind,
        )
    found = result.stdout if whole else result.stdout.partition("\n")[0].rstrip("\r")
    if not found.strip():
        raise ConfigError(msg("{where}_command: {name} printed nothing", where=where, name=name), kind=kind)
    return found


def exposed_files(config: Config, target: Target | None) -> list[Finding]:
    """A warning for each file that holds a password and that others may read."""
    findings = []
    if target is not None and target.password_file is not None:
        findings += _exposed(target.password_file, msg("password file"))
    for path, what in _key_files(target):
        findings += _exposed(path, what)
    if config.file is not None and config.file_holds_password:
        findings += _exposed(config.file, msg("configuration with a password"))
    return findings


def _key_files(target: Target | None) -> Iterator[tuple[Path, str]]:
    """Files of the target with a private key or a passphrase."""
    encryption, signing = (target.encryption, target.signing) if target is not None else (None, None)
    files = (
        (encryption.identity_file if encryption else None, "key file"),
        (encryption.passphrase_file if encryption else None, "passphrase file"),
        (signing.key_file if signing else None, "signing key"),
    )
    return ((path, what) for path, what in files if path is not None)


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
            expected=msg("{what}: 0600, for its owner alone", what=what),
            actual=msg("0{mode:o}", mode=mode),
            hint=msg("chmod 600 {path}", path=path),
        )
    ]
