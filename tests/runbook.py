"""Runbooks in Markdown whose console blocks are run: what stands in them is what happens.

A block of the language `console` is a session of bash: a line that begins with `$ ` is a command (`> ` goes on with
it), what follows is what it must print on both outputs together. `# exit 3` at its end is the exit code that it must
have, where that is not 0. In what must be printed `…` stands for anything. Ids, times, durations and sizes are compared
as kinds, not as values; line breaks count as spaces, since a longer path breaks a line elsewhere.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Self

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"# exit (\d+)$")
VOLATILE = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\d{8}T\d{6}Z"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (?:bytes|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)(?!\w)"), "SIZE"),
    (re.compile(r"\b\d+(\.\d+)? ?(?:ms|s|min|h|d)\b"), "DURATION"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "HASH"),
    (re.compile(r"\s+"), " "),
)


class Command(NamedTuple):
    line: int
    """In the Markdown."""
    text: str
    expected: str
    code: int

    def differs(self, printed: str) -> bool:
        """Whether something else was printed than is written."""
        pieces = [re.escape(piece.strip()) for piece in normal(self.expected).split("…")]
        return re.fullmatch(r"\s?.*?\s?".join(pieces), normal(printed)) is None


def normal(text: str) -> str:
    for pattern, kind in VOLATILE:
        text = pattern.sub(kind, text)
    return text.strip()


def fences(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, language, body) of every fenced block."""
    for found in FENCE.finditer(text):
        yield text.count("\n", 0, found.start()) + 2, found[1], found[2]


def commands(text: str) -> list[Command]:
    """Of all console blocks, in order."""
    return [command for line, language, body in fences(text) if language == "console" for command in _block(line, body)]


def _block(line: int, body: str) -> Iterator[Command]:
    for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        if not part:
            continue
        if not part.startswith("$ "):
            raise ValueError(f"line {line}: output of no command: {part!r}")
        first, *rest = part.splitlines()
        more = [one for one in rest if one.startswith("> ")]
        text = "\n".join([first[2:], *(one[2:] for one in more)])
        code = EXIT.search(first)
        yield Command(line, text, "\n".join(rest[len(more) :]), int(code[1]) if code else 0)
        line += len(part.splitlines())


class Shell(AbstractContextManager["Shell"]):
    """One bash for all commands, without a terminal."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._end = f"end-{secrets.token_hex(8)}"
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, command: str) -> tuple[int, str]:
        """Its exit code, and what it printed on both outputs. The command reads from /dev/null."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        # In braces, so that a comment ends with its line and a variable that is set stays.
        self._bash.stdin.write(f"{{ {command}\n}} </dev/null\necho {self._end} $?\n".encode())
        self._bash.stdin.flush()
        printed = b""
        for line in self._bash.stdout:
            before, found, code = line.partition(self._end.encode())
            printed += before
            if found:
                return int(code), printed.decode()
        raise AssertionError(f"the shell has ended: {printed.decode()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.close()
        self._bash.wait(60)
        self._bash.stdout.close()


def path_with(*folders: Path) -> str:
    return os.pathsep.join([*map(str, folders), os.environ["PATH"]])
