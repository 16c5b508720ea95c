"""Alembic's own settings, from `alembic.ini` and `[tool.alembic]` of `pyproject.toml`, as Alembic reads them."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dbops.language import msg
from dbops.migrations.values import Kind, Problem

_MAIN = "alembic"
INI, TOML = "alembic.ini", "pyproject.toml"
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_LEGACY_SEPARATOR = re.compile(r", *|(?: +)")
_ANCESTORS = 6


class Settings(NamedTuple):
    """What matters here of one folder's settings; `here` is that folder. Locations are as written. `others`: the
    sections of `alembic.ini` for other databases, by name, which `alembic --name` would choose between."""

    here: Path
    script_location: str | None = None
    version_locations: tuple[str, ...] = ()
    recursive: bool = False
    sourceless: bool = False
    problems: tuple[Problem, ...] = ()
    others: Mapping[str, Settings] = {}


class _SettingsError(Exception):
    """The settings cannot be read; the text says why."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.text, self.line = text, line


def settings_of(folder: Path) -> Settings | None:
    """The settings in a folder, if any: an option of `alembic.ini` counts before that of `pyproject.toml`."""
    options: dict[str, Any] = {}
    problems: list[Problem] = []
    others: dict[str, Settings] = {}
    found = False
    for path, parse in ((folder / TOML, _toml), (folder / INI, _ini)):
        if not path.is_file():
            continue
        try:
            own = parse(path)
        except _SettingsError as error:
            found = found or path.name == INI or b"tool.alembic" in path.read_bytes()
            problems.append(
                Problem(kind=Kind.SETTINGS, path=str(path), line=error.line, text=error.text, hint=f"mend {path.name}")
            )
            continue
        found = found or own is not None
        sections = own or {}
        options.update(sections.pop(_MAIN, {}))
        others.update({name: _settings(folder, one) for name, one in sections.items()})
    if not found:
        return None
    return _settings(folder, options)._replace(problems=tuple(problems), others=others)


def _settings(folder: Path, options: Mapping[str, Any]) -> Settings:
    return Settings(
        here=folder,
        script_location=options.get("script_location"),
        version_locations=tuple(options.get("version_locations") or ()),
        recursive=bool(options.get("recursive_version_locations")),
        sourceless=bool(options.get("sourceless")),
    )


def locate(location: str, bases: Iterable[Path]) -> Path | None:
    """The folder that a location names. One that is not absolute is relative to where Alembic is started, which nobody
    wrote down: the first of `bases`, and the folders above each, in which it exists. `package:folder` is looked for in
    the same places, since importing the package would run it."""
    if Path(location).is_absolute():
        return Path(location) if Path(location).is_dir() else None
    package, colon, rest = location.partition(":")
    parts = [package.replace(".", "/"), *rest.split(":")] if colon else [location]
    for base in bases:
        for start in above(base):
            for prefix in ("", "src") if colon else ("",):
                folder = Path(os.path.normpath(start.joinpath(prefix, *parts)))
                if folder.is_dir():
                    return folder
    return None


def above(folder: Path) -> list[Path]:
    """The folder and those above it, up to the one that is a repository's root, and not many."""
    found: list[Path] = []
    for one in [folder, *folder.parents][:_ANCESTORS]:
        found.append(one)
        if (one / ".git").exists():
            break
    return found


def _toml(path: Path) -> dict[str, dict[str, Any]] | None:
    try:
        with path.open("rb") as file:
            section = tomllib.load(file).get("tool", {}).get("alembic")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise _SettingsError(str(error)) from None
    if section is None:
        return None
    if not isinstance(section, Mapping):
        raise _SettingsError(msg("tool.alembic is not a table"))
    options = dict(section)
    here = {"here": path.parent.absolute().as_posix()}
    try:
        if isinstance(options.get("script_location"), str):
            options["script_location"] = options["script_location"] % here
        if "version_locations" in options:
            if not isinstance(options["version_locations"], list):
                raise _SettingsError(
                    msg("tool.alembic.version_locations is no list: Alembic takes a text letter by letter")
                )
            options["version_locations"] = [str(one) % here for one in options["version_locations"]]
    except (KeyError, TypeError, ValueError) as error:
        raise _SettingsError(msg("tool.alembic: {kind}: {error}", kind=type(error).__name__, error=error)) from None
    return {_MAIN: options}


def _ini(path: Path) -> dict[str, dict[str, Any]] | None:
    parser = configparser.ConfigParser({"here": path.parent.absolute().as_posix()})
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=path.name)
        return {
            name: _options(parser[name])
            for name in parser.sections()
            if name == _MAIN or ("script_location" in parser[name] and "script_location" not in parser.defaults())
        }
    except configparser.Error as error:
        text = getattr(error, "message", str(error)).replace("\n", " ")
        lines = [number for number, _ in getattr(error, "errors", ())]
        raise _SettingsError(text, getattr(error, "lineno", None) or (lines[0] if lines else 0)) from None
    except (UnicodeDecodeError, OSError) as error:
        raise _SettingsError(str(error)) from None


def _options(section: configparser.SectionProxy) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if "script_location" in section:
        options["script_location"] = section["script_location"]
    if section.get("version_locations"):
        options["version_locations"] = _split(section)
    for name in ("recursive_version_locations", "sourceless"):
        if name in section:
            options[name] = section[name] == "true"
    return options


def _split(section: configparser.SectionProxy) -> list[str]:
    text = section["version_locations"]
    name = next((one for one in ("path_separator", "version_path_separator") if one in section), None)
    if name is None:
        return [one for one in _LEGACY_SEPARATOR.split(text.strip()) if one]
    separator = _SEPARATORS.get(section[name])
    if separator is None:
        raise _SettingsError(
            msg(
                "{name} = {value}: Alembic knows {known}",
                name=name,
                value=section[name],
                known=", ".join(_SEPARATORS),
            )
        )
    return [one.strip() for one in text.split(separator) if one.strip()]
