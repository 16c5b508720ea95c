"""One POST to an address that nobody may see."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
import urllib.request

from dbops import __version__
from dbops.config.urls import Secret
from dbops.language import msg
from dbops.notify.base import ChannelError

READ_BYTES = 1024


def post(url: Secret, body: bytes, content_type: str, timeout: float) -> None:
    """Raises `ChannelError` unless the server takes it (status 2xx). `timeout`, in seconds, is for each wait for the
    network; the whole has its limit in `deliver`. Proxies are those of the environment."""
    headers = {"Content-Type": content_type, "User-Agent": f"dbops/{__version__}"}
    request = urllib.request.Request(url.reveal(), data=body, headers=headers, method="POST")  # noqa: S310 - http(s) only
    opener = urllib.request.build_opener(_StayHere)
    try:
        with opener.open(request, timeout=timeout) as response:
            response.read(READ_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            raise ChannelError(_refusal(error.code), hint=_HINTS.get(error.code, "")) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ChannelError(_reason(error), hint=msg("is the address right, and may this machine reach it?")) from None


_HINTS = {
    401: msg("the address needs a key that this one does not have"),
    403: msg("the address needs a key that this one does not have"),
    404: msg("the address is wrong, or was withdrawn"),
    410: msg("the address was withdrawn"),
    429: msg("too many messages: the service limits them"),
}


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return msg("it answered with status {status}: write the address that it leads to", status=status)
    return msg("it answered with status {status}", status=status)


def _reason(error: Exception) -> str:
    """Why, in words of our own: those of the libraries name the address."""
    cause = getattr(error, "reason", None)
    cause = cause if isinstance(cause, Exception) else error
    if isinstance(cause, TimeoutError):
        return msg("it did not answer in time")
    if isinstance(cause, socket.gaierror):
        return msg("its host's name is not known")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return msg("its certificate is not trusted")
    if isinstance(cause, http.client.HTTPException):
        return msg("what answers there is no web server")
    if isinstance(cause, OSError) and cause.strerror:
        return msg("it could not be reached: {reason}", reason=cause.strerror)
    return msg("it could not be reached: {name}", name=type(cause).__name__)


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Redirections are refused: following one turns the POST into a GET, and the message is lost without a word."""

    def redirect_request(self, *_: object) -> None:
        return None
