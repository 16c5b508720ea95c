"""Real servers and real input for the tests. What a machine lacks goes through `tests.needs.need`.

Environment: DBOPS_TEST_PG (a major version or a bindir: which server `pg_server` is; 15 unless told otherwise),
DBOPS_TEST_PG_IMAGE, DBOPS_TEST_CACHE (downloads), DBOPS_REQUIRE_SERVERS=1 (missing is a failure, not a skip),
DBOPS_TEST_EVERY_CASE=1 (each case on each server, see `tests.rotation`).
Session fixtures belong to one process: under pytest-xdist every worker has its own clusters.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import secrets
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.inputs import SAMPLES, MissingInputError, contents, regression
from tests.installations import Installation, find_installations, installation_at
from tests.needs import need
from tests.rotation import due
from tests.servers import Cluster, Database

if TYPE_CHECKING:
    from testcontainers.community.postgres import PostgresContainer

DEFAULT_MAJOR = 15
MAJORS = sorted({15, 17, 18} | {installation.major for installation in find_installations()})
DEFAULT_IMAGE = "dbops-test/postgres:17"


def pytest_configure(config: pytest.Config) -> None:
    """Before anything imports testcontainers, which reads its environment once.

    There may be no registry to take its Ryuk image from, and the tests themselves may run inside a container.
    """
    # A shell starts what runs in its background, and nohup what it runs, with these ignored: the programs that tests
    # interrupt would inherit that.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    hypothesis.settings.register_profile("dbops", deadline=None)  # a busy machine is no failure
    hypothesis.settings.load_profile("dbops")
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    if "DOCKER_HOST" not in os.environ:  # a local engine: published ports are on the loopback address
        os.environ.setdefault("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
        os.environ.setdefault("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")


# -- servers ---------------------------------------------------------------------------------------------------------


def _default_installation() -> Installation:
    chosen = os.environ.get("DBOPS_TEST_PG", "")
    if chosen and not chosen.isdigit():
        return installation_at(Path(chosen)) or need(f"DBOPS_TEST_PG={chosen} holds no PostgreSQL server")
    return installed(int(chosen or DEFAULT_MAJOR))


def installed(major: int) -> Installation:
    found = {installation.major: installation for installation in reversed(find_installations())}  # the first one wins
    have = ", ".join(str(installation.bindir) for installation in found.values()) or "none at all"
    return found.get(major) or need(f"no PostgreSQL {major} server on this machine (found: {have})")


@pytest.fixture(scope="session")
def pg_servers() -> Iterator[Callable[[Installation], Cluster]]:
    """Starts a cluster of an installation when first asked for, and gives the same one from then on."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def cluster(installation: Installation) -> Cluster:
            return running.enter_context(Cluster(installation))

        yield cluster


ONE_MAJOR = (
    "fault/test_backup_pooler.py",
    "fault/test_backup_s3.py",
    "fault/test_encryption_faults.py",
    "fault/test_prune",
    "fault/test_route_",
    "fault/test_sandbox_left.py",
    "fault/test_store_",
    "integration/test_all_targets.py",
    "integration/test_check_kinds.py",
    "integration/test_encryption.py",
    "integration/test_foreign_tasks.py",
    "integration/test_route_",
    "integration/test_spanish.py",
    "integration/test_tls.py",
    "integration/test_unix_sockets.py",
)
"""Stores, keys, ways to a server, languages: the same for any server. All else runs on each major version."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "installation" not in metafunc.fixturenames or "DBOPS_TEST_PG" in os.environ:
        return
    file = Path(metafunc.module.__file__).relative_to(Path(__file__).parent).as_posix()
    if file.startswith(("fault/", "integration/")) and not file.startswith(ONE_MAJOR):
        names = [f"pg{major}" for major in MAJORS]
        metafunc.parametrize("installation", MAJORS, ids=names, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if any("::" in argument for argument in config.args):
        return  # whoever names a test wants it
    chosen = due([item.nodeid for item in items])
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in chosen])
    items[:] = [item for item in items if item.nodeid in chosen]
    # Files that take long come first: whichever comes last runs alone, while the other processes have nothing to do.
    count = Counter(item.path for item in items)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, -count[item.path]))


@pytest.fixture(scope="session")
def installation(request: pytest.FixtureRequest) -> Installation:
    """The PostgreSQL of a test: what its servers are of."""
    major = getattr(request, "param", None)
    return _default_installation() if major is None else installed(major)


@pytest.fixture(scope="session")
def pg_server(installation: Installation, pg_servers: Callable[[Installation], Cluster]) -> Cluster:
    """The cluster that most tests use. Shared: a test that stops it or creates roles should make its own `Cluster`."""
    return pg_servers(installation)


@pytest.fixture(scope="session", params=MAJORS, ids=lambda major: f"pg{major}")
def any_pg(request: pytest.FixtureRequest, pg_servers: Callable[[Installation], Cluster]) -> Cluster:
    """Runs the test once for each major version."""
    return pg_servers(installed(request.param))


@pytest.fixture
def new_cluster(installation: Installation) -> Iterator[Callable[..., Cluster]]:
    """`new_cluster(major=None, settings={...})`: a cluster of the test's own, to stop, kill and misconfigure."""
    with contextlib.ExitStack() as running:

        def create(major: int | None = None, **options: object) -> Cluster:
            chosen = installed(major) if major else installation
            return running.enter_context(Cluster(chosen, **options))  # type: ignore[arg-type]

        yield create


