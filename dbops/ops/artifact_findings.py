"""What stands in a backup's folder, against what its manifest says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dbops.catalog import DRILLS, MANIFEST, SIGNATURE, SUMS, Catalog
from dbops.errors import StoreError
from dbops.language import msg
from dbops.model import Artifact, Finding, Manifest, Severity

_SUMS_LIMIT = 16 << 20

NO_FILE = ("symlink", "not-a-file", "not-a-folder")
"""Kinds of a store's error that say nothing against the store itself: other backups in it may be good."""


class Seen(NamedTuple):
    """What the store gave for an artifact. `problem`: the store itself says that the bytes are not those it took;
    `sealed`: why they could not be decrypted; `instead`: what is there that is no file."""

    bytes: int
    sha256: str
    problem: str = ""
    sealed: str = ""
    instead: str = ""


def judge_artifact(manifest: Manifest, artifact: Artifact, seen: Seen | None) -> Iterator[Finding]:
    """An artifact against the manifest; `seen` None: it is not in the store."""
    subject = f"{manifest.id}/{artifact.name}"
    if seen is None or seen.instead:
        found = msg("not in the store") if seen is None else seen.instead
        yield _bad("artifact-missing", subject, msg("{bytes} bytes", bytes=artifact.bytes), found)
    elif seen.problem:
        yield _bad("artifact-hash", subject, artifact.sha256, seen.problem)
    elif seen.bytes != artifact.bytes:
        yield _bad(
            "artifact-size", subject, msg("{bytes} bytes", bytes=artifact.bytes), msg("{bytes} bytes", bytes=seen.bytes)
        )
    elif seen.sha256 != artifact.sha256:
        yield _bad("artifact-hash", subject, artifact.sha256, seen.sha256)
    elif seen.sealed:
        yield _bad("artifact-decrypt", subject, msg("decrypts to its end"), seen.sealed)


def _bad(kind: str, subject: str, expected: str, actual: str) -> Finding:
    hint = msg("restore another backup; look for a copy of this file that has the expected SHA-256")
    return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual, hint=hint)


def unknown_files(catalog: Catalog, manifest: Manifest) -> Iterator[Finding]:
    """Files in the backup's folder that no manifest speaks of."""
    prefix = catalog.key(manifest.target, manifest.id, "")
    known = {artifact.name for artifact in manifest.artifacts} | {MANIFEST, SIGNATURE, SUMS}
    for entry in sorted(catalog.store.list(prefix)):
        name = entry.key.removeprefix(prefix)
        if name not in known and not name.startswith(f"{DRILLS}/"):
            yield Finding(
                id="foreign-file",
                severity=Severity.WARNING,
                subject=f"{manifest.id}/{ascii(name)[1:-1]}",
                expected=msg("only files of the manifest"),
                actual=msg("{bytes} bytes", bytes=entry.bytes),
                hint=msg("nothing reads it; look where it came from, then delete it"),
            )


def judge_sums(catalog: Catalog, manifest: Manifest) -> Iterator[Finding]:
    """SHA256SUMS is for people without dbops: it must say what the manifest says."""
    subject = f"{manifest.id}/{SUMS}"
    data = bytearray()
    try:
        for chunk in catalog.store.read(catalog.key(manifest.target, manifest.id, SUMS)):
            data += chunk
            if len(data) > _SUMS_LIMIT:
                break
    except StoreError as error:
        if error.kind not in ("not-found", *NO_FILE):
            raise
        if all(artifact.name != SUMS for artifact in manifest.artifacts):  # else it is reported as an artifact
            yield Finding(
                id="sums-missing",
                severity=Severity.WARNING,
                subject=subject,
                expected=msg("there"),
                actual=msg("missing"),
            )
        return
    lines = (line.partition("  ") for line in data.decode("utf-8", "replace").splitlines() if line)
    listed = {name: digest for digest, _, name in lines}
    expected = {artifact.name: artifact.sha256 for artifact in manifest.artifacts if artifact.name != SUMS}
    for name in sorted(listed.keys() | expected.keys()):
        if listed.get(name) != expected.get(name):
            actual = listed.get(name, msg("not listed"))
            yield _bad(
                "sums-differ", f"{subject}: {ascii(name)[1:-1]}", expected.get(name, msg("not listed")), actual[:64]
            )
