"""Encrypted backups of MySQL and MariaDB: streams, one or several, that the key, and the plain `age` program, open."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import EncryptionConfig
from dbops.keys.keyring import Keyring
from dbops.model import Verdict
from dbops.ops.drill import drill
from dbops.ops.verify import verify
from dbops.progress import Silent
from tests.keys import age_tool, new_identity
from tests.mysql_restoring import Backed, artifact, back_up, contents, fill, run_restore
from tests.mysql_servers import MysqlServer, installation, servers

SECRETS = (b"customer 17", b"touched; yes", b"never; mind", b"CREATE ", b"INSERT ")


@pytest.fixture(scope="module", params=servers())
def server(request: pytest.FixtureRequest) -> Iterator[MysqlServer]:
    with MysqlServer(installation(request.param)) as running:
        running.create_database("shop")
        fill(running, "shop")
        yield running


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return new_identity(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="module", params=[1, 2], ids=["sql", "sql-parts"])
def sealed(
    request: pytest.FixtureRequest, server: MysqlServer, key: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Backed:
    options = {"jobs": request.param, "compression": "none", "encryption": EncryptionConfig(recipients=(key[1],))}
    return back_up(server, "shop", tmp_path_factory.mktemp("store"), **options)


def test_nothing_of_the_content_is_stored_in_the_clear(sealed: Backed) -> None:
    assert sealed.manifest.method.format == ("sql" if sealed.target.jobs == 1 else "sql-parts")
    root = artifact(sealed, "manifest.json").parent
    for path in (path for path in root.rglob("*") if path.is_file()):
        data = path.read_bytes()
        found = [secret for secret in SECRETS if secret in data]
        assert path.suffix == ".age" or path.name in ("manifest.json", "RESTORE.md", "SHA256SUMS")
        assert not found or (path.name, found) == ("RESTORE.md", [b"CREATE "])


def test_verify_drill_and_restore_take_the_key(sealed: Backed, key: tuple[Path, str]) -> None:
    engine = app.archive_engine(sealed.manifest.engine.name)
    locked, opened = (Catalog(sealed.catalog.store, Keyring(identity=one, environment={})) for one in (None, key[0]))
    verdicts = [
        verify(engine, catalog, sealed.manifest, jobs=2, progress=Silent(), clock=app.now).verdict
        for catalog in (locked, opened)
    ]
    assert verdicts == [Verdict.INCONCLUSIVE, Verdict.PASS]
    with MysqlServer(sealed.server.installation) as empty:
        places = app.places(sealed.target, empty.url())
        report = drill(opened, sealed.manifest, sealed.target, places, clock=app.now, progress=Silent())
        assert report.verdict is Verdict.PASS, report.findings
    report = run_restore(sealed._replace(catalog=opened), into="opened")
    assert report.verdict is Verdict.PASS, report.findings
    assert contents(sealed.server, "opened") == contents(sealed.server, "shop")
    sealed.server.drop_database("opened")


def test_by_hand_with_the_plain_program(sealed: Backed, key: tuple[Path, str]) -> None:
    folder = artifact(sealed, "manifest.json").parent
    login = folder.parent / "my.cnf"
    login.touch(0o600)
    login.write_text(f"[client]\nuser=root\npassword={sealed.server.password}\nsocket={sealed.server.socket}\n")
    text = (folder / "RESTORE.md").read_text()
    commands = [line.strip() for line in text.splitlines() if line.startswith("       ")]
    script = "\n".join(
        line for line in commands if not re.search(r"event_scheduler|check --analyze|database\.sql$", line)
    )
    script = re.sub(r"^export KEY=.*$", f"export KEY={key[0]}", script, flags=re.MULTILINE)
    script = re.sub(r"(^|\| )(mariadb|mysql) ", rf"\1\2 --defaults-file={login} ", script, flags=re.MULTILINE)
    age_tool()
    environment = {"PATH": f"{sealed.server.bindir}:{os.environ['PATH']}"}
    plain = set(folder.rglob("*"))
    done = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    login.unlink()
    for path in set(folder.rglob("*")) - plain:
        path.unlink()
    assert done.returncode == 0, done.stderr
    found = sealed.server.execute("SELECT COUNT(*) FROM invoices", database="restored")
    assert found == sealed.server.execute("SELECT COUNT(*) FROM invoices", database="shop")
    sealed.server.drop_database("restored")
