"""Encrypted backups of a real server: who can read them, what is said without the key, and how they are restored."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dbops import app
from dbops.catalog import Catalog
from dbops.config import EncryptionConfig, StoreConfig, Target
from dbops.config.urls import Secret
from dbops.errors import BadBackupError, PreflightError
from dbops.keys.keyring import Keyring
from dbops.model import Failure, Manifest, Report, Verdict
from dbops.ops.backup import backup
from dbops.ops.drill import drill
from dbops.ops.verify import verify
from dbops.progress import Silent
from tests.inputs import contents
from tests.keys import age_tool, new_identity, new_ssh_key
from tests.restoring import DBOPS, ROOT, Backed, artifact, fill, forged, run_restore
from tests.servers import Cluster, Database

OPEN = {"RESTORE.md", "SHA256SUMS", "key.age", "manifest.json"}
SECRETS = (b"customer 17", b"event 33", b"what customers owe", b"CREATE ")
PASSPHRASE = "correct horse battery staple"
SEALED_CHUNK = 65536 + 16


class Keys:
    """A key of each kind, and one that fits nothing."""

    def __init__(self, folder: Path) -> None:
        self.age, self.age_id = new_identity(folder)
        self.ssh, self.ssh_line = new_ssh_key(folder)
        self.other, self.other_id = new_identity(folder, "other.txt")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def source(pg_server: Cluster) -> Iterator[Database]:
    pg_server.create_database("sealed")
    database = Database(pg_server, "sealed")
    fill(database)
    yield database
    pg_server.drop_database("sealed")


@pytest.fixture(scope="module")
def server(pg_server: Cluster) -> Iterator[Cluster]:
    """An empty server: for drills, and for what is restored by hand."""
    with Cluster(pg_server.installation) as cluster:
        yield cluster


def made(database: Database, store: Path, encryption: EncryptionConfig, **options: Any) -> Backed:
    """A backup whose archive is not compressed: what is not encrypted would show."""

    settings = {"compression": "none", "inventory": "archive", "encryption": encryption, **options}
    target = Target(url=Secret(database.url), name="shop", bindir=database.cluster.bindir, **settings)
    catalog = app.open_catalog(StoreConfig(url=str(store)), Keyring({"shop": target}, environment={}))
    manifest = backup(app.open_engine(target), catalog, target, clock=app.now, progress=Silent())
    assert isinstance(manifest, Manifest)
    return Backed(database, target, catalog, manifest)


@pytest.fixture(scope="module", params=["stream", "directory", "passphrase"])
def sealed(request: pytest.FixtureRequest, source: Database, keys: Keys, tmp_path_factory: Any) -> Backed:
    """Backups to an age and an SSH key as a stream and as a directory, and one with a passphrase alone."""
    folder = tmp_path_factory.mktemp("sealed")
    recipients = (keys.age_id, keys.ssh_line)
    if request.param == "stream":
        return made(source, folder, EncryptionConfig(recipients=recipients), jobs=2)
    workspace = folder / "workspace"
    workspace.mkdir()
    if request.param == "directory":
        return made(source, folder / "store", EncryptionConfig(recipients=recipients, workspace=workspace), jobs=2)
    (folder / "pass").write_text(PASSPHRASE + "\n")
    return made(source, folder / "store", EncryptionConfig(passphrase_file=folder / "pass"), jobs=1)


def holding(backed: Backed, identity: Path | None, **environment: str) -> Catalog:
    """The same store with another key, or none, as on a machine that has no configuration."""
    return Catalog(backed.catalog.store, Keyring(identity=identity, environment=environment))


def opening(backed: Backed, keys: Keys) -> Catalog:
    """The same store with whatever opens the backup."""
    if "passphrase" in backed.manifest.method.keys:
        return holding(backed, None, DBOPS_PASSPHRASE=PASSPHRASE)
    return holding(backed, keys.age)


def verified(catalog: Catalog, manifest: Manifest) -> Report:
    engine = app.archive_engine(manifest.engine.name)
    return verify(engine, catalog, manifest, jobs=2, progress=Silent(), clock=app.now)


def drilled(backed: Backed, catalog: Catalog, server: Cluster) -> Report:
    places = app.places(backed.target, server.url("postgres"))
    return drill(catalog, backed.manifest, backed.target, places, clock=app.now, progress=Silent(), no_owner=False)


def test_nothing_of_the_content_is_stored_in_the_clear(sealed: Backed, keys: Keys) -> None:
    method = sealed.manifest.method
    assert method.encryption == "age"
    assert method.format == ("directory" if sealed.target.encryption.workspace else "custom")  # type: ignore[union-attr]
    root = artifact(sealed, "manifest.json").parent
    files = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    files = {name: path for name, path in files.items() if not name.startswith("drills/")}
    assert {name for name in files if not name.endswith(".age")} == OPEN - {"key.age"}
    for name, path in files.items():
        data = path.read_bytes()
        found = [secret for secret in SECRETS if secret in data]
        assert not found or (name, found) == ("RESTORE.md", [b"CREATE "]), name
        if name not in OPEN:
            assert data.startswith(b"age-encryption.org/v1\n"), name
    if sealed.target.encryption and sealed.target.encryption.workspace:
        assert not list(sealed.target.encryption.workspace.iterdir()), "plain files are left"


def test_without_the_key_the_files_are_hashed(sealed: Backed, keys: Keys) -> None:
    report = verified(holding(sealed, None), sealed.manifest)
    assert (report.verdict, report.findings) == (Verdict.INCONCLUSIVE, ())
    (skipped,) = report.not_evaluated
    assert skipped.id == "archive-decode"
    assert "only hashed" in skipped.reason
    assert all(key in skipped.reason for key in sealed.manifest.method.keys)
    path = artifact(sealed, "database.sql.age")
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    report = verified(holding(sealed, None), sealed.manifest)
    assert [finding.id for finding in report.findings] == ["artifact-hash"]
    path.write_bytes(data)


def test_with_the_key_it_is_decoded_and_restores(sealed: Backed, keys: Keys, server: Cluster) -> None:
    catalog = opening(sealed, keys)
    assert verified(catalog, sealed.manifest).verdict is Verdict.PASS
    if "passphrase" in sealed.manifest.method.keys:
        return  # slow on purpose; it is restored from the bare store
    report = drilled(sealed, catalog, server)
    assert report.verdict is Verdict.PASS, report
    assert run_restore(sealed._replace(catalog=catalog), into="sealed copy").verdict is Verdict.PASS
    try:
        assert contents(Database(sealed.database.cluster, "sealed copy")) == contents(sealed.database)
    finally:
        sealed.database.cluster.drop_database("sealed copy")


def test_every_recipient_can_read_it(source: Database, keys: Keys, tmp_path: Path) -> None:
    backed = made(source, tmp_path, EncryptionConfig(recipients=(keys.age_id, keys.ssh_line)))
    for identity in (keys.age, keys.ssh):
        assert verified(holding(backed, identity), backed.manifest).verdict is Verdict.PASS
    given = holding(backed, None, DBOPS_IDENTITY=keys.ssh.read_text())
    assert verified(given, backed.manifest).verdict is Verdict.PASS


def test_a_key_that_does_not_fit(sealed: Backed, keys: Keys, server: Cluster) -> None:
    catalog = holding(sealed, keys.other, DBOPS_PASSPHRASE="wrong")
    with pytest.raises(PreflightError) as raised:
        run_restore(sealed._replace(catalog=catalog), into="nowhere")
    assert raised.value.kind == "wrong-key"
    assert all(key in raised.value.message for key in (keys.other_id, *sealed.manifest.method.keys))
    if "passphrase" not in sealed.manifest.method.keys:
        (skipped,) = verified(catalog, sealed.manifest).not_evaluated
        assert all(key in skipped.reason for key in (keys.other_id, *sealed.manifest.method.keys))
        report = drilled(sealed, catalog, server)
        assert (report.verdict, report.failure) == (Verdict.INCONCLUSIVE, Failure.ENVIRONMENT)
        assert {item.id for item in report.not_evaluated} >= {"wrong-key"}
    with pytest.raises(PreflightError) as raised:
        run_restore(sealed._replace(catalog=holding(sealed, None)), into="nowhere")
    assert raised.value.kind == "no-key"


def test_a_rotated_key_leaves_old_backups_to_the_old_one(source: Database, keys: Keys, tmp_path: Path) -> None:
    old = made(source, tmp_path, EncryptionConfig(recipients=(keys.age_id,)))
    new = made(source, tmp_path, EncryptionConfig(recipients=(keys.other_id,)))
    found = {backed.manifest.id: verified(holding(new, keys.other), backed.manifest) for backed in (old, new)}
    assert found[new.manifest.id].verdict is Verdict.PASS
    assert keys.age_id in found[old.manifest.id].not_evaluated[0].reason
    both = tmp_path / "both.txt"
    both.write_text(keys.age.read_text() + keys.other.read_text())
    for backed in (old, new):
        assert verified(holding(new, both), backed.manifest).verdict is Verdict.PASS


def test_by_hand_with_the_plain_program(sealed: Backed, keys: Keys, server: Cluster) -> None:
    """RESTORE.md as it stands, with age instead of dbops."""
    folder = artifact(sealed, "manifest.json").parent
    commands = [line.strip() for line in (folder / "RESTORE.md").read_text().splitlines() if line.startswith("       ")]
    commands = commands[: commands.index("psql --dbname=postgres")]
    assert [line.split()[0] for line in commands] == [
        "sha256sum", "export", "for", "psql", "createdb", "pg_restore", "psql", "psql"
    ]  # fmt: skip
    assert commands[1] in ("export KEY=/path/to/key.txt", "export KEY=key.age")
    key = keys.age
    if (
        commands[1] == "export KEY=key.age"
    ):  # age asks on a terminal: opened beforehand, as `age -d key.age > key.txt` does
        from dbops.keys import age

        key = keys.age.with_name("own.txt")
        key.write_bytes(age.unwrap((folder / "key.age").read_bytes(), PASSPHRASE))
    commands[1] = f"export KEY={key}"
    age_tool()
    environment = {
        "PATH": f"{server.bindir}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": "postgres",
        "PGPASSWORD": server.password,
    }
    plain = set(folder.rglob("*"))
    script = "\n".join(commands)
    done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    for path in set(folder.rglob("*")) - plain:
        path.unlink()
    assert done.returncode == 0, done.stderr
    assert contents(Database(server, "restored")) == contents(sealed.database)
    server.drop_database("restored")


def _cut(data: bytes) -> bytes:
    """Without its last authenticated piece, and whatever was in it: cut right where a piece ends."""
    head = data.index(b"\n--- ") + 1
    head = data.index(b"\n", head) + 1 + 16
    return data[: head + (len(data) - head - 1) // SEALED_CHUNK * SEALED_CHUNK]


def _flip(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


@pytest.mark.parametrize("change", [_cut, _flip])
def test_what_was_changed_in_the_store_is_found_by_age_too(
    source: Database, keys: Keys, tmp_path: Path, server: Cluster, change: Any
) -> None:
    """The manifest believes the new bytes, so that no hash is of help."""
    backed = made(source, tmp_path, EncryptionConfig(recipients=(keys.age_id,)))
    path = artifact(backed, f"backup_{backed.manifest.id}.dump.age")
    data = path.read_bytes()
    assert len(change(data)) > 10_000
    path.write_bytes(change(data))
    forgery = forged(backed)
    backed = backed._replace(manifest=forgery, catalog=holding(backed, keys.age))
    report = verified(backed.catalog, forgery)
    assert (report.verdict, [finding.id for finding in report.findings]) == (Verdict.FAIL, ["artifact-decrypt"])
    with pytest.raises(BadBackupError, match="artifact-decrypt"):
        run_restore(backed, into="nowhere")
    report = drilled(backed, backed.catalog, server)
    assert (report.verdict, report.failure) == (Verdict.FAIL, Failure.BAD_BACKUP)


def test_a_file_of_another_backup_is_found(source: Database, keys: Keys, tmp_path: Path) -> None:
    """It decrypts as well as the right one: what it holds is compared."""
    first = made(source, tmp_path, EncryptionConfig(recipients=(keys.age_id,)), inventory="content")
    with source.connect() as connection:
        connection.execute("UPDATE customers SET note = 'another' WHERE id = 1")
    second = made(source, tmp_path, EncryptionConfig(recipients=(keys.age_id,)), inventory="content")
    names = [f"backup_{backed.manifest.id}.dump.age" for backed in (first, second)]
    artifact(second, names[1]).write_bytes(artifact(first, names[0]).read_bytes())
    report = verified(holding(second, keys.age), forged(second))
    assert report.verdict is Verdict.FAIL
    assert {finding.id for finding in report.findings} == {"table-content"}


# -- the command line ------------------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBOPS_", "DATABASE_", "PG"))}
    return subprocess.run(
        [*DBOPS, *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_a_bare_store_and_a_key_are_enough(sealed: Backed, keys: Keys, server: Cluster, tmp_path: Path) -> None:
    """No configuration anywhere: the store's URL, the URL of a database, the key."""
    if sealed.manifest.method.format == "directory":
        pytest.skip("the key is found in the same way")
    given = {"DBOPS_IDENTITY_FILE": str(keys.age), "DBOPS_PASSPHRASE": PASSPHRASE}
    into = ("--into", server.url("bare"), "--yes")
    store = ("--store", sealed.catalog.store.url)
    locked = run(tmp_path, "restore", *store, *into, "--json")
    assert (locked.returncode, json.loads(locked.stdout)["error"]["kind"]) == (4, "no-key")
    with ExitStack() as stack:
        stack.callback(server.drop_database, "bare")
        done = run(tmp_path, "restore", *store, *into, **given)
        assert done.returncode == 0, done.stderr
        assert contents(Database(server, "bare")) == contents(sealed.database)


