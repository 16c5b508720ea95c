"""The language of whoever reads at the terminal. Everything else (JSON, JUnit, logs, what is stored) stays English.

A message is made in English by `msg`, from a template and its parts, and is an ordinary string: it may be stored,
compared and encoded. Where the reader wants another language, its translation is remembered beside it, and the edge
(`console`, `report.text`, `cli`) asks `translated` for it just before it writes. In English none of this happens, and
no catalog is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

VARIABLES = ("DBOPS_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is not empty says the language."""
LANGUAGES = ("es",)
"""Those that there is a catalog of, beside English."""

_PLAIN = ("none", "nothing", "refused")
"""Single words that are translated within a message: nobody gives a database such a name."""
_catalog: Mapping[str, str] | None = None
_said: dict[str, str] = {}
"""What was said in this run, with its translation: not longer than the reports of the run are."""


def msg(template: str, /, **parts: Any) -> str:
    """A message for people, in English. `template` is a literal: it is what translators see (`str.format`, where there
    are parts). Parts that are messages themselves are translated too, unless they are single words, which may be names.
    """
    return _made(template, parts)


def plural(number: int, one: str, many: str, /, **parts: Any) -> str:
    """A message about so many things: `one` where there is one of them, else `many`. Its part `count` is the number."""
    return _made(one if number == 1 else many, {"count": number, **parts})


def _made(template: str, parts: Mapping[str, Any]) -> str:
    text = template.format(**parts) if parts else template
    if catalog():
        _said[text] = tr(template, **parts)
    return text


def tr(template: str, /, **parts: Any) -> str:
    """A message in the reader's language, for text that goes to the terminal and nowhere else."""
    chosen = catalog().get(template, template)
    return chosen.format(**{name: _part(value) for name, value in parts.items()}) if parts else chosen


def joined(separator: str, texts: Iterable[str]) -> str:
    """`separator.join`, for messages."""
    texts = list(texts)
    text = separator.join(texts)
    if catalog() and texts:
        _said[text] = tr(separator).join(map(translated, texts))
    return text


def some(texts: Sequence[str], most: int = 5, *, count: int | None = None, separator: str = ", ") -> str:
    """The first `most` of many names or other texts, and how many more there are: of `count` in all, if `texts` are
    not all themselves."""
    first, more = joined(separator, texts[:most]), (len(texts) if count is None else count) - most
    if more <= 0:
        return first
    if separator == ", ":
        return msg("{first} and {count} more", first=first, count=more)
    return msg("{first}{separator}and {count} more", first=first, separator=separator, count=more)


def translated(text: str) -> str:
    """What was said by `msg`, in the reader's language; several lines one by one; any other text as it is."""
    if not catalog():
        return text
    if text in _said or "\n" not in text:
        return _said.get(text, text)
    return "\n".join(_said.get(line, line) for line in text.split("\n"))


def _part(value: Any) -> Any:
    return translated(value) if isinstance(value, str) and (" " in value or value in _PLAIN) else value


def catalog() -> Mapping[str, str]:
    """English to the reader's language; empty for English."""
    global _catalog
    if _catalog is None:
        use(chosen(os.environ))
    return _catalog or {}


def use(language: str) -> None:
    """From now on in this language."""
    global _catalog
    _catalog = read(language) if language in LANGUAGES else {}


def chosen(environment: Mapping[str, str]) -> str:
    """`es` for `es`, `es_CO.UTF-8`, `es-MX`; `en` for all that there is no catalog of (`C`, `POSIX`, `fr_FR`)."""
    wanted = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    language = wanted.replace("-", "_").replace(".", "_").replace("@", "_").partition("_")[0].lower()
    return language if language in LANGUAGES else "en"


def read(language: str) -> dict[str, str]:
    """The catalog, from its gettext source: there is no compiled file that could be older (docs/decisions/046)."""
    path = files("dbops") / "locale" / language / "LC_MESSAGES" / "dbops.po"
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, str]:
    """Messages of a .po file with `msgid` and `msgstr` alone. Those without a translation are left out."""
    entries: list[dict[str, str]] = []
    key = ""
    for line in text.splitlines():
        word, _, quoted = line.partition(" ")
        if word in ("msgid", "msgstr"):
            key = word
            if key == "msgid":
                entries.append({"msgid": "", "msgstr": ""})
        elif line.startswith('"'):
            quoted = line
        else:
            continue
        entries[-1][key] += json.loads(quoted)  # gettext's escapes are JSON's
    return {entry["msgid"]: entry["msgstr"] for entry in entries if entry["msgid"] and entry["msgstr"]}
