"""Keys for tests of encryption and signatures, and the plain `age` program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import need


def age_tool() -> str:
    """The plain `age` program, written by somebody else in another language."""
    return shutil.which("age") or need("the age program is not installed")


def new_identity(folder: Path, name: str = "key.txt") -> tuple[Path, str]:
    """A key file of age, and its recipient."""
    pyrage = pytest.importorskip("pyrage")
    key = pyrage.x25519.Identity.generate()
    path = folder / name
    path.touch(0o600)
    path.write_text(f"# created: 2026-11-24T02:45:00Z\n# public key: {key.to_public()}\n{key}\n")
    return path, str(key.to_public())


def new_ssh_key(folder: Path, kind: str = "ed25519", name: str = "") -> tuple[Path, str]:
    """A private key of OpenSSH without a passphrase, and its public line."""
    path = folder / (name or f"ssh_{kind}")
    size = ["-b", "2048"] if kind == "rsa" else []
    argv = [shutil.which("ssh-keygen") or need("ssh-keygen is not installed")]
    subprocess.run([*argv, "-q", "-t", kind, *size, "-N", "", "-C", "a test", "-f", str(path)], check=True)
    return path, path.with_name(f"{path.name}.pub").read_text().strip()
