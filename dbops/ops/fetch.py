"""Fetching a backup: every artifact read once, its bytes counted and hashed on the way to a local file."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dbops.catalog import MANIFEST, Catalog
from dbops.config.units import format_size
from dbops.errors import BadBackupError, PreflightError, StoreError, StoreFullError
from dbops.folder import temporary_folder
from dbops.keys.stream import Opener, WrongKeyError
from dbops.language import joined, msg
from dbops.model import Artifact, Finding, Manifest
from dbops.ops.artifact_findings import NO_FILE, Seen, judge_artifact, judge_sums, unknown_files
from dbops.ops.seal import opener_for
from dbops.progress import Progress
from dbops.store.hashing import Hashed


class Copy(NamedTuple):
    """A backup at hand: what is wrong with its artifacts, and the archive as a local file or folder, decrypted.

    `archive` is None when files of it are missing or cannot be decrypted, or when no local copy was asked for.
    `locked`: why it could not be decrypted, with which key it could; then the files were only hashed.
    """

    findings: tuple[Finding, ...]
    archive: Path | None
    opener: Opener | None = None
    locked: str = ""


@contextmanager
def fetch(
    catalog: Catalog,
    manifest: Manifest,
    *,
    jobs: int,
    progress: Progress,
    local: bool = True,
    keyless: bool = False,
    phases: dict[str, float] | None = None,
) -> Iterator[Copy]:
    """Reads all artifacts, at most `jobs` at a time, and compares size and SHA-256 with the manifest.

    With `local` the archive is there as local files for the time of the block: where it lies if the store is local,
    else in a temporary folder (`TMPDIR`); `StoreFullError` if that has too little room. An encrypted backup is
    decrypted there; without its key that is a `PreflightError` before anything is read, or, with `keyless`, told in the
    result.
    """
    begun = time.monotonic()
    opener, locked = None, ""
    if local:
        try:
            opener = opener_for(catalog, manifest)
        except PreflightError as error:
            if not keyless:
                raise
            local, locked = (
                False,
                msg("the files were only hashed: {reason}", reason=joined("; ", [error.message, error.hint])),
            )
    with ExitStack() as stack:
        away = local and (opener is not None or _remote(catalog, manifest))
        folder = stack.enter_context(temporary_folder()) if away else None
        if folder is not None:
            _check_room(folder, manifest.bytes)
        progress.phase("read", total_bytes=manifest.bytes)
        seen = _read_all(catalog, manifest, folder, opener, jobs, progress)
        findings = [
            *(
                finding
                for artifact in manifest.artifacts
                for finding in judge_artifact(manifest, artifact, seen[artifact.name])
            ),
            *unknown_files(catalog, manifest),
            *judge_sums(catalog, manifest),
        ]
        if phases is not None:
            phases["read"] = phases.get("read", 0.0) + time.monotonic() - begun
        files = [seen[name] for name in _archive_files(manifest)]
        complete = all(one is not None and not one.sealed and not one.instead for one in files)
        archive = _archive(catalog, manifest, folder) if local and complete else None
        yield Copy(tuple(findings), archive, opener, locked)


def archive_name(manifest: Manifest) -> str:
    """The artifact that is the archive, or the folder that holds it: `backup_<id>.dump`, `backup_<id>`; as stored."""
    folder = f"backup_{manifest.id}/"
    if any(artifact.name.startswith(folder) for artifact in manifest.artifacts):
        return folder.rstrip("/")
    return next((a.name for a in manifest.artifacts if a.name.startswith(f"backup_{manifest.id}.")), "")


def _archive_files(manifest: Manifest) -> list[str]:
    name = archive_name(manifest)
    return [item.name for item in manifest.artifacts if item.name == name or item.name.startswith(f"{name}/")]


def _remote(catalog: Catalog, manifest: Manifest) -> bool:
    """Whether the backup's files must be fetched before a tool can open them."""
    return catalog.store.local_path(catalog.key(manifest.target, manifest.id, MANIFEST)) is None


def _archive(catalog: Catalog, manifest: Manifest, folder: Path | None) -> Path | None:
    name = archive_name(manifest)
    files = _archive_files(manifest)
    if not files:
        return None
    if folder is not None:
        return folder / manifest.method.plain_name(name)
    first = catalog.store.local_path(catalog.key(manifest.target, manifest.id, files[0]))
    if first is None or files[0] == name:
        return first
    return first.parents[files[0].removeprefix(f"{name}/").count("/")]


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreFullError(
            msg(
                "{parent} has {free} free, and the backup needs {needed}",
                parent=folder.parent,
                free=format_size(free),
                needed=format_size(needed),
            ),
            hint=msg("set TMPDIR to a folder with more room"),
        )


def _read_all(
    catalog: Catalog, manifest: Manifest, folder: Path | None, opener: Opener | None, jobs: int, progress: Progress
) -> dict[str, Seen | None]:
    """Reads in threads. When one fails, or on Ctrl-C, the others stop at their next chunk."""
    stop = threading.Event()

    def passing(artifact: Artifact, hashed: Hashed) -> Iterator[bytes]:
        """The bytes as they are hashed; those beyond the manifest's size are only hashed."""
        for chunk in catalog.store.read(catalog.key(manifest.target, manifest.id, artifact.name)):
            if stop.is_set():
                raise _StoppedError
            hashed.passed(chunk)
            progress.advance(len(chunk))
            if hashed.bytes <= artifact.bytes:
                yield chunk

    def read(artifact: Artifact) -> Seen | None:
        progress.item(artifact.name)
        hashed, sealed = Hashed(), ""
        chunks = passing(artifact, hashed)
        name = manifest.method.plain_name(artifact.name)
        try:
            with _sink(folder, name) as sink:
                wanted = sink
                if sink is not None and opener is not None and name != artifact.name:
                    sealed, wanted = _decrypted(opener, chunks, sink, artifact.name), None
                for chunk in chunks:
                    if wanted is not None:
                        wanted.write(chunk)
        except _StoppedError:
            return None
        except StoreError as error:
            if error.kind == "not-found":
                return None
            if error.kind in NO_FILE:
                return Seen(0, "", instead=error.message)
            if error.kind != "checksum":
                raise
            return Seen(hashed.bytes, hashed.sha256, error.message)
        return Seen(hashed.bytes, hashed.sha256, sealed=sealed)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        try:
            results = list(pool.map(read, manifest.artifacts))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return {artifact.name: seen for artifact, seen in zip(manifest.artifacts, results, strict=True)}


def _decrypted(opener: Opener, chunks: Iterator[bytes], sink: BinaryIO, name: str) -> str:
    """Why it could not be decrypted to its end; '' if it was."""
    try:
        opener.copy(chunks, sink, name)
    except WrongKeyError:
        return msg("none of the keys that open its other files")
    except BadBackupError as error:
        return error.message
    return ""


class _StoppedError(Exception):
    """Another thread has failed."""


@contextmanager
def _sink(folder: Path | None, name: str) -> Iterator[BinaryIO | None]:
    """The local file that takes an artifact's bytes, private to this user; None where none is wanted."""
    if folder is None:
        yield None
        return
    path = folder / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("xb") as file:
        yield file
