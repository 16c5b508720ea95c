"""What the server of a drill must be able to do: read from the manifest, before anything starts."""

from __future__ import annotations

from dbops.config import Target
from dbops.model import Manifest, major_version
from dbops.sandbox.base import Needs

_OWN_LOCALES = frozenset({"", "C", "POSIX", "C.UTF-8", "C.utf8"})
"""Locales that every server has."""
_EVERYWHERE = frozenset({"plpgsql"})


def needs_of(manifest: Manifest, target: Target) -> Needs:
    """The needs of one backup, and what the target's `drill` settings say about its server."""
    inventory, info = manifest.inventory, manifest.engine
    preload = inventory.settings.get("shared_preload_libraries", "")
    provider = info.locale_provider
    return Needs(
        engine=info.name,
        database=info.database,
        major=major_version(info.server_version),
        bytes=sum(table.bytes for table in inventory.tables) + inventory.large_objects.bytes,
        extensions=tuple(e.name for e in inventory.extensions if e.name not in _EVERYWHERE),
        preload=tuple(name for part in preload.split(",") if (name := part.strip().strip('"'))),
        locales=tuple(sorted({info.collation, info.ctype} - _OWN_LOCALES)),
        icu=provider == "icu",
        jobs=target.jobs,
        production_like=target.drill.production_like,
        image=target.drill.image,
        bindir=target.bindir,
        series=info.series,
        settings=inventory.settings,
    )
