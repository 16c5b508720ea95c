"""Keys in `dbops.toml`, in the environment, by flag: every mistake names its place, and nothing shows a secret."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dbops.config import Argv, EncryptionConfig, SigningConfig, Target
from dbops.config.file import load
from dbops.config.passwords import exposed_files, known
from dbops.errors import ConfigError, DbopsError
from dbops.keys.keyring import Keyring, recipients
from dbops.ops.seal import seal_for
from tests.keys import new_identity, new_ssh_key

HEAD = '[store]\nurl = "file:///b"\n[targets.shop]\nurl = "postgresql://me@db/shop"\n'


def configured(folder: Path, text: str) -> Target:
    (folder / "dbops.toml").write_text(HEAD + text)
    return load(environment={}, folder=folder).target()


def test_the_keys_of_the_file(tmp_path: Path) -> None:
    target = configured(
        tmp_path,
        '[targets.shop.encryption]\nrecipients = ["age1x", "ssh-ed25519 AAAA me"]\nrecipients_file = "r"\n'
        'identity_command = "pass show key"\npassphrase_env = "PW"\nworkspace = "/dev/shm"\n'
        '[targets.shop.signing]\nkey_file = "~/key"\npublic_keys = ["ssh-ed25519 AAAA"]\n',
    )
    assert target.encryption == EncryptionConfig(
        recipients=("age1x", "ssh-ed25519 AAAA me"),
        recipients_file=tmp_path / "r",
        identity_command=Argv(("pass", "show", "key")),
        passphrase_env="PW",
        workspace=Path("/dev/shm"),
    )
    assert target.signing == SigningConfig(key_file=Path("~/key").expanduser(), public_keys=("ssh-ed25519 AAAA",))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[targets.shop.encryption]\n", "encryption: names no key", "recipients_file"),
        ("[targets.shop.signing]\n", "signing: names no key", "public_keys"),
        ('[targets.shop.encryption]\nrecipients = ["bob"]', "encryption.recipients[0]: not a public key", "age1…"),
        ('[targets.shop.encryption]\nrecipients = ["AGE-SECRET-KEY-1X"]', "recipients[0]: not a public key", "age1…"),
        ('[targets.shop.encryption]\nrecipients = "age1x"', "encryption.recipients", ""),
        ('[targets.shop.encryption]\nrecipient = ["age1x"]', "encryption.recipient: unknown key", "recipients"),
        ('[targets.shop.signing]\npublic_keys = ["ssh-rsa AAAA"]', "signing.public_keys[0]", "ssh-ed25519"),
    ],
)
def test_a_mistake_names_its_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        configured(tmp_path, text)
    assert place in raised.value.message
    assert words in raised.value.hint
    assert "SECRET-KEY-1X" not in str(raised.value)


def test_recipients_are_of_both_places_and_each_once(tmp_path: Path) -> None:
    _, one = new_identity(tmp_path)
    _, other = new_ssh_key(tmp_path)
    file = tmp_path / "recipients"
    file.write_text(f"# two\n{one}\n\n{other}\n")
    found = recipients(EncryptionConfig(recipients=(one,), recipients_file=file), "shop")
    assert [item.id[:5] for item in found] == ["age1" + one[4], "SHA25"]


def refused(target: Target) -> ConfigError:
    with pytest.raises(DbopsError) as raised:
        seal_for(target)
    assert isinstance(raised.value, ConfigError)
    return raised.value


def test_what_cannot_encrypt_is_no_backup_in_the_clear(tmp_path: Path) -> None:
    """Each of these is an error before anything is dumped."""
    _, good = new_identity(tmp_path)
    empty, bad = tmp_path / "empty", tmp_path / "bad"
    empty.write_text("# nobody yet\n\n")
    bad.write_text(f"{good}\n{good[:-3]}\n")
    for settings, kind, words in (
        (EncryptionConfig(recipients_file=empty), "no-recipients", str(empty)),
        (EncryptionConfig(recipients_file=bad), "bad-recipient", f"{bad}: recipient 2"),
        (EncryptionConfig(recipients_file=tmp_path / "none"), "no-file", "recipients_file"),
        (EncryptionConfig(identity_file=tmp_path / "key.txt"), "no-recipients", "targets.shop.encryption"),
        (EncryptionConfig(passphrase_file=tmp_path / "none"), "passphrase", "passphrase_file"),
        (EncryptionConfig(passphrase_env="NOT_SET_ANYWHERE"), "passphrase", "passphrase_env"),
        (EncryptionConfig(passphrase_command=Argv(("false",))), "passphrase", "passphrase_command"),
        (EncryptionConfig(recipients=(good,), workspace=tmp_path / "none"), "no-workspace", "workspace"),
    ):
        error = refused(Target(name="shop", encryption=settings))
        assert (error.kind, words in error.message) == (kind, True), error
    (tmp_path / "blank").write_text("\n")
    error = refused(Target(name="shop", encryption=EncryptionConfig(passphrase_file=tmp_path / "blank")))
    assert "empty" in error.message


def test_the_identity_is_found_in_this_order(tmp_path: Path) -> None:
    names = ("flag", "file", "environment-file", "environment")
    keys = {name: new_identity(tmp_path, name) for name in names}
    settings = EncryptionConfig(recipients=(keys["file"][1],), identity_file=keys["file"][0])
    environment = {
        "DBOPS_IDENTITY_FILE": str(keys["environment-file"][0]),
        "DBOPS_IDENTITY": keys["environment"][0].read_text(),
    }
    for skipped, name in enumerate(names):
        keyring = Keyring(
            {"shop": Target(name="shop", encryption=settings)} if skipped < 2 else {},
            identity=keys["flag"][0] if skipped < 1 else None,
            environment=environment if skipped < 3 else {"DBOPS_IDENTITY": environment["DBOPS_IDENTITY"]},
        )
        assert [one.id for one in keyring.identities("shop")] == [keys[name][1]]
    assert Keyring(environment={}).identities("shop") == []


def test_keys_are_masked_and_their_files_private(tmp_path: Path) -> None:
    path, line = new_identity(tmp_path)
    path.chmod(0o644)
    settings = EncryptionConfig(recipients=(line,), identity_file=path)
    target = Target(name="shop", encryption=settings)
    Keyring({"shop": target}, environment={}).identities("shop")
    assert path.read_text().splitlines()[-1] in known()
    (config := tmp_path / "dbops.toml").write_text(HEAD)
    assert [f.subject for f in exposed_files(load(environment={}, folder=config.parent), target)] == [str(path)]


def test_a_key_file_may_be_encrypted_itself(tmp_path: Path) -> None:
    """As `age-keygen | age --passphrase > key.age` makes one."""
    from dbops.keys import age

    key = age.generate()
    path = tmp_path / "key.age"
    path.write_bytes(age.wrap(key, "open sesame"))
    found = Keyring(identity=path, environment={"DBOPS_PASSPHRASE": "open sesame"}).identities("shop")
    assert [one.id for one in found] == [key.id]


def test_signatures_that_are_asked_for_need_a_key(tmp_path: Path) -> None:
    _, line = new_ssh_key(tmp_path)
    with pytest.raises(ConfigError) as raised:
        Keyring(signed=True, environment={}).trusted("shop")
    assert raised.value.kind == "no-public-key"
    (found,) = Keyring(signed=True, environment={"DBOPS_PUBLIC_KEY": line}).trusted("shop")
    assert line.startswith(found.line)
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(tmp_path / "rsa")], check=True)
    for text in ("nothing", (tmp_path / "rsa.pub").read_text()):
        with pytest.raises(ConfigError) as raised:
            Keyring(environment={"DBOPS_PUBLIC_KEY": text}).trusted("shop")
        assert raised.value.kind == "bad-public-key"
    settings = SigningConfig(key_file=tmp_path / "rsa")
    with pytest.raises(ConfigError) as raised:
        Keyring({"shop": Target(name="shop", signing=settings)}, environment={}).signer("shop")
    assert raised.value.kind == "bad-signing-key"
