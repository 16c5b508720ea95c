"""What is wrong with a script: it was cut, or it holds commands of the client."""

from __future__ import annotations

from dbops.errors import BadBackupError
from dbops.language import msg

TRAILER = b"-- Dump completed"


def truncated(message: str) -> BadBackupError:
    """An error for a dump that was cut."""
    hint = msg("it was cut: look whether the job that made it was killed or ran out of space, and use another dump")
    return BadBackupError(message, hint=hint, kind="archive-truncated")


def no_trailer() -> BadBackupError:
    """An error for a dump that may have been cut between two statements."""
    return truncated(msg("the dump does not end with the line '{trailer}'", trailer=TRAILER.decode()))


def client_command(line: int) -> BadBackupError:
    """An error for a line that only the mysql client would run."""
    return BadBackupError(
        msg("line {line} of the dump is a command of the mysql client, not SQL", line=line),
        hint=msg("a dump needs none: was it edited? look at it before you run it by hand"),
        kind="client-command",
    )
