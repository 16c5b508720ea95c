"""Becomes another program, as another account if told so, that does not outlive its parent.

Run as `python -I -S launch.py PARENT UID GID NETWORK SIGNAL PROGRAM ARGUMENT…`; UID and GID `-`: stay who we are;
NETWORK `none`: in a network of its own, which has nothing but itself (status 1 if that is not allowed here); SIGNAL:
the number of the one that it gets when its parent ends. It is a program of its own since only root may change accounts,
and only in the child.
"""

import ctypes
import os
import socket
import struct
import sys

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def main() -> None:
    parent, uid, gid, network, end, *argv = sys.argv[1:]
    if network == "none":
        _leave_the_network()
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    os.umask(0o077)
    if sys.platform == "linux":
        # After the change of accounts, which resets it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(end))
    if os.getppid() != int(parent):
        sys.exit("the parent has gone")
    os.execv(argv[0], argv)  # noqa: S606


def _leave_the_network() -> None:
    """Sockets in the file system go on working: that is how the server is reached."""
    if sys.platform != "linux":
        sys.exit("only Linux can do that")
    uid, gid, root = os.geteuid(), os.getegid(), os.geteuid() == 0
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET if root else _CLONE_NEWNET | _CLONE_NEWUSER) != 0:
        sys.exit(f"a network of its own: {os.strerror(ctypes.get_errno())}")
    if not root:  # the account keeps its number in the user namespace that it needs for this
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - little is imported here
                file.write(text)
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:  # servers before 15 talk to themselves
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


if __name__ == "__main__":
    main()
