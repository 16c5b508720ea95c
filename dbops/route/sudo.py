"""To a unix socket of this machine as another user, so that peer authentication meets that user."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from pathlib import Path

from dbops.command import describe_status, run
from dbops.errors import ConfigError, ToolError
from dbops.language import msg
from dbops.route.base import Far, RouteError, Said
from dbops.route.bridge import Bridge, script

_CHECK_SECONDS = 30.0
_DENIED = ("a password is required", "not allowed to", "not in the sudoers", "may not run", "terminal is required")


class SudoRelay:
    """Tried out when it is made: `RouteError` where sudo does not let us, or the relay finds no socket."""

    def __init__(self, user: str, far: Far) -> None:
        self.user = user
        self.label = msg("as {user}", user=user)
        if far.host:
            raise ConfigError(
                msg(
                    "run_as = {user!r} goes to a unix socket, and the URL names the host {host}",
                    user=user,
                    host=far.host,
                ),
                hint=msg(
                    "write the folder or path of the socket, such as {usual}, or leave the host out", usual=far.usual[0]
                ),
                kind="config-value",
            )
        path = far.socket or next((path for path in far.usual if Path(path).is_socket()), far.usual[0])
        self._command = (_python(), "-I", "-S", *_relay(), path)
        argv = ("sudo", "-n", "-u", user, "--", *self._command)
        self._check(argv)
        self._bridge = Bridge(argv, far.socket_name)
        self.near = self._bridge.near

    def alive(self) -> bool:
        return True

    def said(self) -> Said:
        text = self._bridge.said()
        return Said(f"sudo -u {self.user}: {text}", self._hint(text)) if text else Said()

    def close(self) -> None:
        self._bridge.close()

    def _check(self, argv: tuple[str, ...]) -> None:
        """One connection, closed at once."""
        try:
            done = run(argv, timeout=_CHECK_SECONDS, env={**os.environ, "LC_ALL": "C"})
        except ToolError as error:
            hint = msg("install sudo, or run dbops as that user") if error.kind == "tool-missing" else error.hint
            raise RouteError(
                msg("sudo -n -u {user}: {message}", user=self.user, message=error.message), hint=hint, kind="run-as"
            ) from None
        if done.status:
            said = " ".join(done.stderr.split()) or describe_status(done.status)
            raise RouteError(
                msg("sudo -n -u {user}: {said}", user=self.user, said=said), hint=self._hint(said), kind="run-as"
            )

    def _hint(self, said: str) -> str:
        if any(word in said for word in _DENIED) and "-c" in self._command:
            return msg(
                "install dbops where {user} can read it, such as /opt: then a line for sudo can name it", user=self.user
            )
        if any(word in said for word in _DENIED):
            return msg("sudo must let this user without a password; for visudo: {sudoers}", sudoers=self.sudoers())
        if "unknown user" in said:
            return msg("run_as names a user of this machine")
        if "can't open file" in said or "unable to execute" in said or "command not found" in said:
            return msg(
                "{user} must be able to run {command} and to read dbops: install it below /opt",
                user=self.user,
                command=self._command[0],
            )
        if self._command[-1] in said:
            return msg("is the server running on this machine? name its socket in the URL")
        return ""

    def sudoers(self) -> str:
        """The line that lets exactly this be run."""
        special = str.maketrans({character: f"\\{character}" for character in ",:=\\ "})
        words = " ".join(word.translate(special) for word in self._command)
        return msg("{getuser} ALL=({user}) NOPASSWD: {words}", getuser=getpass.getuser(), user=self.user, words=words)


def _python() -> str:
    """An interpreter that another account can run: our own may lie in somebody's home. The relay needs no package."""
    own = Path(os.path.realpath(sys.executable))  # resolve() would stop at a folder that is closed even to us
    return str(own) if _for_all(own) else "/usr/bin/python3"


def _relay() -> tuple[str, ...]:
    """The relay by its path, so that a rule of sudo can name it; its text where only we could read that path."""
    path = script("relay.py")
    return (str(path),) if _for_all(path) else ("-c", path.read_text(encoding="utf-8"))


def _for_all(path: Path) -> bool:
    """Whether any account gets there."""
    file = stat.S_IROTH if path.suffix == ".py" else stat.S_IXOTH
    try:
        return bool(path.stat().st_mode & file) and all(one.stat().st_mode & stat.S_IXOTH for one in path.parents)
    except OSError:
        return False
