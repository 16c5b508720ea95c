"""The configured targets, as a table and as a matrix of GitHub Actions."""

from __future__ import annotations

from typing import Any

from dbops.config import Config
from dbops.config.urls import database_name, dialect
from dbops.language import tr
from dbops.report.text import table


def document(config: Config) -> dict[str, list[dict[str, Any]]]:
    """What `strategy.matrix` takes: no address and no account in it."""
    return {
        "include": [
            {"target": name, "engine": dialect(target.url) if target.url else "", "archives": bool(target.archives)}
            for name, target in config.targets.items()
        ]
    }


def text(config: Config) -> str:
    """The configured targets as a table, without any secret."""
    if not config.targets:
        return tr("no targets: write [targets.NAME] tables in dbops.toml, or: dbops init\n")
    rows = [
        (
            name,
            dialect(target.url.reveal()) if target.url else "-",
            database_name(target.url.reveal()) if target.url else target.archives or "",
        )
        for name, target in config.targets.items()
    ]
    return table((tr("target"), tr("engine"), tr("database")), rows)
