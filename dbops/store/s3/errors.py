"""What an S3 service or the way to it says, as errors that name the object, the service's code and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbops.command import redact
from dbops.errors import StoreError, StoreFullError
from dbops.language import msg

_FULL = frozenset(
    {
        "InsufficientCapacity",
        "InsufficientStorage",
        "InsufficientStorageSpace",
        "NoSpaceLeft",
        "NotEnoughSpace",
        "QuotaExceeded",
        "QuotaExceededException",
        "StorageFull",
        "XMinioAdminBucketQuotaExceeded",
        "XMinioStorageFull",
    }
)
_FULL_HINT = msg("remove old backups (`prune`) and unfinished uploads there, raise the quota, or use another bucket")
_KINDS = {
    "NoSuchKey": "not-found",
    "NotFound": "not-found",
    "404": "not-found",
    "NoSuchBucket": "no-bucket",
    "PreconditionFailed": "changed",
    "412": "changed",
    "FlexibleChecksumError": "checksum",
    "AccessDenied": "refused",
    "AllAccessDisabled": "refused",
    "Forbidden": "refused",
    "403": "refused",
}
_MISSING = msg("list the store, or check its url: bucket and prefix")
_PERMISSIONS = msg(
    "these credentials need s3:PutObject, s3:GetObject, s3:DeleteObject, "
    "s3:AbortMultipartUpload, s3:ListBucket and s3:ListBucketMultipartUploads on this bucket and "
    "prefix (and kms:GenerateDataKey, kms:Decrypt with a KMS key)"
)
_CREDENTIALS = msg("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the profile, and that they belong to this endpoint")
_REGION = msg("set the store's region to the one that the bucket is in")
_CHECKSUM = msg(
    'the bytes changed on their way, or the service dislikes checksums: try checksums = "when_required" in [store]'
)
_HINTS = {
    "NoSuchKey": _MISSING,
    "NotFound": _MISSING,
    "404": _MISSING,
    "PreconditionFailed": msg("it was replaced while it was read: read it again"),
    "412": msg("it was replaced while it was read: read it again"),
    "FlexibleChecksumError": msg("its bytes are not those that the service took: compare with the manifest (`verify`)"),
    "NoSuchBucket": msg("create the bucket, or correct the store's url and endpoint_url"),
    "AccessDenied": _PERMISSIONS,
    "AllAccessDisabled": _PERMISSIONS,
    "403": _PERMISSIONS,
    "Forbidden": _PERMISSIONS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": msg(
        "the secret key is wrong, or a proxy changes requests; {credentials}", credentials=_CREDENTIALS
    ),
    "ExpiredToken": msg("the temporary credentials are too old: get new ones (`aws sso login`, a new role session)"),
    "InvalidToken": msg("the session token does not fit: get new temporary credentials"),
    "RequestTimeTooSkewed": msg("this machine's clock is wrong: set it (`timedatectl`)"),
    "SlowDown": msg("the service throttles: run fewer backups at the same time, or later"),
    "ServiceUnavailable": msg("the service is overloaded or down: run again later"),
    "InternalError": msg("the service failed: run again later; a self-hosted one: look at its log and disk"),
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "301": _REGION,
    "BadDigest": _CHECKSUM,
    "XAmzContentSHA256Mismatch": _CHECKSUM,
    "XAmzContentChecksumMismatch": _CHECKSUM,
    "InvalidDigest": _CHECKSUM,
    "InvalidRequest": _CHECKSUM,
    "NotImplemented": msg('the service lacks something that was asked: try checksums = "when_required" in [store]'),
    "InvalidObjectState": msg("the object lies in an archive storage class: ask for its restoration first"),
    "InvalidBucketName": msg("correct the bucket's name in the store's url"),
    "InvalidStorageClass": msg("the service does not know this storage_class: correct or remove it in [store]"),
    "EntityTooLarge": msg("the service limits objects to less: back up in the directory format (jobs > 1)"),
    "KMS.DisabledException": msg("enable the KMS key, or set another sse_kms_key_id"),
    "KMS.NotFoundException": msg("correct sse_kms_key_id: there is no such key in the bucket's region"),
    "NoCredentialsError": msg("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role of the machine"),
    "PartialCredentialsError": msg("the access key and the secret key are needed, both"),
    "ProfileNotFound": msg("correct the store's profile, or add it to ~/.aws/config"),
    "CredentialRetrievalError": msg("the command or service that hands out credentials failed: run it by hand"),
    "EndpointConnectionError": msg("is the service up, is endpoint_url right, may this machine reach it?"),
    "ConnectTimeoutError": msg("nothing answers there: check endpoint_url, firewall and proxy"),
    "ReadTimeoutError": msg("the service took a request but did not answer in time: is it overloaded?"),
    "ConnectionClosedError": msg("the connection was cut: check the network and the service's log"),
    "SSLError": msg("the certificate cannot be trusted: set AWS_CA_BUNDLE to the CA that signed it"),
    "ProxyConnectionError": msg("check HTTPS_PROXY and NO_PROXY"),
    "ParamValidationError": msg("a setting of the store is not one that S3 knows"),
    "ResponseParserError": msg("what answers there does not speak S3: check endpoint_url"),
    "NoRegionError": msg("set the store's region"),
}


@contextmanager
def translated(url: str, doing: str) -> Iterator[None]:
    """Turns an error of boto3 inside the block into a `StoreError`, or `StoreFullError`, about `url`.

    `doing` is one word: 'writing', 'reading'. Kinds: the values of `_KINDS`, 'store-full', else 'store'.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise _store_error(
            url, doing, details.get("Code") or str(status), details.get("Message", ""), status
        ) from error
    except (BotoCoreError, HTTPClientError, Boto3Error, ResponseParserError) as error:
        raise _store_error(url, doing, type(error).__name__, str(error)) from error


def _store_error(url: str, doing: str, code: str, message: str, status: int = 0) -> StoreError:
    what = msg(
        "{doing} {url}: {message} ({code})",
        doing=doing,
        url=url,
        message=redact(message).strip().rstrip(".") or msg("refused"),
        code=code,
    )
    if code in _FULL or status == 507:
        return StoreFullError(what, hint=_FULL_HINT)
    return StoreError(what, hint=_HINTS.get(code, ""), kind=_KINDS.get(code, ""))
