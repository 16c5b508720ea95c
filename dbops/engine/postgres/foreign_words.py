"""What psql and pg_restore say about a dump that does not load, without the data that they quote."""

from __future__ import annotations

import re

_WORDS = 8
_LONGEST = 300
_VALUE = re.compile(r'(: )".*"', re.DOTALL)
_KEY = re.compile(r"(Key \(.*?\))=\(.*\)", re.DOTALL)
_ROW = re.compile(r"(row contains) \(.*\)", re.DOTALL)
_CONTEXT = re.compile(r"(COPY [^\n]*?, line \d+(?:, column [^:\n]+)?)(?:: .*)?$")
_COMMAND = re.compile(r"^Command was: (.*)$")
_DATA = re.compile(r"'|\$\w*\$|\bVALUES\b|\(", re.IGNORECASE)
_ROLE = re.compile(r'role "(.+)" does not exist')


def masked(text: str) -> str:
    """The words of a server or tool, each line of them, with the values of rows left out."""
    return "\n".join(_line(line) for line in text.splitlines())


def _line(line: str) -> str:
    if match := _COMMAND.match(line):
        return f"Command was: {first_words(match[1])} …"
    if match := _CONTEXT.search(line):
        return line[: match.start()] + match[1]
    line = _KEY.sub(r"\1=(…)", line)
    line = _ROW.sub(r"\1 (…)", line)
    return _VALUE.sub(r'\1"…"', line)[:_LONGEST]


def first_words(statement: str) -> str:
    """How a statement begins, up to where it could hold data: `INSERT INTO public.customers`."""
    found = _DATA.search(statement)
    head = statement[: found.start()] if found else statement
    return " ".join(head.rstrip(";").split()[:_WORDS])[:_LONGEST]


ENVIRONMENT = (
    (re.compile(r'extension "(.+?)" is not available'), "missing-extension"),
    (re.compile(r"could not open extension control file"), "missing-extension"),
    (re.compile(r'could not access file "(.+?)": No such file'), "missing-library"),
    (re.compile(r"(?:invalid locale name|invalid LC_\w+|collation .* for encoding .* does not exist)"), "locale"),
    (re.compile(r"(?:could not create locale|locale .* does not exist|invalid (?:collation|ctype))"), "locale"),
    (re.compile(r"encoding .* does not match locale"), "locale"),
    (re.compile(r"ICU is not supported|could not open collator"), "locale"),
    (re.compile(r'(?:database|role) ".+" already exists'), "server-not-empty"),
    (re.compile(r"No space left on device|out of memory|out of shared memory"), "sandbox-full"),
    (re.compile(r"unrecognized configuration parameter"), "unknown-parameter"),
)
"""Errors of a restore that say what the server lacks, not what the dump does."""
LOST = ("server closed the connection", "terminating connection", "could not connect", "connection to server")


def environment_kind(words: str) -> str:
    """The kind of what the server lacks, by its words; '' where the dump is to blame."""
    return next((kind for pattern, kind in ENVIRONMENT if pattern.search(words)), "")
