"""What to do about what ssh says (texts of OpenSSH 7.4 to 10: ssh.c, sshconnect.c, sshconnect2.c, channels.c)."""

from __future__ import annotations

_HINTS = (
    (
        ("IDENTIFICATION HAS CHANGED", "differs from the key for", "has changed and you have requested"),
        "the host's key is not the known one: was the machine made anew, or is somebody in between? Find out; only "
        "then remove the old key (ssh-keygen -R HOST) and log in once by hand: ssh {destination}",
    ),
    (
        ("host key is known for", "Host key verification failed"),
        "log in once by hand, as the user that runs dbops, and compare the fingerprint: ssh {destination}; or put the "
        "host's key into ~/.ssh/known_hosts",
    ),
    (
        ("Permission denied", "Too many authentication failures"),
        "nobody is asked for a password or passphrase here: give the key to an agent, or name one without a passphrase "
        "by IdentityFile in ~/.ssh/config; try it: ssh -o BatchMode=yes {destination} true",
    ),
    (
        ("administratively prohibited", "Port forwarding failed", "port forwarding is disabled"),
        "the ssh server does not forward there: see AllowTcpForwarding, AllowStreamLocalForwarding and PermitOpen in "
        "its sshd_config, and permitopen or restrict in authorized_keys",
    ),
    (
        ("open failed",),
        "the ssh host cannot reach the database server: are host and port in the URL right, as seen from there?",
    ),
    (("Could not resolve hostname",), "check the name in 'ssh', or write Host and HostName into ~/.ssh/config"),
    (
        ("Connection refused", "No route to host", "timed out", "unreachable", "not connected after"),
        "is sshd running there, on that port (Port in ~/.ssh/config)? does a firewall let this machine in?",
    ),
    (
        ("tunnel has ended", "Broken pipe", "Connection reset", "closed by remote", "not responding"),
        "the ssh connection was lost: see the log of sshd on the other side, and run the task again",
    ),
    (("Bad owner or permissions", "UNPROTECTED PRIVATE KEY"), "chmod 600 the file that ssh names"),
    (("could not be started",), "install the OpenSSH client (openssh-client)"),
)


def hint(said: str, destination: str) -> str:
    """What to do next; empty where nothing is known."""
    for words, advice in _HINTS:
        if any(word in said for word in words):
            return advice.format(destination=destination)
    return ""
