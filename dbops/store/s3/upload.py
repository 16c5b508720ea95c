"""One object on its way into a bucket: parts go up in parallel while more bytes come in, in bounded memory."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from dbops.errors import StoreError
from dbops.language import msg
from dbops.store.hashing import Hashed
from dbops.store.s3.errors import translated
from dbops.store.s3.parts import FilePart, Part, Room, base64_text, part_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class UploadOptions(NamedTuple):
    """`part_bytes`: size of the first parts. `concurrency`: parts of one object that are on the wire at once.

    `create`: SSE, storage class.
    """

    part_bytes: int
    concurrency: int
    checksums: bool
    create: dict[str, Any]


class Sent(NamedTuple):
    """A part that the service took."""

    part: dict[str, Any]
    digest: bytes


class Upload(Hashed):
    """Receives one object's bytes. End it with `publish()` or `abandon()`."""

    def __init__(self, client: S3Client, bucket: str, name: str, options: UploadOptions, room: Room) -> None:
        super().__init__()
        self._client = client
        self._where: dict[str, Any] = {"Bucket": bucket, "Key": name}
        self._url = f"s3://{bucket}/{name}"
        self._options = options
        self._room = room
        self._upload_id = ""
        self._pool = ThreadPoolExecutor(options.concurrency, thread_name_prefix="s3-upload")
        self._jobs: deque[tuple[Part, Future[Sent]]] = deque()
        self._sent: list[Sent] = []
        self._number = 0
        self._part = self._next_part()

    def write(self, data: bytes) -> None:
        """Takes the next bytes; waits while as many parts as memory allows are on their way. Raises `StoreError`."""
        rest = memoryview(data)
        while rest:
            if self._part.filled == self._part.size:
                self._send_part()
                self._part = self._next_part()
            room = self._part.size - self._part.filled
            self._part.add(rest[:room])
            rest = rest[room:]
        self.passed(data)

    def publish(self) -> None:
        """Makes the object visible, and asks the service whether it has all of it."""
        with translated(self._url, "writing"):
            etag = self._complete() if self._upload_id else self._put()
            self._pool.shutdown()
            self._check(etag)

    def abandon(self) -> str:
        """Ends the upload and gives its parts back. Never raises an error: returns what it could not do, or ''."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        try:
            # A part that arrives after the abort would stay, and be paid for: so the ones on the wire end first.
            for part, _ in self._jobs:
                part.stop()
            self._pool.shutdown(wait=True)
            for part in (*(part for part, _ in self._jobs), self._part):
                part.close()
        finally:
            problem = self._abort() if self._upload_id else ""
        return problem

    def _abort(self) -> str:
        try:
            with translated(self._url, "aborting"):
                self._client.abort_multipart_upload(**self._where, UploadId=self._upload_id)
        except StoreError as error:
            return "" if "NoSuchUpload" in error.message else error.message
        return ""

    # -- sending -----------------------------------------------------------------------------------------------------

    def _send_part(self) -> None:
        with translated(self._url, "writing"):
            if not self._upload_id:
                request = self._where | self._options.create
                if self._options.checksums:
                    request["ChecksumAlgorithm"] = "SHA256"
                created = self._client.create_multipart_upload(**request)
                self._upload_id = created["UploadId"]
        self._jobs.append((self._part, self._pool.submit(self._upload_part, self._number, self._part)))

    def _next_part(self) -> Part:
        """An empty part, once there is room for it beside our own that wait: nobody waits for another upload's."""
        self._number += 1
        size = part_bytes(self._number, self._options.part_bytes)
        while size <= self._room.total:
            # What others hold may leave no room even for one: it is small while parts are small.
            part = self._room.part(size, anyhow=not self._jobs and size == self._options.part_bytes)
            if part is not None:
                return part
            if not self._jobs:
                break
            self._collect()
        # Large parts lie on disk; one is filled while one is sent.
        while sum(part.size for part, _ in self._jobs) > size:
            self._collect()
        return FilePart(size)

    def _collect(self) -> None:
        """Waits for the oldest part; raises the error that stopped it."""
        with translated(self._url, "writing"):
            self._sent.append(self._jobs[0][1].result())
        self._jobs.popleft()

    def _upload_part(self, number: int, part: Part) -> Sent:
        digest = part.digest()
        request = self._where | {"UploadId": self._upload_id, "PartNumber": number, "Body": part.body()}
        try:
            answer = self._client.upload_part(**request, **self._checksum(digest))
        finally:
            part.close()
        return Sent({"PartNumber": number, "ETag": answer["ETag"], **self._checksum(digest)}, digest)

    def _checksum(self, digest: bytes) -> dict[str, Any]:
        """SHA-256 of the bytes sent, as a header: no trailer, so nothing of it can end up inside the object."""
        return {"ChecksumSHA256": base64_text(digest)} if self._options.checksums else {}

    # -- the end -----------------------------------------------------------------------------------------------------

    def _put(self) -> str:
        request = self._where | self._options.create | {"Body": self._part.body()}
        answer = self._client.put_object(**request, **self._checksum(self._digest.digest()))
        self._part.close()
        return answer["ETag"]

    def _complete(self) -> str:
        self._send_part()
        while self._jobs:
            self._collect()
        parts = {"Parts": [sent.part for sent in self._sent]}
        request = self._where | {"UploadId": self._upload_id, "MultipartUpload": parts}
        try:
            answer = self._client.complete_multipart_upload(**request)
        except self._client.exceptions.NoSuchUpload:
            # The first answer was lost and a retry finds the upload gone: done, if the object is the one sent.
            head = self._head()
            if head["ContentLength"] != self._bytes or not self._is_ours(head):
                raise
            return str(head["ETag"])
        return answer["ETag"]

    def _head(self) -> dict[str, Any]:
        mode: dict[str, Any] = {"ChecksumMode": "ENABLED"} if self._options.checksums else {}
        return {**self._client.head_object(**self._where, **mode)}

    def _is_ours(self, head: dict[str, Any]) -> bool:
        """Is this the object that our parts make? By the checksum of their checksums, else by their number."""
        count = f"-{len(self._sent)}"
        whole = hashlib.sha256(b"".join(sent.digest for sent in self._sent)).digest()
        if "ChecksumSHA256" in head:
            return bool(head["ChecksumSHA256"] == base64_text(whole) + count)
        return str(head["ETag"]).strip('"').endswith(count)

    def _check(self, etag: str) -> None:
        """Raises `StoreError` (kind 'read-back') if the service holds another size than what was sent.

        The service's checksum is no help here: compatible services compute that of an object in ways of their own.
        """
        head = self._head()
        if head["ContentLength"] == self._bytes:
            return
        if head["ETag"] == etag:
            # Ours, and wrong. (Otherwise it is another writer's: not ours to delete.)
            with suppress(StoreError), translated(self._url, "deleting"):
                self._client.delete_object(**self._where)
        raise StoreError(
            msg(
                "writing {url}: {bytes:,} bytes were sent, the service holds {head:,}",
                url=self._url,
                bytes=self._bytes,
                head=head["ContentLength"],
            ),
            hint=msg('it may store checksum trailers inside objects: try checksums = "when_required" in [store]'),
            kind="read-back",
        )
