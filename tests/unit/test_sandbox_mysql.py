"""What sandboxes of MySQL and MariaDB are put together from: versions, settings, images, URLs; nothing is started."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from dbops import app
from dbops.config.urls import Secret, split_password
from dbops.errors import ConfigError
from dbops.sandbox.base import Needs, Offer, SandboxMissingError, Seen
from dbops.sandbox.choose import choose
from dbops.sandbox.container.recipe import Place
from dbops.sandbox.external import ExternalProvider, at, place_of
from dbops.sandbox.machine import Machine
from dbops.sandbox.major import series_distance
from dbops.sandbox.mysql import installation as installed
from dbops.sandbox.mysql.driver import port_url, socket_url
from dbops.sandbox.mysql.image import MysqlImage
from dbops.sandbox.mysql.installation import Installation, installation, installations, lacks
from dbops.sandbox.mysql.local import LocalProvider
from dbops.sandbox.mysql.product import MARIADB, MYSQL, PRODUCTS, Product, major_of, number_of, product_of, series_of
from dbops.sandbox.mysql.settings import arguments, birth, settings
from tests.unit.test_sandbox import Fake

GB = 1 << 30
BIG = Machine(memory=32 * GB, cpus=8)
NEEDS = Needs("mysql", 9, series="9.7")
MARIA = Needs("mariadb", 10, series="10.11")


# -- versions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "product", "number", "series", "major"),
    [
        ("9.7.4-1 (Debian)", MYSQL, "9.7.4", "9.7", 9),
        ("8.0.44-0ubuntu0.24.04.1 (Ubuntu)", MYSQL, "8.0.44", "8.0", 8),
        ("10.11.19-MariaDB-0+deb12u1 Debian 12", MARIADB, "10.11.19", "10.11", 10),
        ("5.5.5-11.8.2-MariaDB", MARIADB, "11.8.2", "11.8", 11),
        ("11.8.9 MariaDB Server", MARIADB, "11.8.9", "11.8", 11),
        ("", MYSQL, "", "", 0),
    ],
)
def test_a_server_is_what_its_version_says(said: str, product: Product, number: str, series: str, major: int) -> None:
    assert product_of(said) is product
    assert (number_of(said), series_of(said), major_of(said)) == (number, series, major)


@pytest.mark.parametrize(
    ("source", "offered", "taken"),
    [
        ("8.0", ["9.7", "8.4", "8.0"], "8.0"),
        ("8.0", ["9.7", "8.4"], "8.4"),  # the nearest newer one
        ("10.11", ["11.8", "10.6"], "11.8"),  # never an older one
        ("11.8", ["10.6", "10.11"], "10.11"),  # unless there is nothing else: then the nearest
        ("9.7", ["10.0", "9"], "9"),  # an image that only says its major
    ],
)
def test_the_nearest_series_is_taken_and_another_one_told(source: str, offered: list[str], taken: str) -> None:
    class Has:
        def __init__(self, series: str) -> None:
            self.kind = series
            self.series = series

        def offer(self, needs: Needs) -> Offer:
            return Offer(self.kind, major_of(f"{self.series}.0"), (), lambda: Fake(fails=False), True, self.series)

    chosen = choose([Has(series) for series in offered], NEEDS._replace(major=int(source.split(".")[0]), series=source))
    assert chosen.kind == taken
    told = [(finding.id, finding.expected, finding.actual) for finding in chosen.findings]
    same = taken in (source, source.split(".")[0])
    assert told == ([] if same else [("sandbox-major", f"MySQL {source}", f"MySQL {taken}")])
    if not same:
        assert all("further from" in words for words in chosen.passed_over)


def test_what_is_not_known_is_no_distance() -> None:
    assert series_distance("", "9.7") == series_distance("9.7", "") == series_distance("0", "9.7") == 0
    assert series_distance("11.8", "11.8") == 0
    assert series_distance("9.0", "8.4") < series_distance("9.7", "8.4") < series_distance("8.0", "8.4")


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("needs", [NEEDS, MARIA])
def test_a_server_to_restore_into_is_tuned(needs: Needs) -> None:
    found = settings(needs._replace(bytes=100 * GB), BIG, 200 * GB)
    assert found["innodb-flush-log-at-trx-commit"] == "0"
    assert found["innodb-doublewrite"] == found["performance-schema"] == "OFF"
    assert "skip-log-bin" in found
    assert found["innodb-buffer-pool-size"] == "8192M"
    log = {"mysql": "loose-innodb-redo-log-capacity", "mariadb": "innodb-log-file-size"}[needs.engine]
    assert found[log] == "4096M"


@pytest.mark.parametrize("needs", [NEEDS, MARIA])
def test_it_is_no_larger_than_its_machine_and_its_database(needs: Needs) -> None:
    assert settings(needs._replace(bytes=1 << 20), BIG, 200 * GB)["innodb-buffer-pool-size"] == "128M"
    assert settings(needs._replace(bytes=100 * GB), Machine(GB, 1), GB)["innodb-buffer-pool-size"] == "256M"


@pytest.mark.parametrize("needs", [NEEDS, MARIA])
def test_like_production_keeps_only_what_keeps_it_quiet(needs: Needs) -> None:
    found = settings(needs._replace(production_like=True), BIG, 200 * GB)
    assert (found["event-scheduler"], found["local-infile"]) == ("OFF", "OFF")
    assert not [name for name in found if "innodb" in name or "log-bin" in name.removeprefix("loose-log-bin-trust")]


def test_what_the_data_depends_on_is_taken_from_the_source_and_nothing_else() -> None:
    source = {
        "lower_case_table_names": "1",
        "innodb_page_size": "8192",
        "innodb_strict_mode": "OFF",
        "version_comment": "x",
        "plugin_load": "evil.so",
    }
    found = settings(NEEDS._replace(settings=source), BIG, GB)
    assert birth(NEEDS._replace(settings=source)) == {"lower-case-table-names": "1", "innodb-page-size": "8192"}
    assert birth(NEEDS._replace(settings=source)).items() <= found.items()
    assert found["innodb-strict-mode"] == "OFF"
    assert "plugin-load" not in found


@pytest.mark.parametrize("value", ["1 --init-file=/x", "", "yes", "16384;"])
def test_a_setting_that_does_not_look_like_one_is_left_out(value: str) -> None:
    assert birth(NEEDS._replace(settings={"lower_case_table_names": value, "innodb_page_size": value})) == {}


def test_names_that_were_compared_without_case_are_kept_as_they_are_written() -> None:
    assert birth(NEEDS._replace(settings={"lower_case_table_names": "2"})) == {"lower-case-table-names": "0"}


def test_settings_become_arguments() -> None:
    assert arguments({"skip-log-bin": "", "port": "3306"}) == ["--skip-log-bin", "--port=3306"]


# -- installations ---------------------------------------------------------------------------------------------------


def _program(path: Path, said: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)
    return path


def test_a_program_is_what_it_says_and_not_what_it_is_called(tmp_path: Path) -> None:
    mariadb = _program(tmp_path / "a/mysqld", "/opt/x/mysqld  Ver 10.6.18-MariaDB for Linux on x86_64 (Source)")
    mysql = _program(tmp_path / "mariadb/mysqld", "/opt/mariadb/mysqld  Ver 8.4.3 for Linux on x86_64 (MySQL)")
    found = installation(mariadb)
    assert found is not None
    assert (found.product, found.version, found.series, found.major) == (MARIADB, "10.6.18", "10.6", 10)
    found = installation(mysql)
    assert found is not None
    assert (found.product, found.series) == (MYSQL, "8.4")
    assert installation(_program(tmp_path / "b/mysqld", "something else")) is None
    assert installation(tmp_path / "c/mysqld") is None


def test_a_mariadb_without_its_installer_lacks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # nor is there one elsewhere
    server = _program(tmp_path / "bin/mariadbd", "mariadbd  Ver 10.11.2-MariaDB for Linux")
    found = installation(server)
    assert found is not None
    assert "no mariadb-install-db beside" in lacks(found, MARIA, tmp_path)[0]
    _program(tmp_path / "scripts/mariadb-install-db", "")
    found = installation(server)
    assert found is not None
    assert lacks(found, MARIA, tmp_path) == []
    assert found.installer == tmp_path / "scripts/mariadb-install-db"


def test_a_file_system_that_does_not_mind_case_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Installation(MYSQL, "9.7.4", tmp_path / "mysqld", tmp_path / "mysqld")
    needs = NEEDS._replace(settings={"lower_case_table_names": "0"})
    assert lacks(found, needs, tmp_path) == []
    monkeypatch.setattr(installed, "_minds_case", lambda place: False)
    assert "lower_case_table_names" in lacks(found, needs, tmp_path)[0]
    assert lacks(found, needs._replace(settings={"lower_case_table_names": "1"}), tmp_path) == []


def test_servers_beside_the_targets_own_programs_come_first(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    server = _program(tmp_path / "sbin/mysqld", "mysqld  Ver 8.0.40 for Linux on x86_64")
    assert installations(tmp_path / "bin")[0].server == server


def test_a_machine_with_the_other_product_alone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Installation(MARIADB, "10.11.19", Path("/usr/sbin/mariadbd"), Path("/usr/bin/mariadb-install-db"))
    monkeypatch.setattr("dbops.sandbox.mysql.local.installations", lambda first: [other])
    (obstacle,) = LocalProvider(MYSQL).offer(NEEDS).obstacles
    assert obstacle == "no MySQL server (mysqld) is installed on this machine; there is MariaDB 10.11.19"


# -- images ----------------------------------------------------------------------------------------------------------


def test_the_image_is_that_of_the_sources_series(monkeypatch: pytest.MonkeyPatch) -> None:
    for product in PRODUCTS.values():
        monkeypatch.delenv(product.variable, raising=False)
    assert MysqlImage(MYSQL).image(NEEDS) == "mysql:9.7"
    assert MysqlImage(MARIADB).image(MARIA) == "mariadb:10.11"
    assert MysqlImage(MYSQL).image(Needs("mysql", 8)) == "mysql:8"
    assert MysqlImage(MYSQL).image(Needs("mysql", 0)) == "mysql:9"
    assert MysqlImage(MYSQL).image(NEEDS._replace(image="percona:8.4")) == "percona:8.4"
    monkeypatch.setenv("DBOPS_MYSQL_IMAGE", "registry.internal/my:{version}")
    assert MysqlImage(MYSQL).image(NEEDS) == "registry.internal/my:9.7"
    assert MysqlImage(MARIADB).image(MARIA) == "mariadb:10.11"


@pytest.mark.parametrize(
    ("product", "image", "variables", "major", "series"),
    [
        (MYSQL, "mysql:8.4", {}, 8, "8.4"),
        (MYSQL, "mysql:9", {}, 9, ""),
        (MYSQL, "mysql:lts", {"MYSQL_VERSION": "8.4.6-1.el9", "MYSQL_MAJOR": "8.4"}, 8, "8.4"),
        (MARIADB, "mariadb:lts", {"MARIADB_VERSION": "1:11.8.2+maria~ubu2404"}, 11, "11.8"),
        (MARIADB, "localhost:5000/mariadb:10.11-jammy", {}, 10, "10.11"),
        (MARIADB, "localhost:5000/mariadb@sha256:00", {}, 0, ""),
        (MYSQL, "ours/database:latest", {}, 0, ""),
    ],
)
def test_the_version_of_an_image(
    product: Product, image: str, variables: dict[str, str], major: int, series: str
) -> None:
    recipe = MysqlImage(product)
    assert (recipe.major(image, variables), recipe.series(image, variables)) == (major, series)


@pytest.mark.parametrize(("product", "needs"), [(MYSQL, NEEDS), (MARIADB, MARIA)])
def test_no_password_is_in_the_arguments_of_the_server(product: Product, needs: Needs) -> None:
    place = Place(BIG, 10 * GB, "/dbops", "/run/dbops")
    recipe = MysqlImage(product)
    said = recipe.environment(place, "geheim")
    assert said == {f"{product.prefix}_ROOT_PASSWORD": "geheim", f"{product.prefix}_ROOT_HOST": "localhost"}
    assert recipe.environment(place._replace(socket=""), "geheim")[f"{product.prefix}_ROOT_HOST"] == "%"
    command = recipe.command(needs, place)
    assert "geheim" not in " ".join(command)
    assert {"--datadir=/dbops/data", "--socket=/run/dbops/s", "--bind-address=127.0.0.1"} <= set(command)
    assert command[0] == product.programs[0]
    assert "geheim" not in str(recipe.url("/run/dbops", 3306, "geheim", "finance"))


# -- URLs, and a server that the caller gives ------------------------------------------------------------------------


def test_the_url_of_a_server_of_ours() -> None:
    url = socket_url("mysql", "/tmp/a b/s", "p@:/", "a b/c")
    assert url.reveal() == "mysql://root:p%40%3A%2F@/a%20b%2Fc?unix_socket=%2Ftmp%2Fa%20b%2Fs"
    assert split_password(url.reveal())[1] == "p@:/"
    assert port_url("mariadb", "h", 33, "p", "").reveal() == "mariadb://root:p@h:33/"
    assert at(url, "d").reveal() == "mysql://root:p%40%3A%2F@/d?unix_socket=%2Ftmp%2Fa%20b%2Fs"
    assert place_of(url) == "/tmp/a b/s"


def test_which_product_a_given_server_is_it_says_itself() -> None:
    url, family = Secret("mysql://ci:geheim@db/test"), ("mysql", "mariadb")
    provider = ExternalProvider(url, lambda _: Seen("10.11.4", (), "mariadb", "10.11"), family)
    offer = provider.offer(MARIA)
    assert (offer.obstacles, offer.major, offer.series) == ((), 10, "10.11")
    (obstacle,) = provider.offer(NEEDS).obstacles
    assert obstacle == "it is a mariadb server, and the backup is one of mysql"

    def never(url: Secret) -> NoReturn:
        raise AssertionError("nobody connects")

    assert "mysql server" in ExternalProvider(url, never, family).offer(Needs("postgres", 17)).obstacles[0]


def test_words_for_sandboxes_of_the_family() -> None:
    with pytest.raises(ConfigError) as caught:
        app.open_sandbox("embedded", NEEDS)
    assert "container, local" in caught.value.hint
    with pytest.raises(SandboxMissingError, match=r"MySQL 9\.7"):
        app.open_sandbox("postgresql://ci@127.0.0.1:1/test", NEEDS)
