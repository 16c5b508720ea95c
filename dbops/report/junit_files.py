"""Several JUnit files as one: their suites side by side, the sums in the root."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

_SUMS = ("tests", "failures", "errors", "skipped")


def joined(paths: Sequence[Path]) -> str:
    """`paths`: files of our own runs."""
    root = ElementTree.Element("testsuites")
    for path in paths:
        root.extend(ElementTree.parse(path).getroot().iter("testsuite"))  # noqa: S314 - written by pytest a moment ago
    for name in _SUMS:
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
