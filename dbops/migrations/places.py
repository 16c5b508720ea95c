"""Where in a file a finding is: `versions/1a2b_add_name.py:12`, as its subject has it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

_PLACE = re.compile(r"(?P<path>.+\.(?:py|pyc|ini|toml))(?::(?P<line>[0-9]{1,7}))?", re.DOTALL)


class Place(NamedTuple):
    """`path` is relative to the root of the history; `line` counts from 1, and is 0 where none is known."""

    path: str
    line: int


def place_of(subject: str) -> Place | None:
    """The place that a finding is about; None for one that is about no file."""
    match = _PLACE.fullmatch(subject)
    return Place(match["path"], int(match["line"] or 0)) if match else None


def prefix(root: Path) -> str:
    """What makes a path below `root` one from the root of its repository, as tools that show a diff want it; from the
    working folder where there is no repository. '' or a path that ends with `/`; absolute as a last resort."""
    root = Path(os.path.abspath(root))  # noqa: PTH100 - `resolve` would follow links out of the repository
    top = next((folder for folder in [root, *root.parents] if (folder / ".git").exists()), Path.cwd())
    if not root.is_relative_to(top):
        return f"{root.as_posix()}/"
    below = root.relative_to(top).as_posix()
    return "" if below == "." else f"{below}/"
