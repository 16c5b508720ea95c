"""Migration histories of large open projects, from their wheels on PyPI: fetched by pip when a test asks for them, and
kept in the cache of the tests. Nothing of them is in the repository, and nothing of them is run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

from tests.inputs.debian import cache, made_once
from tests.inputs.missing import MissingInputError

_SECONDS = 300
_PARTS = ("alembic", "migration", "versions")
"""Words in the paths of the files that are kept."""


class Real(NamedTuple):
    """`place`: the folder with its settings or its `env.py`, in the wheel. `revisions` and `heads`: how many it has; of
    the revisions, at least."""

    requirement: str
    place: str
    revisions: int
    heads: int = 1

    @property
    def name(self) -> str:
        return self.requirement.partition("==")[0]


HISTORIES = (
    Real("aiida-core==2.9.4", "aiida/storage/psql_dos/migrations", 100, heads=3),
    Real("apache-airflow-core==3.3.2", "airflow", 100),
    Real("arize-phoenix==20.26.1", "phoenix/db", 35),
    Real("ckan==2.12.0", "ckan/migration", 109),
    Real("dagster==1.13.29", "dagster/_core/storage/alembic", 80),
    Real("galaxy-data==26.1.2", "galaxy/model/migrations", 82, heads=2),
    Real("langflow-base==1.13.0", "langflow", 162),
    Real("mlflow-skinny==3.17.2", "mlflow/store/db_migrations", 50),
    Real("open-webui==0.12.4", "open_webui", 66),
    Real("optuna==5.0.0", "optuna/storages/_rdb", 10),
    Real("prefect==3.9.1", "prefect/server/database/_migrations/versions/postgresql", 110),
    Real("privacyidea==3.14", "privacyidea/migrations", 110),
    Real("zenml==0.98.0", "zenml/zen_stores/migrations", 280),
)


def copy_to(real: Real, folder: Path) -> Path:
    """A copy of the project's revisions; its folder of migrations. `MissingInputError` where they cannot be had."""
    try:
        return Path(shutil.copytree(_unpacked(real.requirement), folder / real.name)) / real.place
    except subprocess.TimeoutExpired as error:
        raise MissingInputError(str(error)) from None


def _unpacked(requirement: str) -> Path:
    name = f"history-{requirement.replace('==', '-')}"
    with made_once(name) as scratch:
        if scratch:
            argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d"]
            done = subprocess.run([*argv, str(scratch), requirement], capture_output=True, text=True, timeout=_SECONDS)
            if done.returncode:
                raise MissingInputError(done.stderr.strip())
            (wheel,) = scratch.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(scratch, [name for name in archive.namelist() if _is_kept(name)])
            wheel.unlink()
    return cache() / name


def _is_kept(name: str) -> bool:
    return name.endswith((".py", ".ini")) and any(word in name for word in _PARTS)
