"""boto3, set up: bounded retries, timeouts, checksums. The one place that imports it to make a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dbops.errors import ConfigError
from dbops.language import msg

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS = 10
READ_SECONDS = 60


class ClientOptions(NamedTuple):
    """How to reach the service."""

    endpoint_url: str | None
    region: str | None
    profile: str | None
    addressing_style: str
    checksums: str
    connections: int
    max_attempts: int


def make_client(options: ClientOptions) -> S3Client:
    """A client; safe to share among threads. Raises boto3's errors, and `ConfigError` for an impossible endpoint."""
    import boto3
    from botocore.config import Config

    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": options.max_attempts},
        "max_pool_connections": options.connections,
        "tcp_keepalive": True,
        "request_checksum_calculation": options.checksums,
        # A whole-object checksum is asked for where it is wanted: some services send it with a part of an object, too.
        "response_checksum_validation": "when_required",
        "s3": {"addressing_style": options.addressing_style} | _signing(options.checksums),
    }
    session = boto3.session.Session(profile_name=options.profile, region_name=options.region)
    try:
        return session.client("s3", endpoint_url=options.endpoint_url, config=Config(**settings))
    except ValueError as error:
        raise ConfigError(
            msg(
                "the store's endpoint_url {endpoint_url!r} is not usable: {error}",
                endpoint_url=options.endpoint_url,
                error=error,
            ),
            hint=msg("write https://host or http://host:port, without bucket or credentials"),
            kind="bad-store",
        ) from error


def _signing(checksums: str) -> dict[str, bool]:
    """Where each body goes with its SHA-256 in a signed header, botocore need not hash it once more for the signature.

    It does so even with TLS unless told not to (botocore 1.44: it looks for a checksum that it has added itself).
    """
    return {"payload_signing_enabled": False} if checksums == "when_supported" else {}
