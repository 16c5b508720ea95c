"""Findings of a preflight: what is expected, what there is, and what to do."""

from __future__ import annotations

from dbops.model import Finding, Severity


def error(kind: str, subject: str, expected: str, actual: str, hint: str) -> Finding:
    """A finding of severity ERROR."""
    return Finding(id=kind, severity=Severity.ERROR, subject=subject, expected=expected, actual=actual, hint=hint)


def warning(kind: str, subject: str, expected: str, actual: str, hint: str = "") -> Finding:
    """A finding of severity WARNING."""
    return Finding(id=kind, severity=Severity.WARNING, subject=subject, expected=expected, actual=actual, hint=hint)
