"""Signatures: what was signed holds; whatever else is refused with the reason. OpenSSL and ssh-keygen agree."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from dbops.keys import signing
from tests.keys import new_ssh_key
from tests.needs import need

NAME = "shop/20261124T024500Z/manifest.json"
DATA = b'{"format": 1}\n'


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> signing.SigningKey:
    path, _ = new_ssh_key(tmp_path_factory.mktemp("keys"))
    return signing.signing_key(path.read_bytes())


def test_what_was_signed_holds(key: signing.SigningKey) -> None:
    document = signing.sign(key, NAME, DATA)
    for trusted in ((), (key.public,)):
        assert signing.check(document, NAME, DATA, trusted) == signing.Signature(key.public, "")
    after = signing.sign(key, NAME, DATA, document)
    assert len(signing.check(after, NAME, DATA, ()).previous) == 64


def test_whatever_else_does_not(key: signing.SigningKey, tmp_path: Path) -> None:
    document = signing.sign(key, NAME, DATA)
    other = signing.signing_key(new_ssh_key(tmp_path)[0].read_bytes())
    forged = document.replace(key.public.line.encode(), other.public.line.encode())
    digest = document.splitlines()[2]
    for changed, name, data, words in (
        (document, NAME, DATA + b" ", "edited"),
        (document, NAME.replace("0245", "0246"), DATA, "moved"),
        (signing.sign(other, NAME, DATA), NAME, DATA, "not trusted"),
        (forged, NAME, DATA, "forged"),
        (document.replace(digest, b"sha256: " + b"0" * 64), NAME, DATA, "forged"),
        (document.replace(b"previous: none", b"previous: " + b"0" * 64), NAME, DATA, "forged"),
        (document[:-40] + b"\n", NAME, DATA, "forged"),
        (b"", NAME, DATA, "not one of dbops"),
        (document + b"more", NAME, DATA, "not one of dbops"),
        (b"\xff" + document, NAME, DATA, "not one of dbops"),
    ):
        with pytest.raises(signing.SignatureError, match=words):
            signing.check(changed, name, data, (key.public,))


def test_openssl_checks_a_signature_too(tmp_path: Path) -> None:
    """With the commands that the module names."""
    openssl = shutil.which("openssl") or need("openssl is not installed")
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    subprocess.run([openssl, "genpkey", "-algorithm", "ed25519", "-out", str(private)], check=True, capture_output=True)
    subprocess.run([openssl, "pkey", "-in", str(private), "-pubout", "-out", str(public)], check=True)
    key = signing.signing_key(private.read_bytes())
    assert signing.public_key(public.read_text()) == key.public
    lines = signing.sign(key, NAME, DATA).splitlines(keepends=True)
    (tmp_path / "statement").write_bytes(b"".join(lines[:5]))
    (tmp_path / "signature").write_bytes(base64.b64decode(lines[5].split()[1]))
    argv = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "statement"]
    done = subprocess.run([*argv, "-sigfile", "signature"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_ids_are_what_ssh_keygen_prints(tmp_path: Path) -> None:
    path, line = new_ssh_key(tmp_path)
    printed = subprocess.run(["ssh-keygen", "-l", "-f", str(path)], capture_output=True, text=True, check=True).stdout
    assert signing.public_key(line).id == signing.signing_key(path.read_bytes()).public.id == printed.split()[1]


def test_a_key_that_is_none(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(locked)], check=True)
    rsa, rsa_line = new_ssh_key(tmp_path, "rsa")
    for data, words in (
        (b"", "no private key"),
        (locked.read_bytes(), "passphrase"),
        (rsa.read_bytes(), "another kind"),
    ):
        with pytest.raises(ValueError, match=words):
            signing.signing_key(data)
    for text, words in (("", "no public key"), ("ssh-ed25519 AAAA", "no public key"), (rsa_line, "another kind")):
        with pytest.raises(ValueError, match=words):
            signing.public_key(text)
