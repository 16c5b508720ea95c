"""Bytes as they pass: counted and hashed, once."""

from __future__ import annotations

import hashlib


class Hashed:
    """Size and SHA-256 of the bytes that have passed. The base of the stores' writers, and of use by itself."""

    def __init__(self) -> None:
        self._bytes = 0
        self._digest = hashlib.sha256()

    def passed(self, data: bytes) -> None:
        """Counts and hashes one more piece."""
        self._digest.update(data)
        self._bytes += len(data)

    @property
    def bytes(self) -> int:
        return self._bytes

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()