def _fresh(cluster: Cluster) -> Iterator[Database]:
    name = f"test_{secrets.token_hex(6)}"
    cluster.create_database(name)
    yield Database(cluster, name)
    cluster.drop_database(name)


@pytest.fixture
def database(pg_server: Cluster) -> Iterator[Database]:
    """A fresh, empty database on `pg_server`."""
    yield from _fresh(pg_server)


@pytest.fixture
def any_database(any_pg: Cluster) -> Iterator[Database]:
    """A fresh, empty database, once for each major version."""
    yield from _fresh(any_pg)


def _docker() -> Any:
    return importlib.import_module("docker")  # has no types, and is needed by few tests


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """There is a Docker engine that answers."""
    docker = _docker()
    try:
        docker.from_env().ping()
    except (docker.errors.DockerException, OSError) as error:
        need(f"no Docker engine: {error}")


@pytest.fixture(scope="session")
def pg_image(docker_engine: None) -> str:
    """The name of a PostgreSQL image that is there, so that nobody tries to fetch it."""
    docker = _docker()
    image = os.environ.get("DBOPS_TEST_PG_IMAGE") or DEFAULT_IMAGE
    try:
        docker.from_env().images.get(image)
    except docker.errors.ImageNotFound:
        need(f"no image {image}: tests/images/build-all makes it")
    return image


@pytest.fixture(scope="session")
def container_pg(pg_image: str) -> Iterator[PostgresContainer]:
    """A PostgreSQL server in a container."""
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(pg_image, driver=None) as container:
        yield container


# -- places ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tmp_store(tmp_path: Path) -> str:
    """The file:// URL of an empty folder."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder.as_uri()


@pytest.fixture
def small_tmpfs(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`small_tmpfs("8m")` mounts a file system of that size, to be filled up: 'no space left on device' for real."""
    with contextlib.ExitStack() as mounted:

        def mount(size: str) -> Path:
            if os.geteuid() != 0:
                need("only root can mount a small file system")
            folder = tmp_path / f"tmpfs-{secrets.token_hex(3)}"
            folder.mkdir()
            argv = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "dbops-tests", str(folder)]
            done = subprocess.run(argv, capture_output=True, text=True)
            if done.returncode:
                need(f"cannot mount a small file system: {done.stderr.strip()}")
            mounted.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
            return folder

        yield mount


# -- input that nobody here wrote ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def regression_database() -> Iterator[Database]:
    """PostgreSQL's own regression database, live, on a cluster of its own. Read it; change a copy of it."""
    with Cluster(installed(DEFAULT_MAJOR)) as cluster:
        try:
            built, _ = regression.build(cluster)
        except MissingInputError as error:
            need(str(error))
        yield built


@pytest.fixture(scope="session")
def sample_server() -> Iterator[Cluster]:
    """The cluster of the sample databases: theirs alone, since they create roles."""
    with Cluster(_default_installation()) as cluster:
        yield cluster


@pytest.fixture(scope="session", params=sorted(SAMPLES))
def sample_database(request: pytest.FixtureRequest, sample_server: Cluster) -> Iterator[Database]:
    """Each public sample database in turn (Chinook, LedgerSMB, Zabbix), live and full."""
    try:
        sample = SAMPLES[request.param](sample_server, request.param)
    except MissingInputError as error:
        need(str(error))
    assert sum(contents(sample).values()) > 0
    yield sample
    sample_server.drop_database(request.param)
