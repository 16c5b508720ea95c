"""The messages of dbops, out of its source, and the catalogs of their translations.

`python -m tests.messages` brings the catalogs up to date: it adds what is new, without a translation, and drops what is
gone. `tests/unit/test_language.py` fails until each message has one.
"""

from __future__ import annotations

import ast
import inspect
import json
import string
import sys
import textwrap
from functools import cache
from pathlib import Path

from dbops.language import LANGUAGES, parse
from dbops.migrations.rules import RULES
from dbops.ops.demo_steps import STEPS
from dbops.tasks import flags, namespace
from tests.message_places import ROOT, Module, called, modules

_HEAD = """\
# Messages of dbops in {language}. Kept by `python -m tests.messages`.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Language: {language}\\n"
"""
_WORDS = (
    "PASS",
    "FAIL",
    "INCONCLUSIVE",
    "error",
    "warning",
    "check",
    "downgrade",
    "query",
    "doctor",
    "inventory",
    *STEPS,
)
"""What `tr` is given as a value: verdicts, levels of the log, names of phases."""


def catalog_path(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "dbops.po"


@cache
def messages() -> dict[str, str]:
    """Each message with where it is first used."""
    found: dict[str, str] = {}
    for module in modules():
        for text, node in _marked(module):
            found.setdefault(text, f"{module.name}:{node.lineno}")
    for name, task in namespace.tasks.items():
        assert isinstance(task, flags.Documented)
        for text in (*task.texts.values(), *flags.paragraphs(inspect.cleandoc(task.__doc__ or ""))):
            if not text.startswith(flags.EXAMPLE):
                found.setdefault(text, f"dbops {name}")
    for rule in RULES.values():
        found.setdefault(rule.why, rule.id)
        found.setdefault(rule.fix, rule.id)
    for word in _WORDS:
        found.setdefault(word, "a word")
    return found


def _marked(module: Module) -> list[tuple[str, ast.Call]]:
    found: list[tuple[str, ast.Call]] = []
    for call in module.calls:
        name = called(call)
        if name == "plural":
            found += [
                (text.value, call)
                for text in call.args[1:]
                if isinstance(text, ast.Constant) and isinstance(text.value, str)
            ]
            continue
        first = call.args[name == "timed"] if len(call.args) > (name == "timed") else None
        if (
            name in ("msg", "tr", "phase", "timed", "joined")
            and isinstance(first, ast.Constant)
            and isinstance(first.value, str)
        ) and has_words(first.value, parts=bool(call.keywords)):
            found.append((first.value, call))
    return found


def unreadable() -> list[str]:
    """Calls of `msg` whose template is no literal: nobody could translate it."""
    return [
        f"{module.name}:{call.lineno}"
        for module in modules()
        for call in module.calls
        if (called(call) == "msg" and not _literal(call.args[:1]))
        or (called(call) == "plural" and not _literal(call.args[1:3]))
    ]


def _literal(templates: list[ast.expr]) -> bool:
    return bool(templates) and all(isinstance(template, ast.Constant) for template in templates)


def placeholders(template: str) -> list[str]:
    """What stands in braces, sorted: name, conversion, format."""
    fields = string.Formatter().parse(template)
    return sorted({f"{name}!{conversion}:{form}" for _, name, form, conversion in fields if name is not None})


def formatted() -> set[str]:
    """The templates that have parts; in the others braces stand for themselves."""
    marked = [found for module in modules() for found in _marked(module)]
    return {text for text, call in marked if call.keywords or called(call) == "plural"}


def render(language: str, texts: dict[str, str], known: dict[str, str]) -> str:
    """A .po file, sorted, so that two who add to it rarely meet."""
    lines = [_HEAD.format(language=language)]
    for text in sorted(texts):
        lines.append(f"\nmsgid {_quoted(text)}\nmsgstr {_quoted(known.get(text, ''))}\n")
    return "".join(lines)


def has_words(template: str, *, parts: bool) -> bool:
    """Whether there is something to translate: what only puts its parts together says the same everywhere."""
    literals = [literal for literal, *_ in string.Formatter().parse(template)] if parts else [template]
    return any(c.isalpha() for literal in literals for c in literal)


def _quoted(text: str) -> str:
    if len(text) <= 100:
        return json.dumps(text, ensure_ascii=False)
    pieces = textwrap.wrap(text, 100, drop_whitespace=False, replace_whitespace=False, expand_tabs=False)
    assert "".join(pieces) == text
    return "\n".join(['""', *(json.dumps(piece, ensure_ascii=False) for piece in pieces)])


def main() -> None:
    texts = messages()
    for language in LANGUAGES:
        path = catalog_path(language)
        known = parse(path.read_text(encoding="utf-8")) if path.exists() else {}
        written = render(language, texts, known)
        path.write_text(written, encoding="utf-8")
        missing = [text for text in texts if text not in parse(written)]
        sys.stdout.write(f"{path}: {len(texts)} messages, {len(missing)} without a translation\n")
        sys.stdout.writelines(f"  {texts[text]}: {text}\n" for text in missing[:50])


if __name__ == "__main__":
    main()
