"""What the shipped checks say of a drill that was made already: hundreds of them, without a run of pytest for each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from dbops import app
from dbops.checks import test_backups, test_restore_drill
from dbops.config import Target
from dbops.config.urls import Secret
from dbops.model import Report
from dbops.ops.verify import verify
from dbops.progress import Silent
from tests.backups import Backup


def red(report: Report, backed: Backup | None = None) -> dict[str, str]:
    """What each failing check says, by its name and table. `backed`: the backup, whose files are checked too."""
    tables = report.evidence.tables if report.evidence is not None else ()
    fixtures: dict[str, Any] = {"drill": report, "target": Target(url=Secret(""), name=report.target)}
    found = dict(_failures(test_restore_drill, fixtures, [table.label for table in tables] or [None]))
    if backed is None:
        return found
    manifest, catalog = backed.manifest, backed.catalog
    engine = app.archive_engine(manifest.engine.name)
    files = verify(engine, catalog, manifest, jobs=1, progress=Silent(), clock=app.now)
    fixtures |= {"manifest": manifest, "catalog": catalog, "verification": files}
    return found | dict(_failures(test_backups, fixtures, [None]))


def _failures(
    module: ModuleType, fixtures: dict[str, Any], tables: list[str] | list[None]
) -> Iterator[tuple[str, str]]:
    for name, check in vars(module).items():
        wanted = inspect.signature(check).parameters if name.startswith("test_") else {}
        if not wanted or not wanted.keys() <= fixtures.keys() | {"each_table"}:
            continue
        for table in tables if "each_table" in wanted else [None]:
            given = fixtures | {"each_table": table}
            said = _said(check, {parameter: given[parameter] for parameter in wanted})
            if said:
                yield f"{name} {table}" if table else name, said


def _said(check: Callable[..., None], arguments: dict[str, Any]) -> str:
    try:
        check(**arguments)
    except pytest.fail.Exception as failure:
        return str(failure)
    except pytest.skip.Exception:
        return ""
    return ""
