"""Manifests, reports and errors as JSON text: keys in the model's order, two spaces, a line end."""

from __future__ import annotations

from typing import Any

import msgspec

from dbops.errors import DbopsError
from dbops.model import Manifest, Report


def document(value: Any) -> str:
    """Any value of the model, or plain containers of them, as one JSON document."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def report_json(report: Report) -> str:
    return document(report)


def manifest_json(manifest: Manifest) -> str:
    return document(manifest)


def error_document(error: DbopsError) -> dict[str, dict[str, str]]:
    return {"error": {"kind": error.kind, "message": error.message, "hint": error.hint}}
