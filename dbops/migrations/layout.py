"""Where the revision files of a project are, by its own settings, and which files Alembic would load."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dbops.language import msg, plural
from dbops.migrations.settings import Settings, above, locate, settings_of
from dbops.migrations.values import Kind, Problem

_LOADED = re.compile(r"(?!\.#|__init__).*\.py")
_COMPILED = re.compile(r"(?!\.#|__init__).*\.py[co]")
_HEAD_BYTES = 8192
_USUAL = ("migrations", "alembic")
_GIT_KEEPS_NO_EMPTY_FOLDERS = msg("is `version_locations` right? Alembic passes over a missing folder in silence")


class Layout(NamedTuple):
    """`root`: what names of files are relative to. `folders`: those with revisions, in the order of Alembic."""

    root: Path
    folders: tuple[Path, ...] = ()
    recursive: bool = False
    sourceless: bool = False
    problems: tuple[Problem, ...] = ()

    def name(self, path: Path) -> str:
        """The path relative to the root, where it is below it."""
        return _name(self.root, path)


def find(directory: Path) -> Layout:
    """The layout of `directory`: the folder with `env.py`, one with Alembic's settings, or one with revisions alone."""
    directory = Path(os.path.normpath(directory.absolute()))
    if not directory.is_dir():
        text = msg("there is no such folder")
        hint = msg("name the folder that has env.py and versions/")
        return Layout(
            directory, problems=(Problem(kind=Kind.NO_FOLDER, path=str(directory), line=0, text=text, hint=hint),)
        )
    settings = settings_of(directory)
    scripts = directory
    if settings is not None and settings.script_location:
        scripts = locate(settings.script_location, [directory]) or directory
    elif settings is None:
        settings = _settings_above(directory)
        if settings is None and not (directory / "env.py").exists() and not (directory / "versions").is_dir():
            usual = next((directory / name for name in _USUAL if (directory / name / "env.py").is_file()), None)
            if usual is not None:
                scripts, settings = usual, settings_of(usual)
    return _folders(directory, scripts, settings or Settings(scripts))


def files(layout: Layout) -> Iterator[tuple[str, Path]]:
    """The files that Alembic would load, by name and path, each once however many folders and links lead to it."""
    seen: set[str] = set()
    for folder, names in _walk(layout):
        real, shown = os.path.realpath(folder), layout.name(Path(folder))
        before = (
            "" if shown == "." else f"{shown}/"
        )  # names are put together as text: a Path each takes as long as a read
        for name in filter(_LOADED.fullmatch, names):
            path = Path(folder, name)
            once = os.path.realpath(path) if path.is_symlink() else f"{real}/{name}"
            if once not in seen:
                seen.add(once)
                yield before + name, path


def is_loaded(path: Path) -> bool:
    """Whether Alembic would load a file of this name; it passes over `__init__.py` and the locks of Emacs alone."""
    return _LOADED.fullmatch(path.name) is not None


def compiled_only(layout: Layout) -> Iterator[Problem]:
    """Revisions that Alembic would load from compiled code, where it is told to: they are not read."""
    if not layout.sourceless:
        return
    files = [Path(folder, name) for folder, names in _walk(layout, caches=True) for name in names]
    sources = {path.name.partition(".")[0] for path in files if is_loaded(path)}
    for path in files:
        if _COMPILED.fullmatch(path.name) and path.name.partition(".")[0] not in sources:
            yield Problem(
                kind=Kind.SOURCELESS,
                path=layout.name(path),
                line=0,
                text=msg("there is only compiled code, which is not read"),
                hint=msg("judge the history where its source is"),
            )


def passed_over(layout: Layout) -> Iterator[Problem]:
    """Files that look like revisions in subfolders that Alembic does not look into."""
    for folder in layout.folders if not layout.recursive else ():
        inner: dict[str, int] = {}
        for where, folders, names in os.walk(folder):
            folders[:] = sorted(
                one for one in folders if one != "__pycache__" and Path(where, one) not in layout.folders
            )
            if Path(where) != folder:
                count = sum(is_loaded(Path(name)) and _looks_like_one(Path(where, name)) for name in names)
                inner |= {layout.name(Path(where)): count} if count else {}
        if inner:
            places = ", ".join([*inner][:4]) + (" …" if len(inner) > 4 else "")
            count = sum(inner.values())
            yield Problem(
                kind=Kind.SUBFOLDER,
                path=layout.name(folder),
                line=0,
                text=plural(
                    count,
                    "{count} file that looks like a revision in {places}",
                    "{count} files that look like revisions in {places}",
                    places=places,
                ),
                hint=msg(
                    "set recursive_version_locations = true, or list them in version_locations; where the application "
                    "does that in its code, name one of them with --directory"
                ),
            )


def _looks_like_one(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.is_file() and b"\ndown_revision" in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _settings_above(directory: Path) -> Settings | None:
    """Settings in a folder above whose scripts are those of `directory`, or that cannot be read."""
    for folder in above(directory)[1:]:
        found = settings_of(folder)
        if found is not None and found.problems:
            return found
        for section in (found, *found.others.values()) if found is not None else ():
            scripts = locate(section.script_location, [folder]) if section.script_location else None
            if scripts is not None and scripts.samefile(directory):
                return section
    return None


def _folders(root: Path, scripts: Path, settings: Settings) -> Layout:
    folders: list[Path] = []
    problems = [
        Problem(kind=one.kind, path=_name(root, Path(one.path)), line=one.line, text=one.text, hint=one.hint)
        for one in settings.problems
    ]
    for location in settings.version_locations:
        folder = locate(location, [settings.here, scripts])
        if folder is None:
            text = msg("this folder of `version_locations` is not there")
            problems.append(
                Problem(
                    kind=Kind.FOLDER_MISSING,
                    path=_name(root, Path(location)),
                    line=0,
                    text=text,
                    hint=_GIT_KEEPS_NO_EMPTY_FOLDERS,
                )
            )
        else:
            folders.append(folder)
    if not settings.version_locations:
        if (scripts / "versions").is_dir():
            folders = [scripts / "versions"]
        elif not (scripts / "env.py").exists() and any(scripts.glob("*.py")):
            folders = [scripts]
    if not folders:
        text, hint = _no_folder(settings)
        problems.append(Problem(kind=Kind.NO_FOLDER, path=_name(root, scripts), line=0, text=text, hint=hint))
    return Layout(root, tuple(dict.fromkeys(folders)), settings.recursive, settings.sourceless, tuple(problems))


def _no_folder(settings: Settings) -> tuple[str, str]:
    """What is said where no revisions can be, and what to do."""
    if settings.others and not settings.script_location:
        places = (f"{one.script_location} [{name}]" for name, one in settings.others.items())
        text = msg("the settings are for {count} places", count=len(settings.others))
        return text, msg("name the folder of one: {places}", places=", ".join(places))
    hint = msg("name the folder that has env.py and versions/")
    where = settings.script_location
    if where and not locate(where, [settings.here]):
        return msg("script_location is {where}, and there is no such folder", where=where), hint
    return msg("there is no folder with revisions"), hint


def _walk(layout: Layout, *, caches: bool = False) -> Iterator[tuple[str, list[str]]]:
    """The names in each of the folders, sorted; those of `__pycache__` only on request."""
    for folder in layout.folders:
        for where, folders, names in os.walk(folder):
            folders.sort()
            if caches and "__pycache__" in folders:
                cache = Path(where) / "__pycache__"
                yield str(cache), sorted(path.name for path in cache.iterdir())
            if not where.endswith("__pycache__"):
                yield where, sorted(names)
            if not layout.recursive:
                break


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
