"""Becomes another program, as another account if told so, that does not outlive its parent.

Run as `python -I -S launch.py PARENT UID GID PROGRAM ARGUMENT…`; UID and GID `-`: stay who we are. It is a program of
its own since only root may change accounts, and only in the child.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, uid, gid, *argv = sys.argv[1:]
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    os.umask(0o077)
    if sys.platform == "linux":
        # After the change of accounts, which resets it. PostgreSQL ends at once on SIGQUIT, and cleans up.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGQUIT))
    if os.getppid() != int(parent):
        sys.exit("the parent has gone")
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main()