def test_a_machine_with_public_keys_alone(source: Database, keys: Keys, tmp_path: Path) -> None:
    """It backs up, lists and hashes; `--identity` does the rest. No key, and no passphrase, is ever printed."""
    (tmp_path / "pass").write_text(PASSPHRASE)
    (tmp_path / "recipients").write_text(f"# the vault's\n{keys.age_id}\n\n{keys.ssh_line}\n")
    (tmp_path / "dbops.toml").touch(0o600)
    (tmp_path / "dbops.toml").write_text(
        f"[store]\nurl = '{tmp_path / 'store'}'\n[targets.shop]\nurl = '{source.url}'\n"
        "[targets.shop.encryption]\nrecipients_file = 'recipients'\n"
    )
    plan = json.loads(run(tmp_path, "backup", "--dry-run", "--json").stdout)
    assert plan["keys"][0] == keys.age_id
    assert plan["dump"]["format"] == "custom"
    done = run(tmp_path, "backup", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["method"]["keys"] == plan["keys"]
    assert run(tmp_path, "verify").returncode == 5
    assert run(tmp_path, "verify", "--identity", str(keys.ssh)).returncode == 0
    shown = [done]
    for text, kind in (
        ("", "bad-identity"),
        ("AGE-SECRET-KEY-1NONE", "bad-identity"),
        ("-----BEGIN x", "bad-identity"),
    ):
        (tmp_path / "bad").write_text(text)
        shown.append(run(tmp_path, "verify", "--identity", "bad", "--json"))
        assert (shown[-1].returncode, json.loads(shown[-1].stdout)["error"]["kind"]) == (2, kind)
    assert run(tmp_path, "verify", "--identity", "missing").returncode == 2
    (tmp_path / "recipients").write_text("# nobody\n")
    shown.append(run(tmp_path, "backup", "--json"))
    assert (shown[-1].returncode, json.loads(shown[-1].stdout)["error"]["kind"]) == (2, "no-recipients")
    assert run(tmp_path, "doctor").returncode == 3
    text = "".join(one.stdout + one.stderr for one in shown)
    assert "1NONE" not in text
    assert PASSPHRASE not in text


def test_the_checks_take_the_key(source: Database, keys: Keys, server: Cluster, tmp_path: Path) -> None:
    """Without it nothing is proved; a missing key file is told before anything is restored."""
    backed = made(source, tmp_path / "store", EncryptionConfig(recipients=(keys.age_id,)))
    words = ("check", "--store", backed.catalog.store.url, "--sandbox", server.url(), "--json")
    locked, opened = run(tmp_path, *words), run(tmp_path, *words, "--identity", str(keys.age))
    assert (locked.returncode, opened.returncode) == (5, 0), locked.stdout + opened.stdout
    assert {item["id"] for item in json.loads(locked.stdout)["not_evaluated"]} >= {"content-is-equal"}
    assert run(tmp_path, *words, DBOPS_IDENTITY_FILE=str(keys.age)).returncode == 0
    wrong = run(tmp_path, *words, "--identity", str(keys.other))
    assert wrong.returncode == 5
    assert "key" in str(json.loads(wrong.stdout)["not_evaluated"])
    assert run(tmp_path, *words, "--identity", "missing").returncode == 2


def test_doctor_opens_a_probe(source: Database, keys: Keys, tmp_path: Path) -> None:
    from dbops.ops.doctor_keys import key_steps

    def found(**settings: Any) -> list[str]:
        encryption = EncryptionConfig(recipients=(keys.age_id,), **settings)
        (step,) = key_steps(msgspec.structs.replace(Target(), name="shop", encryption=encryption))
        return [finding.id for finding in step[1]() if finding.severity == "error"]

    assert found() == []
    assert found(identity_file=keys.age) == []
    assert found(identity_file=keys.other) == ["identity-differs"]
