"""Whole runs in Spanish: what people read is translated, what programs read is the same byte for byte."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.servers import Database
from tests.unit.test_cli import dbops

SPANISH = {"DBOPS_LANG": "es"}
RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def filled(database: Database) -> Database:
    database.psql(
        "CREATE TABLE customers (id serial PRIMARY KEY, name text); INSERT INTO customers (name) VALUES ('a')"
    )
    return database


def test_a_backup_from_plan_to_list(filled: Database, tmp_path: Path) -> None:
    where = ("--store", f"{(tmp_path / 'store').as_uri()}")
    plan = dbops(tmp_path, "backup", "--url", filled.url, *where, "--dry-run", **SPANISH)
    assert "simulación: no se escribió nada" in plan.stdout
    made = dbops(tmp_path, "backup", "--url", filled.url, *where, **SPANISH)
    assert made.returncode == 0, made.stderr
    assert re.search(r"^copia .*\ncontiene 1 tabla, 1 fila; inventario content \(snapshot\)$", made.stdout, re.M)
    assert "comprobaciones previas: " in made.stderr
    assert "volcado: " in made.stderr
    listed = dbops(tmp_path, "backups", *where, **SPANISH)
    assert "verificada" in listed.stdout
    assert "nunca" in listed.stdout
    verified = dbops(tmp_path, "verify", *where, **SPANISH)
    assert verified.stdout.startswith("CORRECTO  verify ")


def test_the_manifest_and_the_documents_are_english(filled: Database, tmp_path: Path) -> None:
    where = ("--store", f"{(tmp_path / 'store').as_uri()}")
    made = dbops(tmp_path, "backup", "--url", filled.url, *where, "--json", **SPANISH)
    target = json.loads(made.stdout)["target"]
    documents = [
        [
            dbops(tmp_path, *words, *where, "--json", DBOPS_RUN_ID=RUN, DBOPS_LANG=language).stdout
            for words in (
                ("backups",),
                ("prune", "--url", filled.url, "--dry-run"),
                ("verify", "--backup", "20000101T000000Z", "--target", target),
                ("restore", "--url", filled.url, "--undo", "--yes"),
            )
        ]
        for language in ("en", "es")
    ]
    assert documents[0] == documents[1]
    assert all(documents[0])
    assert "policy.keep is not set" in documents[0][1]
    assert '"message": "' in documents[0][3]


def test_a_log_in_json_is_english(filled: Database, tmp_path: Path) -> None:
    where = ("--store", f"{(tmp_path / 'store').as_uri()}")
    made = dbops(tmp_path, "backup", "--url", filled.url, *where, "--log-format", "json", **SPANISH)
    lines = [json.loads(line) for line in made.stderr.splitlines()]
    assert "dump" in [line.get("phase") for line in lines]
    failed = dbops(tmp_path, "backup", "--url", filled.url, "--store", "none://x", "--log-format", "json", **SPANISH)
    assert json.loads(failed.stderr.splitlines()[-1])["message"] == "no store for 'none://'"


def test_a_wrong_password(filled: Database, tmp_path: Path) -> None:
    url = re.sub(r":[^:@/]+@", ":wrong@", filled.url)
    failed = dbops(tmp_path, "backup", "--url", url, "--store", (tmp_path / "store").as_uri(), **SPANISH)
    assert failed.returncode == 4
    assert "error: no se puede conectar a " in failed.stderr
    assert "¿es ese el usuario?" in failed.stderr


def test_a_missing_tool(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "dbops.toml").write_text(f'[targets.shop]\nurl = "{filled.url}"\nbindir = "{tmp_path}"\n')
    failed = dbops(tmp_path, "backup", "--store", (tmp_path / "store").as_uri(), **SPANISH)
    assert failed.returncode != 0
    assert "no tiene ningún pg_dump que funcione" in failed.stderr
    assert "corregir bindir en dbops.toml" in failed.stderr


def test_help_and_list(tmp_path: Path) -> None:
    assert "Volcar una base de datos con un inventario" in dbops(tmp_path, "--list", **SPANISH).stdout
    page = dbops(tmp_path, "help", "backup", LC_ALL="es_MX.UTF-8", DBOPS_LANG="").stdout
    assert "Opciones:" in page
    assert "mostrar el plan y parar antes de la primera" in page
    assert "invoke backup --all --jobs 4" in page
    assert "Dump a database" in dbops(tmp_path, "help", "backup", LC_ALL="C", LANG="es_ES.UTF-8", DBOPS_LANG="").stdout
