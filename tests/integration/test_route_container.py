"""Servers in containers whose port is not published."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dbops import app
from dbops.config import StoreConfig, Target
from dbops.config.urls import Secret
from dbops.errors import DbopsError
from dbops.route import container_find
from dbops.route.base import LOOPBACK, RouteError
from tests.containers import PASSWORD, Container, docker, mariadb, postgres
from tests.fault.support import BIG, DUMPING, At, run
from tests.mysql_restoring import SCHEMA as MYSQL_SCHEMA
from tests.mysql_servers import installation
from tests.restoring import ROWS, SCHEMA
from tests.rounds import whole_round

PROJECT, SERVICE = f"p{secrets.token_hex(4)}", f"s{secrets.token_hex(4)}"
LABELS = ("--label", f"com.docker.compose.project={PROJECT}", "--label", f"com.docker.compose.service={SERVICE}")
LOGIN = quote(PASSWORD, safe="")


def inside(name: str, database: str = "shop") -> Target:
    return Target(url=Secret(f"postgresql://postgres:{LOGIN}@localhost/{database}"), name="shop", container=name)


def fill(made: Container, script: str = SCHEMA + ROWS) -> None:
    psql = ("psql", "-XAtq", "--username=postgres", "--set=ON_ERROR_STOP=1")
    assert made.inside(*psql, text="CREATE DATABASE shop TEMPLATE template0").returncode == 0
    done = made.inside(*psql, "--dbname=shop", text=script)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def shop() -> Iterator[Container]:
    """On the engine's own network, and one of a Compose project; a port is published as well."""
    with postgres(*LABELS, "--publish", "127.0.0.1::5432") as made:
        fill(made)
        yield made


@pytest.fixture(scope="module")
def cut_off() -> Iterator[Container]:
    """On no network at all: the loopback address inside is all there is."""
    with postgres("--network", "none") as made:
        fill(made)
        yield made


def test_by_its_own_address(shop: Container, tmp_path: Path) -> None:
    target = inside(shop.name)
    with app.routes():
        whole_round(target, tmp_path)
        assert app.open_engine(target).server().host == f"localhost in container {shop.name}"


@pytest.mark.parametrize("name", [f"{PROJECT}/{SERVICE}", SERVICE], ids=["project and service", "service"])
def test_by_the_name_of_a_compose_service(shop: Container, name: str) -> None:
    assert container_find.running(name)["Name"] == f"/{shop.name}"


def test_a_service_whose_name_begins_the_id_of_a_stranger(shop: Container) -> None:
    """As `db` does, of one container in 256."""
    stranger: str = container_find.running(shop.name)["Id"]
    labels = ("--label", f"com.docker.compose.service={stranger[:4]}")
    with postgres(*labels) as meant:
        assert container_find.running(stranger[:4])["Name"] == f"/{meant.name}"
    assert container_find.running(stranger[:12])["Id"] == container_find.running(stranger)["Id"] == stranger


def test_a_service_whose_name_begins_the_ids_of_strangers(shop: Container) -> None:
    """Of several, the engine says that it cannot tell them apart."""
    made: list[str] = []
    try:
        while len({one[0] for one in made}) == len(made):
            made.append(docker("create", "dbops-test/postgres:15").stdout.strip())
        letter = next(one[0] for one in made if sum(other[0] == one[0] for other in made) > 1)
        with pytest.raises(RouteError, match=f"no container or Compose service '{letter}'"):
            container_find.running(letter)
    finally:
        docker("rm", "--force", "--volumes", *made)


def test_by_a_port_that_it_publishes(shop: Container) -> None:
    """Where its processes are not ours, its own address is not believed."""
    found = copy.deepcopy(container_find.running(shop.name))
    found["State"]["Pid"] = 0
    near = container_find.address(found, 5432)
    assert near is not None
    assert near.host == LOOPBACK
    url = Secret(f"postgresql://postgres:{LOGIN}@{near.host}:{near.port}/shop")
    assert app.open_engine(Target(url=url, name="shop")).server().info.database == "shop"
    found["NetworkSettings"]["Ports"] = {}
    assert container_find.address(found, 5432) is None


def test_by_nothing_but_the_engine(cut_off: Container, tmp_path: Path) -> None:
    with app.routes():
        whole_round(inside(cut_off.name), tmp_path)


def test_mariadb_by_nothing_but_the_engine(tmp_path: Path) -> None:
    with mariadb("--network", "none") as made:
        client = ("mariadb", "--user=root", f"--password={PASSWORD}")
        assert made.inside(*client, text="CREATE DATABASE shop").returncode == 0
        done = made.inside(*client, "shop", text=MYSQL_SCHEMA)
        assert done.returncode == 0, done.stderr
        url = Secret(f"mariadb://root:{LOGIN}@localhost/shop")
        with app.routes():
            tools = installation("mariadb11.8").bindir
            whole_round(Target(url=url, name="shop", container=made.name, bindir=tools), tmp_path)


# -- what goes wrong -------------------------------------------------------------------------------------------------


def refusal(target: Target) -> DbopsError:
    with pytest.raises(RouteError) as caught:
        app.open_engine(target)
    return caught.value


def test_there_is_none_of_that_name(shop: Container) -> None:
    error = refusal(inside("nonesuch"))
    assert "there is no container or Compose service 'nonesuch'" in error.message
    assert shop.name in error.hint


def test_a_service_of_two_projects(shop: Container) -> None:
    labels = ("--label", "com.docker.compose.project=other", "--label", f"com.docker.compose.service={SERVICE}")
    with postgres(*labels) as other:
        error = refusal(inside(SERVICE))
        assert f"'{SERVICE}' means 2 containers" in error.message
        assert f"{PROJECT}/{SERVICE} ({shop.name})" in error.message
        assert container_find.running(f"other/{SERVICE}")["Name"] == f"/{other.name}"


def test_it_does_not_run() -> None:
    with postgres() as made:
        docker("stop", "--time", "1", made.name)
        error = refusal(inside(made.name))
    assert f"does not run: {made.name} is exited" in error.message
    assert error.hint == f"start it: docker start {made.name}"


def test_nothing_listens_inside(cut_off: Container) -> None:
    url = Secret("postgresql://postgres@localhost:5433/shop")
    error = refusal(Target(url=url, name="shop", container=cut_off.name))
    assert "nothing answers at 127.0.0.1:5433 inside" in error.message


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    assert "daemon" in refusal(inside("db")).message


@pytest.mark.parametrize("flags", [(), ("--network", "none")], ids=["address", "exec"])
def test_it_stops_in_the_middle_of_a_backup(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with postgres(*flags) as made:
        fill(made, f"CREATE TABLE big AS SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, {BIG}) n")
        stopping = At("item public.big", lambda: docker("kill", made.name), thread=DUMPING)
        with pytest.raises(DbopsError) as caught, app.routes():
            run(inside(made.name), tmp_path, stopping)
        assert stopping.done
        assert f"container {made.name} is exited" in caught.value.message
        assert f"docker logs {made.name}" in caught.value.hint
        assert list(app.open_catalog(StoreConfig(url=str(tmp_path))).backups()) == []
