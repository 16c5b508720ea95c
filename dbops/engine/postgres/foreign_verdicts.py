"""What came of loading a foreign dump, as findings and errors: whose fault it is, and what was left out."""

from __future__ import annotations

from dbops.engine.dumps import Dump, DumpFacts
from dbops.engine.postgres import source_rows
from dbops.engine.postgres.foreign_facts import unreadable
from dbops.engine.postgres.foreign_words import environment_kind, masked
from dbops.errors import BadBackupError, PreflightError, ToolError
from dbops.language import msg
from dbops.model import Finding, Severity, major_version

_SAME_MAJOR = msg("drill it on a server of the source's own major version (--sandbox container, or install it)")
_CORRUPT = (
    "could not uncompress",
    "could not decompress",
    "invalid compressed",
    "corrupt",
    "incorrect header",
    "did not find magic",
)


def left_out(what: dict[str, set[str]]) -> list[Finding]:
    """What of a script was not run, each kind with its reason."""
    found = [
        Finding(
            id="missing-tablespace",
            severity=Severity.WARNING,
            subject=name,
            expected=msg("exists on the server"),
            actual=msg("a throw-away server has no such folder: everything went into the default tablespace"),
            hint=msg("create the folder and the tablespace before a real restore"),
        )
        for name in sorted(what["tablespace"])
    ]
    reasons = {
        "role": "the throw-away server's own superuser has this name, and was left as it is",
        "drop": "`--clean`: an empty server has nothing to drop",
        "timeout": "set by pg_dump 17 and later, new in server 17",
    }
    found += [
        Finding(id="left-out", severity=Severity.INFO, subject=", ".join(sorted(what[kind])[:5]), actual=reason)
        for kind, reason in reasons.items()
        if what[kind]
    ]
    return found


def same_major(facts: DumpFacts, major: int) -> bool:
    """Whether the dump is of this major version, or does not say of which."""
    return not facts.server_version or major_version(facts.server_version) == major


def not_empty(name: str) -> PreflightError:
    """The refusal of a server that has this database."""
    return PreflightError(
        msg("the server has a database '{name}' already", name=name),
        hint=msg("a drill needs an empty server: use a sandbox of dbops' own"),
        kind="server-not-empty",
    )


def load_error(error: ToolError, dump: Dump, *, same_major: bool) -> BadBackupError | PreflightError | ToolError:
    """pg_restore's failure as an error about the dump, the server or the connection."""
    text, hint = masked(error.message), masked(error.hint)
    if error.kind == "server-full":
        return PreflightError(text, hint=hint, kind="sandbox-full")
    if error.kind not in ("load-failed", source_rows.KIND):
        return ToolError(text, hint=hint, kind=error.kind)
    words = f"{error.message}\n{error.hint}"
    unread = unreadable(dump.path.name, error.message)
    if unread.kind == "archive-truncated" or any(part in words for part in _CORRUPT):
        return unread
    kind = environment_kind(words)
    if kind or not (same_major or error.kind == source_rows.KIND):
        return PreflightError(text, hint=hint or _SAME_MAJOR, kind=kind or "load-on-other-version")
    return BadBackupError(msg("{path}: {text}", path=dump.path.name, text=text), hint=hint, kind="restore-failed")
