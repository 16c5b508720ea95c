"""The reader's language: how it is chosen, and what is translated where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from dbops import language
from dbops.errors import StoreError
from dbops.language import LANGUAGES, chosen, joined, msg, parse, plural, read, tr, translated
from tests.message_places import unmarked
from tests.messages import catalog_path, formatted, messages, placeholders, render, unreadable


@pytest.fixture
def spanish(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With a small catalog."""
    catalog = {
        "{count} tables": "{count} tablas",
        "reading {path}: {why}": "al leer {path}: {why}",
        "{count} row": "{count} fila",
        "{count} rows": "{count} filas",
        "no way out": "sin salida",
        "public": "público",
    }
    monkeypatch.setattr(language, "_catalog", catalog)
    monkeypatch.setattr(language, "_said", {})
    return iter(())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "es_ES.UTF-8"}, "es"),
        ({"LANG": "es"}, "es"),
        ({"LANG": "es_CO@euro"}, "es"),
        ({"LANG": "es_MX.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "es_MX.UTF-8", "LC_ALL": "POSIX"}, "en"),
        ({"LANG": "es_MX.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "es_MX.UTF-8", "LC_ALL": ""}, "es"),
        ({"LANG": "C", "LC_MESSAGES": "es_ES"}, "es"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "est"}, "en"),
        ({"LANG": "es_ES.UTF-8", "DBOPS_LANG": "en"}, "en"),
        ({"LC_ALL": "C", "DBOPS_LANG": "es"}, "es"),
        ({"LC_ALL": "C", "DBOPS_LANG": "es-419"}, "es"),
        ({"LANG": "es_ES.UTF-8", "DBOPS_LANG": "klingon"}, "en"),
    ],
)
def test_the_first_variable_that_is_set_says_the_language(environment: Mapping[str, str], expected: str) -> None:
    assert chosen(environment) == expected


def test_a_message_is_a_plain_string_in_english(spanish: None) -> None:
    text = msg("{count} tables", count=3)
    assert text == "3 tables"
    assert type(text) is str


def test_the_edge_translates_what_was_said(spanish: None) -> None:
    assert translated(msg("{count} tables", count=3)) == "3 tablas"
    assert tr("{count} tables", count=4) == "4 tablas"
    assert translated("5 tables") == "5 tables", "nobody said it: it may be data"


def test_an_error_keeps_its_message_in_english(spanish: None) -> None:
    error = StoreError(msg("reading {path}: {why}", path="/b", why=msg("no way out")))
    assert str(error) == "reading /b: no way out"
    assert translated(error.message) == "al leer /b: sin salida"


def test_a_name_that_is_also_a_message_is_not_translated(spanish: None) -> None:
    msg("public")
    assert translated(msg("reading {path}: {why}", path="public", why="x")) == "al leer public: x"


def test_texts_that_are_joined_are_translated_one_by_one(spanish: None) -> None:
    text = joined("; ", [msg("{count} tables", count=1), "data"])
    assert text == "1 tables; data"
    assert translated(text) == "1 tablas; data"
    assert translated(f"{msg('no way out')}\n{text}\nother") == "sin salida\n1 tablas; data\nother"


@pytest.mark.parametrize(("count", "said"), [(0, "0 filas"), (1, "1 fila"), (2, "2 filas")])
def test_one_thing_is_not_several(count: int, said: str, spanish: None) -> None:
    text = plural(count, "{count} row", "{count} rows")
    assert text == ("1 row" if count == 1 else f"{count} rows")
    assert translated(msg("{target}: {held}", target="a", held=text)) == f"a: {said}"


def test_in_english_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_said", {})
    assert translated(msg("{count} tables", count=3)) == "3 tables"
    assert not language._said


def test_braces_of_a_message_without_parts_stand_for_themselves(spanish: None) -> None:
    assert msg("write keep = { last = 3 }") == tr("write keep = { last = 3 }") == "write keep = { last = 3 }"


def test_a_catalog_is_read_from_its_source() -> None:
    text = """\
# a comment
msgid ""
msgstr "Language: es\\n"

#: somewhere.py:1
msgid "a \\"b\\"\\n"
msgstr ""
"uno "
"dos\\n"

msgid "not yet"
msgstr ""
"""
    assert parse(text) == {'a "b"\n': "uno dos\n"}


def test_whatever_a_person_reads_is_marked() -> None:
    found = [f"{place.file}:{place.line}: {place.text}" for place in unmarked()]
    assert not found, "write msg(…) around it, so that it can be translated"


def test_every_template_is_a_literal() -> None:
    assert not unreadable(), "a translator sees literals only: give the parts by name"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_message_has_a_translation(language: str) -> None:
    texts, known = messages(), read(language)
    missing = [f"{where}: {text}" for text, where in texts.items() if text not in known]
    assert not missing, "python -m tests.messages, then translate them in dbops/locale"
    assert not sorted(set(known) - set(texts)), "nobody says these any more: python -m tests.messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_parts_of_its_message(language: str) -> None:
    known = read(language)
    wrong = [text for text in formatted() if placeholders(text) != placeholders(known[text])]
    assert not wrong
    ends = [text for text, said in known.items() if _outer_spaces(text) != _outer_spaces(said)]
    assert not ends, "spaces at the ends hold texts apart"


def _outer_spaces(text: str) -> tuple[bool, bool]:
    return text[0].isspace(), text[-1].isspace()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalog_is_written_as_the_tool_writes_it(language: str) -> None:
    path = catalog_path(language)
    text = path.read_text(encoding="utf-8")
    assert text == render(language, messages(), parse(text)), "python -m tests.messages"
