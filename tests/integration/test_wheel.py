"""The checks out of a built wheel, in an environment that has nothing of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutations.workshop import Workshop
from tests.needs import need
from tests.restoring import ROOT, Backed
from tests.servers import Cluster


def run(folder: Path, *argv: object, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "DBOPS_"))}
    return subprocess.run(
        [str(part) for part in argv], cwd=folder, env=kept | environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel; what it depends on comes from ours."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(folder, sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    if built.returncode:
        need(f"the wheel cannot be built: {built.stderr.strip()[-300:]}")
    (wheel,) = folder.glob("dbops-*.whl")
    venv = folder / "venv"
    assert run(folder, sys.executable, "-m", "venv", venv).returncode == 0
    programs = venv / "bin"
    made = run(folder, programs / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    assert made.returncode == 0, made.stderr
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")  # after its own packages
    return programs


@pytest.fixture(scope="module")
def backed(pg_server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backed]:
    workshop = Workshop(pg_server, Path(tmp_path_factory.mktemp("workshop")))
    yield workshop.backup()
    workshop.close()


@pytest.fixture(scope="module")
def empty_server(pg_server: Cluster) -> Iterator[Cluster]:
    with Cluster(pg_server.installation) as cluster:
        yield cluster


def test_it_is_the_wheel_that_runs(installed: Path, tmp_path: Path) -> None:
    where = run(tmp_path, installed / "python", "-c", "import dbops.checks; print(dbops.checks.__file__)").stdout
    assert where.startswith(f"{installed.parent}/lib"), where


def test_pyargs(installed: Path, backed: Backed, empty_server: Cluster, tmp_path: Path) -> None:
    argv = [installed / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "dbops.checks"]
    store, sandbox = f"--dbops-store={backed.catalog.store.url}", f"--dbops-sandbox={empty_server.url()}"
    done = run(tmp_path, *argv, store, sandbox, "--dbops-html=report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert str(ROOT) not in done.stdout + done.stderr
    assert "<svg" in (tmp_path / "report.html").read_text()


def test_the_task(installed: Path, backed: Backed, empty_server: Cluster, tmp_path: Path) -> None:
    store, sandbox = f"--store={backed.catalog.store.url}", f"--sandbox={empty_server.url()}"
    done = run(tmp_path, installed / "dbops", "check", store, sandbox)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
    assert (tmp_path / "reports/junit.xml").is_file()


def test_the_wheel_speaks_spanish(installed: Path, tmp_path: Path) -> None:
    shown = run(tmp_path, installed / "dbops", "--list", DBOPS_LANG="es")
    assert "Volcar una base de datos" in shown.stdout, shown.stdout + shown.stderr
