"""How a session is encrypted, and whom it trusts: by the modes that the products' own programs have.

The driver's parameters do not say all of it (seen in 1.2.4): REQUIRED without a CA would go on in plain text where the
server has no TLS, VERIFY_IDENTITY without one would not look at the name, and each session would read the system's
certificates anew, whether it looks at them or not.
"""

from __future__ import annotations

import functools
import ssl

MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_VERIFYING = ("VERIFY_CA", "VERIFY_IDENTITY")


@functools.lru_cache(maxsize=16)
def context(mode: str, ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """For all sessions of one mode. Raises `OSError` (`ssl.SSLError` is one) for a file that cannot be read or used."""
    if mode in _VERIFYING:
        made = ssl.create_default_context(cafile=ca or None)
        made.check_hostname = mode == "VERIFY_IDENTITY"
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the certificates that MySQL makes for itself do not pass it
    else:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if certificate:
        made.load_cert_chain(certificate, keyfile=key or None)
    return made
