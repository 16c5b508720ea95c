"""A dump of another tool described as a backup is, so that the same code restores, probes and reports it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from dbops import __version__
from dbops.config import Target
from dbops.config.urls import database_name
from dbops.engine.dumps import DumpDatabase, DumpFacts, LoadedDatabase
from dbops.language import msg
from dbops.model import (
    MANIFEST_FORMAT,
    Artifact,
    EngineInfo,
    Extension,
    Finding,
    Freshness,
    Inventory,
    Manifest,
    Method,
    Migration,
    Severity,
    ToolInfo,
)
from dbops.ops.foreign_source import Found, Location

BASIS = "none"
"""There is no inventory."""
_EXPANSION = 3
"""How much larger a database is than its dump's text, about, with its indexes; a compressed one twice so."""


def unknown(location: Location, target: Target, now: datetime) -> Manifest:
    """Before the dump is at hand: only where it lies is known."""
    return _manifest(location.name, "", target, now, DumpFacts("", "", "", ()), DumpDatabase(""), Freshness(newest=now))


def described(found: Found, facts: DumpFacts, database: DumpDatabase, target: Target) -> Manifest:
    """One database of a dump."""
    fresh = freshness(found, facts)
    manifest = _manifest(found.location.name, found.dump.engine, target, found.modified, facts, database, fresh)
    artifact = Artifact(name=found.location.name, bytes=found.bytes, sha256=found.sha256)
    form, packing = found.dump.form.value, "+".join((facts.compression, *found.dump.packing))
    method = Method(format=form, compression=packing, jobs=1)
    return msgspec.structs.replace(manifest, artifacts=(artifact,), method=method)


def _manifest(
    name: str, engine: str, target: Target, at: datetime, facts: DumpFacts, database: DumpDatabase, fresh: Freshness
) -> Manifest:
    return Manifest(
        format=MANIFEST_FORMAT,
        id=name,
        target=target.name,
        started_at=fresh.newest,
        snapshot_at=fresh.newest,
        finished_at=at,
        dbops_version=__version__,
        engine=EngineInfo(
            name=engine,
            server_version=facts.server_version,
            server_id="",
            database=database.name,
            encoding=database.encoding,
            collation=database.collation,
            ctype=database.ctype,
            locale_provider=database.locale_provider,
            locale=database.locale,
            series=facts.series,
        ),
        tool=ToolInfo(name=facts.tool, version=facts.tool_version, argv=()),
        method=Method(format="", compression=facts.compression, jobs=1),
        artifacts=(),
        inventory=Inventory(
            basis=BASIS,
            level="",
            tables=(),
            extensions=tuple(Extension(name=item, version="", schema="") for item in database.extensions),
        ),
        migration=Migration(),
        freshness=fresh,
    )


def freshness(found: Found, facts: DumpFacts) -> Freshness:
    """The moment that the dump itself names, but not one after it was written: its clock may be of another zone."""
    if (moment := _own_date(found, facts)) is not None:
        return Freshness(newest=moment, basis=f"the dump says when it was {facts.made_by}")
    what = "the object was last written" if found.location.bucket else "the file was last written"
    return Freshness(newest=found.modified, basis=what)


def _own_date(found: Found, facts: DumpFacts) -> datetime | None:
    return facts.made_at if facts.made_at is not None and facts.made_at <= found.modified else None


def undated(found: Found, facts: DumpFacts) -> list[Finding]:
    """A warning where nothing but its file's time says how old a dump is: a copy of an old one passes for new."""
    if _own_date(found, facts) is not None:
        return []
    what = msg("the object") if found.location.bucket else msg("the file")
    known = (
        msg("it names {made_at:%Y-%m-%d %H:%M} UTC, after {what} was written", made_at=facts.made_at, what=what)
        if facts.made_at
        else msg("it names none")
    )
    return [
        Finding(
            id="dated-by-file",
            severity=Severity.WARNING,
            subject=found.location.name,
            expected=msg("a moment that the dump names, or its newest row"),
            actual=msg("{known}: its age is that of {what}, which a copy renews", known=known, what=what),
            hint=msg("set the target's freshness to a column with the time of its newest row: schema.table.column"),
        )
    ]


def provenance(found: Found, facts: DumpFacts) -> dict[str, Any]:
    """What the report says of a dump."""
    return {
        "archive": found.location.url,
        "archive_sha256": found.sha256,
        "archive_format": found.dump.form.value,
        "archive_packing": "+".join(found.dump.packing) or "none",
        "archive_written_at": found.modified.isoformat(),
        "source_database": ", ".join(item.name for item in facts.databases if item.name),
        "source_version": facts.server_version,
        "dumped_by": f"{facts.tool} {facts.tool_version}".strip(),
        "bytes": found.bytes,
    }


def disk_bytes(found: Found, facts: DumpFacts) -> int:
    """About what the databases will take on disk."""
    packed = facts.compression != "none" and not found.dump.packing
    return max(facts.size, found.bytes) * _EXPANSION * (2 if packed else 1)


def principal(loaded: tuple[LoadedDatabase, ...], facts: DumpFacts, target: Target) -> LoadedDatabase | None:
    """The database that the target's settings speak of: the only one, or the one with its name; None if none is it."""
    others = [item for item in loaded if item.facts.name not in ("", facts.maintenance)] or list(loaded)
    if len(others) == 1:
        return others[0]
    named = database_name(target.url) if target.url else ""
    return next((item for item in others if item.facts.name in (named, target.name)), None)
