"""A bucket as a store. boto3 is imported when the first request is made, not with this module."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbops.errors import ConfigError, DbopsError, StoreError
from dbops.folder import temporary_folder
from dbops.language import msg
from dbops.store.base import CHUNK, Entry, Protection, Stored, Unfinished, check_key
from dbops.store.s3.client import ClientOptions, make_client
from dbops.store.s3.download import download
from dbops.store.s3.errors import translated
from dbops.store.s3.parts import MIN_PART_BYTES, Room
from dbops.store.s3.upload import Upload, UploadOptions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Store:
    """Backups in an S3 bucket, below a prefix.

    `endpoint_url`: for a service other than AWS. `region`, `profile`: as in ~/.aws/config; credentials come from where
    boto3 looks for them, never from the store's settings. `sse`: AES256, aws:kms or aws:kms:dsse.
    `addressing_style`: auto, path or virtual. `checksums`: 'when_supported' sends the SHA-256 of every part for the
    service to check; 'when_required' leaves that out, for services that refuse it. `part_bytes`: size of the first
    parts; `concurrency`: parts of one object that are sent at once. The parts of all that is written at once take at
    most `part_bytes * concurrency` of memory, or one part each where more objects than that are written.
    `verify_reads`: also compare what is read with the service's own checksum, where it keeps one of the whole object.
    `max_attempts`: tries per request.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        sse: str | None = None,
        sse_kms_key_id: str | None = None,
        storage_class: str | None = None,
        addressing_style: str | None = None,
        checksums: str | None = None,
        part_bytes: int = 6 << 20,
        concurrency: int = 4,
        verify_reads: bool = False,
        max_attempts: int = 5,
    ) -> None:
        if part_bytes < MIN_PART_BYTES or concurrency < 1:
            raise ConfigError(
                msg(
                    "S3 parts have at least {min_part_bytes} bytes, and one at least is sent at once",
                    min_part_bytes=MIN_PART_BYTES,
                )
            )
        self.bucket = bucket
        self.prefix = f"{check_key(prefix.strip('/'))}/" if prefix.strip("/") else ""
        checksums = checksums or "when_supported"
        style = addressing_style or "auto"
        self._client_options = ClientOptions(
            endpoint_url, region, profile, style, checksums, concurrency + 2, max_attempts
        )
        settings = {"ServerSideEncryption": sse, "SSEKMSKeyId": sse_kms_key_id, "StorageClass": storage_class}
        create: dict[str, Any] = {name: value for name, value in settings.items() if value}
        self._upload_options = UploadOptions(part_bytes, concurrency, checksums == "when_supported", create)
        self._room = Room(part_bytes * concurrency)
        self._verify_reads = verify_reads
        self._lock = threading.Lock()
        self._made: S3Client | None = None

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @contextmanager
    def writer(self, key: str) -> Iterator[Upload]:
        """See `Store.writer`. Multipart once there is more than one part; aborted when the block fails."""
        upload = Upload(self._client("writing"), self.bucket, self._name(key), self._upload_options, self._room)
        try:
            yield upload
            upload.publish()
        except BaseException as error:
            problem = upload.abandon()
            if problem and isinstance(error, DbopsError):
                error.hint = f"{error.hint}\nand its unfinished upload stays ({problem}): `prune` removes it".lstrip()
            raise

    def put(self, key: str, data: bytes) -> Stored:
        with self.writer(key) as writer:
            writer.write(data)
        return Stored(key, writer.bytes, writer.sha256)

    def adopt(self, path: Path, key: str) -> Stored:
        """See `Store.adopt`. An upload; the file goes when the service has all of it."""
        try:
            with path.open("rb", buffering=0) as file, self.writer(key) as writer:
                while data := file.read(CHUNK):
                    writer.write(data)
            path.unlink()
        except OSError as error:
            raise StoreError(
                msg("reading {path} for its upload: {reason}", path=path, reason=error.strerror or error)
            ) from error
        return Stored(key, writer.bytes, writer.sha256)

    def read(self, key: str) -> Iterator[bytes]:
        """See `Store.read`. A dropped connection is resumed where it broke, if the object is still the same."""
        yield from download(self._client("reading"), self.bucket, self._name(key), verify=self._verify_reads)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """See `Store.list`. Folder markers, which some programs create (keys that end in '/'), are left out."""
        pages = self._client("listing").get_paginator("list_objects_v2")
        with translated(f"{self.url}/{prefix}", "listing"):
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                for item in page.get("Contents", ()):
                    key = self._key(item["Key"])
                    if key.startswith(prefix) and key and not key.endswith("/"):
                        yield Entry(key, item["Size"], item["LastModified"].astimezone(UTC))

    def delete(self, key: str) -> None:
        with translated(f"{self.url}/{key}", "deleting"):
            self._client("deleting").delete_object(Bucket=self.bucket, Key=self._name(key))

    def protection(self, key: str) -> Protection:
        """See `Store.protection`. S3 itself takes a plain deletion of a locked object, and hides it behind a marker.

        Without s3:GetObjectRetention and s3:GetObjectLegalHold nothing of a lock is seen.
        """
        with translated(f"{self.url}/{key}", msg("looking at")):
            found = self._client(msg("looking at")).head_object(Bucket=self.bucket, Key=self._name(key))
        until = found.get("ObjectLockRetainUntilDate")
        return Protection(
            locked_until=until.astimezone(UTC) if until else None,
            held=found.get("ObjectLockLegalHoldStatus") == "ON",
            versioned=found.get("VersionId") is not None,
        )

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        """See `Store.unfinished`: multipart uploads, those still under way included; `modified` is when they began."""
        client = self._client("listing")
        pages = client.get_paginator("list_multipart_uploads")
        with translated(f"{self.url}/{prefix}", "listing"):
            try:
                for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                    for item in page.get("Uploads", ()):
                        key = self._key(item["Key"])
                        if key.startswith(prefix) and key:  # some services ignore the prefix: not ours to discard
                            yield Unfinished(key, item["UploadId"], item["Initiated"].astimezone(UTC))
            except client.exceptions.NoSuchUpload:
                return  # what some services say where there is none

    def discard(self, item: Unfinished) -> None:
        client = self._client("aborting")
        with translated(f"{self.url}/{item.key}", "aborting"):
            try:
                client.abort_multipart_upload(Bucket=self.bucket, Key=self.prefix + item.key, UploadId=item.ref)
            except client.exceptions.NoSuchUpload:
                return

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """See `Store.workspace`. A temporary folder (TMPDIR says where), gone with the next run if this is killed."""
        with ExitStack() as stack:
            try:
                path = stack.enter_context(temporary_folder())
            except OSError as error:
                raise StoreError(
                    msg(
                        "making a temporary folder in {gettempdir}: {reason}",
                        gettempdir=tempfile.gettempdir(),
                        reason=error.strerror,
                    ),
                    hint=msg("set TMPDIR to a folder with room"),
                ) from error
            yield path

    def local_path(self, key: str) -> Path | None:
        check_key(key)
        return None

    def free_bytes(self) -> int | None:
        return None

    def _key(self, name: str) -> str:
        """The key of an object's name in the bucket; '' for one outside this store."""
        return name[len(self.prefix) :] if name.startswith(self.prefix) else ""

    def _name(self, key: str) -> str:
        return self.prefix + check_key(key)

    def _client(self, doing: str) -> S3Client:
        with self._lock:
            if self._made is None:
                with translated(self.url, doing):
                    self._made = make_client(self._client_options)
            return self._made
