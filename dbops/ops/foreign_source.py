"""Where dumps of other tools lie: a file, a folder, an object of a bucket; the newest of many; a local copy of one."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from glob import glob
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from dbops.config.units import format_size, target_name
from dbops.engine.dump_streams import chunks
from dbops.engine.dumps import Dump, Form
from dbops.errors import ConfigError, NothingToCheckError, PreflightError, StoreError
from dbops.folder import temporary_folder
from dbops.language import msg
from dbops.ops.foreign_recognise import recognise
from dbops.ops.foreign_tar import members
from dbops.progress import Progress
from dbops.store.base import CHUNK, Store

_CONTENTS = frozenset({"toc.dat", "metadata"})
"""The file that makes a folder a dump: of pg_dump, of mydumper."""
_KEPT_FREE = 64 << 20
"""Bytes that are left free in a temporary folder: others write there, too."""
OpenBucket = Callable[[str], Store]
"""The store of a bucket, by its name."""


class Location(NamedTuple):
    """One dump where it lies. `bucket` '': the path of this machine, else the key (of a folder: its prefix)."""

    path: str
    bucket: str = ""

    @property
    def name(self) -> str:
        """Its last part."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def url(self) -> str:
        """As the user wrote it: an S3 URL or a path."""
        return f"s3://{self.bucket}/{self.path}" if self.bucket else self.path

    @property
    def series(self) -> str:
        """A name for the dumps that lie in the same place."""
        folder = self.path.rstrip("/").rpartition("/")[0]
        return target_name(f"{self.bucket}/{folder}".strip("/") if self.bucket else folder or "/")


class Found(NamedTuple):
    """A dump at hand. `modified`: when it was last written; `sha256` of a folder: over its files' names and hashes."""

    dump: Dump
    location: Location
    bytes: int
    files: int
    sha256: str
    modified: datetime


