"""One object on its way out of a bucket, across dropped connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dbops.errors import StoreError
from dbops.language import msg
from dbops.store.base import CHUNK
from dbops.store.s3.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RESUMES = 5
"""How often a read may break off before it has come `_PROGRESS` bytes further."""
_PROGRESS = 64 << 20


def download(client: S3Client, bucket: str, name: str, *, verify: bool) -> Iterator[bytes]:
    """The object's bytes in chunks of at most `CHUNK`, all of them or a `StoreError`.

    Kinds: 'not-found'; 'changed' when it was replaced while it was read; 'cut' when it keeps ending early;
    'checksum' when `verify` finds that it is not what the service's checksum of the whole object says.
    What has been resumed is not compared.
    """
    from botocore.exceptions import ConnectionError, HTTPClientError, IncompleteReadError
    from urllib3.exceptions import HTTPError

    url = f"s3://{bucket}/{name}"
    offset, breaks, broke_at = 0, 0, 0
    total: int | None = None
    how: dict[str, Any] = {"ChecksumMode": "ENABLED"} if verify else {}
    while True:
        with translated(url, "reading"):
            answer = client.get_object(Bucket=bucket, Key=name, **how)
        if offset == 0:
            total = answer.get("ContentLength")
        elif not answer.get("ContentRange", "").startswith(f"bytes {offset}-"):
            raise StoreError(
                msg(
                    "reading {url}: cut at byte {offset:,}, and the service cannot resume there", url=url, offset=offset
                ),
                kind="cut",
            )
        reason = msg("the connection ended early")
        body = answer["Body"]
        try:
            with translated(url, "reading"):
                while data := body.read(CHUNK):
                    offset += len(data)
                    yield data
        except StoreError as error:
            # Only a broken connection is worth another try: not, say, a wrong checksum.
            if not isinstance(error.__cause__, (ConnectionError, HTTPClientError, IncompleteReadError)):
                raise
            reason = str(error.__cause__)
        except HTTPError as error:  # what botocore lets through, such as a broken TLS record
            reason = str(error)
        else:
            if total is None or offset == total:
                return
        finally:
            body.close()
        breaks = 1 if offset - broke_at >= _PROGRESS else breaks + 1
        broke_at = offset
        if breaks > RESUMES:
            raise StoreError(
                msg(
                    "reading {url}: cut at byte {offset:,} of {total}, after {resumes} resumptions: {reason}",
                    url=url,
                    offset=offset,
                    total=total,
                    resumes=RESUMES,
                    reason=reason,
                ),
                hint=msg("check the network and the service's log"),
                kind="cut",
            )
        if offset:
            how = {"Range": f"bytes={offset}-", "IfMatch": answer["ETag"]}
