"""The small object by which a store is tried: written, read, deleted. It stays if its process is killed meanwhile."""

from __future__ import annotations

import re
import secrets

_NOBODY = "dbops"
"""Folder of a probe that is made for no target."""
_DOCTOR = re.compile(r"doctor-[0-9a-f]{16}")


def preflight_key(target: str) -> str:
    """The probe of a backup: always the same, for it is written under the target's lock."""
    return f"{target}/.probe"


def doctor_key(target: str | None) -> str:
    """The probe of `doctor`, which holds no lock: another one each time."""
    return f"{target or _NOBODY}/doctor-{secrets.token_hex(8)}"


def is_doctors(key: str) -> bool:
    """Whether a key is one of `doctor_key`, for whatever target."""
    return _DOCTOR.fullmatch(key.partition("/")[2]) is not None


def is_probe(key: str, target: str) -> bool:
    """Whether a key is that of a probe of the target, or of one that was made for no target."""
    folder = key.partition("/")[0]
    return key == preflight_key(target) or (folder in (target, _NOBODY) and is_doctors(key))


def prefixes(target: str) -> tuple[str, ...]:
    """Beginnings of the keys of all those probes, each key under one of them only."""
    return tuple(dict.fromkeys((preflight_key(target), f"{target}/doctor-", f"{_NOBODY}/doctor-")))