def located(text: str) -> Location:
    """`PATH`, `file:///path` or `s3://bucket/key`. `ConfigError` for any other URL."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return Location(str(Path(text).expanduser().absolute()))
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not path:
            hint = msg("write file:///path, with three slashes")
            raise ConfigError(msg("{place}: not a file of this machine", place=text), hint=hint, kind="bad-flag")
        return Location(unquote(slash + path))
    if scheme == "s3":
        bucket, _, key = rest.partition("/")
        if not bucket:
            raise ConfigError(msg("{place}: no bucket", place=text), hint=msg("write s3://bucket/key"), kind="bad-flag")
        return Location(key, bucket)
    raise ConfigError(
        msg("no archives can be read from '{scheme}://'", scheme=scheme),
        hint=msg("write a path or s3://bucket/key"),
        kind="bad-flag",
    )


def newest(pattern: str, folder: Path, open_bucket: OpenBucket) -> Location:
    """The dump that `archives = "…"` means now: the last by name that fits a pattern of this machine (relative to
    `folder`), or the last written object below a prefix. `NothingToCheckError` if there is none."""
    if pattern.startswith("s3://"):
        return _newest_object(located(pattern), open_bucket)
    text = located(pattern).path if "://" in pattern else str(folder / Path(pattern).expanduser())
    names = sorted(glob(text))  # noqa: PTH207 - the pattern has its own folder
    if not names:
        raise _none(pattern)
    return Location(names[-1])


def _newest_object(prefix: Location, open_bucket: OpenBucket) -> Location:
    entries = list(open_bucket(prefix.bucket).list(prefix.path))
    if not entries:
        raise _none(prefix.url)
    key = max(entries, key=lambda entry: (entry.modified, entry.key)).key
    folders = {entry.key.rpartition("/")[0] for entry in entries if entry.key.rpartition("/")[2] in _CONTENTS}
    inside = key.rpartition("/")[0]
    return Location(f"{inside}/" if inside in folders else key, prefix.bucket)


def _none(pattern: str) -> NothingToCheckError:
    hint = msg("look whether the job that makes the dumps still runs, and whether 'archives' names where it writes")
    return NothingToCheckError(msg("there is no dump at {pattern}", pattern=pattern), hint=hint, kind="no-backup")


@contextmanager
def at_hand(
    location: Location,
    open_bucket: OpenBucket,
    identity: Path | None,
    progress: Progress,
    on_read: Callable[[int, int, str], None] = lambda *_: None,
) -> Iterator[Found]:
    """The dump as local files for the time of the block, re-read and hashed, unpacked where its tool needs a file.

    `on_read` gets bytes, number of files and SHA-256 as soon as they are known, whatever the content turns out to be.
    Raises `StoreError` if it cannot be read, `PreflightError` where `TMPDIR` lacks room, and as `recognise` does.
    """
    with temporary_folder() as scratch:
        if location.bucket:
            path, modified = _downloaded(location, open_bucket(location.bucket), scratch, progress)
        else:
            path = Path(location.path)
            try:
                files = [path, *path.iterdir()] if path.is_dir() else [path]
                modified = max(datetime.fromtimestamp(item.stat().st_mtime, UTC) for item in files)
            except OSError as error:
                hint = msg("give the path of a dump, or s3://bucket/key")
                raise ConfigError(
                    msg("{path}: {reason}", path=path, reason=error.strerror or error), hint=hint, kind="no-archive"
                ) from None
        size, count, digest = _hashed(path)
        on_read(size, count, digest)
        dump = recognise(path, identity)
        yield Found(_ready(dump, scratch, identity), location, size, count, digest, modified)


def _downloaded(location: Location, store: Store, scratch: Path, progress: Progress) -> tuple[Path, datetime]:
    entries = [entry for entry in store.list(location.path) if entry.key == location.path.rstrip("/")]
    if not entries:
        prefix = location.path.rstrip("/") + "/"
        entries = [entry for entry in store.list(prefix) if "/" not in entry.key.removeprefix(prefix)]
    if not entries:
        raise StoreError(
            msg("{url}: there is no such object", url=location.url), hint=msg("list the bucket"), kind="not-found"
        )
    total = sum(entry.bytes for entry in entries)
    _check_room(scratch, total)
    progress.phase("read", total_bytes=total)
    single = len(entries) == 1 and entries[0].key == location.path.rstrip("/")
    path = scratch / "archive" / location.name
    path.parent.mkdir()
    if not single:
        path.mkdir()
    for entry in entries:
        with (path if single else path / entry.key.rpartition("/")[2]).open("wb") as file:
            for data in store.read(entry.key):
                file.write(data)
                progress.advance(len(data))
    return path, max(entry.modified for entry in entries)


def _hashed(path: Path) -> tuple[int, int, str]:
    """Bytes, number of files and SHA-256 of what lies there."""
    try:
        if path.is_file():
            return path.stat().st_size, 1, _sha256(path)
        files = sorted(item for item in path.iterdir() if item.is_file())
        text = "".join(f"{_sha256(item)}  {item.name}\n" for item in files)
        return sum(item.stat().st_size for item in files), len(files), hashlib.sha256(text.encode()).hexdigest()
    except OSError as error:
        raise StoreError(
            msg("{path} cannot be read: {reason}", path=path, reason=error.strerror or error), kind="unreadable"
        ) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ready(dump: Dump, scratch: Path, identity: Path | None) -> Dump:
    """With an archive unpacked into `scratch`: pg_restore needs a file to seek in, and a folder's files are read
    one by one. A script stays as it is."""
    packed_folder = dump.form in (Form.DIRECTORY, Form.SCRIPTS) and dump.path.is_file()
    if dump.form is Form.PLAIN or not (dump.packing or packed_folder):
        return dump
    _check_room(scratch, dump.bytes)
    # Under its own name, by which errors speak of it.
    path = scratch / "unpacked" / dump.path.name
    path.parent.mkdir()
    try:
        if packed_folder:
            _extract(dump, path, identity)
        else:
            _unpack(dump, path, identity)
    except OSError as error:
        hint = msg("set TMPDIR to a folder with more room")
        raise PreflightError(
            msg("{path} cannot be unpacked: {error}", path=dump.path.name, error=error), hint=hint, kind="no-room"
        ) from None
    return dump._replace(path=path)


def _unpack(dump: Dump, path: Path, identity: Path | None) -> None:
    with path.open("wb") as file:
        for data in chunks(dump.path, dump.packing, identity):
            _check_room(path.parent, len(data))
            file.write(data)


def _extract(dump: Dump, path: Path, identity: Path | None) -> None:
    """The files of a dump's folder out of a tar; names and kinds of members are not trusted."""
    path.mkdir()
    for member, file in members(dump.path, dump.packing, identity):
        name = member.rpartition("/")[2]
        if name not in ("", ".", ".."):
            with (path / name).open("wb") as output:
                while data := file.read(CHUNK):
                    _check_room(path, len(data))
                    output.write(data)


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + _KEPT_FREE:
        raise PreflightError(
            msg(
                "{folder} has {free} free, and the dump needs {needed}",
                folder=folder,
                free=format_size(free),
                needed=format_size(needed + _KEPT_FREE),
            ),
            hint=msg("set TMPDIR to a folder with more room"),
            kind="no-room",
        )
