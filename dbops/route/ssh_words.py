"""What to do about what ssh says (texts of OpenSSH 7.4 to 10: ssh.c, sshconnect.c, sshconnect2.c, channels.c)."""

from __future__ import annotations

from collections.abc import Callable

from dbops.language import msg

_HINTS: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
    (
        ("IDENTIFICATION HAS CHANGED", "differs from the key for", "has changed and you have requested"),
        lambda host: msg(
            "the host's key is not the known one: was the machine made anew, or is somebody in between? Find out; only "
            "then remove the old key (ssh-keygen -R HOST) and log in once by hand: ssh {host}",
            host=host,
        ),
    ),
    (
        ("host key is known for", "Host key verification failed"),
        lambda host: msg(
            "log in once by hand, as the user that runs dbops, and compare the fingerprint: ssh {host}; or put the "
            "host's key into ~/.ssh/known_hosts",
            host=host,
        ),
    ),
    (
        ("Permission denied", "Too many authentication failures"),
        lambda host: msg(
            "nobody is asked for a password or passphrase here: give the key to an agent, or name one without a "
            "passphrase by IdentityFile in ~/.ssh/config; try it: ssh -o BatchMode=yes {host} true",
            host=host,
        ),
    ),
    (
        ("administratively prohibited", "Port forwarding failed", "port forwarding is disabled"),
        lambda _: msg(
            "the ssh server does not forward there: see AllowTcpForwarding, AllowStreamLocalForwarding and PermitOpen "
            "in its sshd_config, and permitopen or restrict in authorized_keys"
        ),
    ),
    (
        ("open failed",),
        lambda _: msg(
            "the ssh host cannot reach the database server: are host and port in the URL right, as seen from there?"
        ),
    ),
    (
        ("Could not resolve hostname",),
        lambda _: msg("check the name in 'ssh', or write Host and HostName into ~/.ssh/config"),
    ),
    (
        ("tunnel has ended", "Broken pipe", "Connection reset", "closed by remote", "not responding"),
        lambda _: msg("the ssh connection was lost: see the log of sshd on the other side, and run the task again"),
    ),
    (
        ("Connection refused", "No route to host", "timed out", "unreachable", "not connected after"),
        lambda _: msg(
            "is sshd running there, on that port (Port in ~/.ssh/config)? does a firewall let this machine in?"
        ),
    ),
    (
        ("Bad owner or permissions", "UNPROTECTED PRIVATE KEY"),
        lambda _: msg("chmod 600 the file that ssh names"),
    ),
    (("could not be started",), lambda _: msg("install the OpenSSH client (openssh-client)")),
)


def hint(said: str, destination: str) -> str:
    """What to do next; empty where nothing is known."""
    for words, advice in _HINTS:
        if any(word in said for word in words):
            return advice(destination)
    return ""
