"""Real applications go from empty to head through `migrate`, each in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inputs.debian import cache, made_once
from tests.migrating import Bench, Project, bench
from tests.needs import need

pytestmark = pytest.mark.slow

MLFLOW = ("mlflow-skinny==3.17.2", "sqlalchemy", "alembic", "pymysql", "cryptography", "psycopg[binary]")
OPTUNA = ("optuna==5.0.0", "psycopg[binary]")
# What mlflow itself does before its first revision (mlflow/store/db/utils.py, _initialize_tables).
INITIAL = """
import os, sqlalchemy
from mlflow.store.tracking.dbmodels.initial_models import Base
Base.metadata.create_all(sqlalchemy.create_engine(os.environ["URL"]))
"""


def interpreter(name: str, requirements: tuple[str, ...]) -> Path:
    """A Python with the application, kept between runs."""
    with made_once(f"venv-{name}") as scratch:
        if scratch:
            subprocess.run([sys.executable, "-m", "venv", str(scratch)], check=True)
            pip = [str(scratch / "bin" / "python"), "-m", "pip", "install", "-q", *requirements]
            done = subprocess.run(pip, capture_output=True, text=True)
            if done.returncode:
                need(f"{requirements[0]} cannot be had: {done.stderr.strip()[-300:]}")
    return cache() / f"venv-{name}" / "bin" / "python"


def folder_of(python: Path, package: str, *parts: str) -> Path:
    code = f"import importlib.util as u; print(u.find_spec({package!r}).submodule_search_locations[0])"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()).joinpath(*parts)


def migrated(project: Project, python: Path, pending: int) -> None:
    project.configure(migrations=f"python = '{python}'\nsafety_backup_age = '1h'\n")
    status = project.run("status")
    assert len(status["pending"]) >= pending
    report = project.run("migrate", "--yes")
    assert (report["verdict"], report["pending"]) == ("PASS", [])
    assert report["current"] == status["heads"]
    assert len(report["provenance"]["applied"]) == len(status["pending"])
    assert len(report["rehearsal"]["statements"]) > len(status["pending"]) // 2
    assert project.run("status")["standing"] == "at-head"
    assert project.run("migrate", "--yes")["verdict"] == "PASS"


@pytest.fixture(scope="module", params=["postgres", "mariadb10.11", "mysql9.7"])
def server(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with bench(request.param) as running:
        yield running


def test_mlflow(server: Bench, tmp_path: Path) -> None:
    python = interpreter("mlflow", MLFLOW)
    project = Project(server, tmp_path, directory=folder_of(python, "mlflow", "store", "db_migrations"))
    driver = "postgresql+psycopg" if server.postgres else "mysql+pymysql"
    url = f"{driver}:{server.url(project.name).partition(':')[2]}"
    subprocess.run([str(python), "-c", INITIAL], env={**os.environ, "URL": url}, check=True, capture_output=True)
    migrated(project, python, 40)


def test_optuna(server: Bench, tmp_path: Path) -> None:
    if not server.postgres:
        pytest.skip("optuna is migrated on PostgreSQL")
    python = interpreter("optuna", OPTUNA)
    project = Project(server, tmp_path, directory=folder_of(python, "optuna", "storages", "_rdb", "alembic"))
    migrated(project, python, 5)
