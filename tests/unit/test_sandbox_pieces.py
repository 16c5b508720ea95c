"""What sandboxes are put together from: settings, images, owners of containers, URLs; nothing is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbops.sandbox import machine
from dbops.sandbox.base import Needs
from dbops.sandbox.container.recipe import Place
from dbops.sandbox.machine import Machine, lacking_locales, room_lacking
from dbops.sandbox.postgres import installation as installed
from dbops.sandbox.postgres.image import VARIABLE, PostgresImage
from dbops.sandbox.postgres.installation import Installation, installation, lacks
from dbops.sandbox.postgres.settings import settings

GB = 1 << 30
BIG = Machine(memory=32 * GB, cpus=8)
NEEDS = Needs("postgres", 17)
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"} | {
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


# -- settings --------------------------------------------------------------------------------------------------------


def test_a_server_to_restore_into_is_tuned() -> None:
    found = settings(NEEDS._replace(bytes=100 * GB, jobs=4), BIG, 200 * GB)
    assert FAST.items() <= found.items()
    assert found["max_wal_size"] == "20480MB"
    assert found["maintenance_work_mem"] == "1024MB"
    assert found["shared_buffers"] == "1024MB"
    assert found["max_parallel_maintenance_workers"] == "4"
    assert int(found["max_connections"]) >= 28


def test_it_is_no_larger_than_its_machine_and_its_database() -> None:
    found = settings(NEEDS._replace(bytes=1 << 20, jobs=4), Machine(1 * GB, 1), 4 * GB)
    assert found["shared_buffers"] == "64MB"
    assert found["maintenance_work_mem"] == "64MB"
    assert found["max_wal_size"] == "1024MB"


def test_like_production_keeps_only_what_keeps_it_quiet() -> None:
    found = settings(NEEDS._replace(production_like=True, preload=("auto_explain",)), BIG, 200 * GB)
    assert found == {
        "max_logical_replication_workers": "0",
        "archive_mode": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "shared_preload_libraries": "auto_explain",
    }


@pytest.mark.parametrize("production_like", [False, True])
def test_jobs_of_the_copy_do_not_run(production_like: bool) -> None:
    needs = NEEDS._replace(preload=("pg_cron", "timescaledb"), database="finance", production_like=production_like)
    found = settings(needs, BIG, GB)
    assert found["shared_preload_libraries"] == "pg_cron,timescaledb"
    assert found["cron.max_running_jobs"] == "0"
    assert found["cron.launch_active_jobs"] == "off"
    assert found["cron.database_name"] == "finance"
    assert found["timescaledb.max_background_workers"] == "0"


# -- what a machine and an installation lack -------------------------------------------------------------------------


def test_locales_are_compared_whatever_their_spelling() -> None:
    assert lacking_locales(["en_US.UTF-8", "de_AT.utf8", "C", "es_ES.UTF-8"], ["en_US.utf8", "de_AT.UTF-8"]) == [
        "es_ES.UTF-8"
    ]
    assert lacking_locales(["ca_ES.UTF-8@valencia", "de_DE"], ["ca_ES.utf8@valencia", "de_DE.utf8"]) == ["de_DE"]


def test_a_disk_that_is_too_small_is_told_with_both_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_room", lambda folder: 3 * 10**9)
    assert room_lacking(tmp_path, 10**9, "TMPDIR") is None
    said = room_lacking(tmp_path, 2 * 10**9, "TMPDIR")
    assert said is not None
    assert "4 GB" in said
    assert "3 GB" in said
    assert str(tmp_path) in said


@pytest.fixture
def bare(tmp_path: Path) -> Installation:
    for name in ("bin", "share/extension", "lib"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "share/postgres.bki").touch()
    (tmp_path / "lib/plpgsql.so").touch()
    for name, text in (("postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 17.5 (Debian)'\n"), ("initdb", "")):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    found = installation(tmp_path / "bin")
    assert found is not None
    return found


def test_an_installation_is_found_with_its_folders(bare: Installation) -> None:
    assert bare == (bare.bindir, bare.bindir.parent / "share", bare.bindir.parent / "lib", "17.5")
    assert bare.major == 17


def test_client_programs_alone_are_no_server(bare: Installation) -> None:
    (bare.bindir / "initdb").unlink()
    assert installation(bare.bindir) is None


def test_what_a_server_lacks_is_named(bare: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "locales", lambda: ("C", "de_DE.utf8"))
    needs = NEEDS._replace(
        extensions=("plpgsql", "postgis"), preload=("pg_cron",), locales=("de_DE.UTF-8", "es_ES.UTF-8"), icu=True
    )
    assert lacks(bare, NEEDS) == []
    extension, library, icu, locale = lacks(bare, needs)
    assert "no extension postgis in" in extension
    assert "no library pg_cron in" in library
    assert "ICU" in icu
    assert "no locale es_ES.UTF-8 on" in locale
    (bare.sharedir / "extension/postgis.control").touch()
    (bare.libdir / "pg_cron.so").touch()
    with (bare.bindir / "postgres").open("a") as program:
        program.write("# ucol_open_72\n")
    monkeypatch.setattr(installed, "locales", lambda: ("de_DE.utf8", "es_ES.utf8"))
    assert lacks(bare, needs) == []


# -- images ----------------------------------------------------------------------------------------------------------


def test_the_image_is_that_of_the_sources_major(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    recipe = PostgresImage()
    assert recipe.image(NEEDS) == "postgres:17"
    assert recipe.image(NEEDS._replace(image="postgis/postgis:17-3.5")) == "postgis/postgis:17-3.5"
    monkeypatch.setenv(VARIABLE, "registry.internal/pg:{major}")
    assert recipe.image(NEEDS) == "registry.internal/pg:17"


@pytest.mark.parametrize(
    ("image", "variables", "major"),
    [
        ("postgres:17", {}, 17),
        ("localhost:5000/postgres:15-alpine", {}, 15),
        ("timescale/timescaledb:2.17.2-pg16", {}, 16),
        ("postgis/postgis:17-3.5", {"PG_MAJOR": "16"}, 16),
        ("ours/database", {}, 0),
        ("localhost:5000/ours", {}, 0),
    ],
)
def test_the_major_of_an_image(image: str, variables: dict[str, str], major: int) -> None:
    assert PostgresImage().major(image, variables) == major


def test_what_the_official_image_lacks_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    needs = NEEDS._replace(extensions=("hstore", "postgis"), preload=("pg_stat_statements", "pg_cron"))
    said = PostgresImage().lacks(needs._replace(locales=("en_US.utf8", "es_ES.UTF-8")))
    assert [words in text for words, text in zip(("postgis", "pg_cron", "es_ES.UTF-8"), said, strict=True)] == [
        True
    ] * 3
    assert not any(known in text for known in ("hstore", "pg_stat_statements", "en_US") for text in said)
    assert PostgresImage().lacks(needs._replace(image="ours:17")) == ()


def test_no_password_is_in_the_arguments_of_the_server() -> None:
    place = Place(BIG, 10 * GB, "/dbops", "/run/dbops")
    recipe = PostgresImage()
    assert recipe.environment(place, "geheim")["POSTGRES_PASSWORD"] == "geheim"
    assert "geheim" not in " ".join(recipe.command(NEEDS, place))
    assert "geheim" not in str(recipe.url("/run/dbops", 5432, "geheim", "finance"))
