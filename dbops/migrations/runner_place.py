"""Where an application's migrations are run from: its settings of Alembic, its scripts, and the folder to stand in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from dbops.config import Migrations
from dbops.errors import ConfigError
from dbops.language import msg
from dbops.migrations.settings import INI, TOML, Settings, above, locate, settings_of


class Place(NamedTuple):
    """`scripts`: the folder with `env.py`, None if only the application knows it. `ini` and `toml`: Alembic's settings.
    `folder`: relative names in them are relative to it, and the application is imported from it."""

    scripts: Path | None
    ini: Path | None
    toml: Path | None
    folder: Path


def find_place(settings: Migrations) -> Place:
    """Raises `ConfigError` where nothing can be run."""
    directory = Path(os.path.normpath(settings.directory.absolute()))
    if settings.ini is not None:
        return _of_ini(settings, directory)
    for folder in (directory, *above(directory)[1:]):
        found = settings_of(folder)
        if found is None:
            continue
        scripts = _scripts(found, folder, directory)
        if scripts is None:
            continue
        ini = folder / INI if (folder / INI).is_file() else None
        toml = folder / TOML if (folder / TOML).is_file() else None
        # Flask-Migrate keeps its alembic.ini beside env.py; the application is in a folder above.
        stand = _home(settings, folder.parent) if folder == scripts else folder
        return Place(scripts, ini, toml, settings.folder or stand)
    if (directory / "env.py").is_file():
        return Place(directory, None, None, settings.folder or _home(settings, directory.parent))
    raise ConfigError(
        msg("{directory} has no env.py, and no settings of Alembic lead to one", directory=directory),
        hint=msg("name the folder that has env.py and versions/, or one with alembic.ini"),
        kind="no-migrations",
    )


def _of_ini(settings: Migrations, directory: Path) -> Place:
    ini = settings.ini
    assert ini is not None  # noqa: S101 - the caller has looked
    if not ini.is_file():
        raise ConfigError(msg("migrations.ini names {ini}, which is not a file", ini=ini), kind="no-migrations")
    scripts = directory if (directory / "env.py").is_file() else None
    is_toml = ini.suffix == ".toml"
    stand = settings.folder or (ini.parent.parent if ini.parent == scripts else ini.parent)
    return Place(scripts, None if is_toml else ini, ini if is_toml else None, stand)


def _home(settings: Migrations, folder: Path) -> Path:
    """Where the application is that `flask --app` would import: with `--directory migrations/shop` it is not beside the
    scripts, but further up."""
    if settings.kind != "flask-migrate":
        return folder
    named = (settings.app or os.environ.get("FLASK_APP", "")).partition(":")[0].partition(".")[0]
    for place in above(folder):
        for module in (named,) if named else ("wsgi", "app"):
            package = place / module
            if (place / f"{module}.py").is_file() or (package.is_dir() and not (package / "env.py").exists()):
                return place
    return folder


def _scripts(found: Settings, folder: Path, directory: Path) -> Path | None:
    """The folder with `env.py` that settings lead to, if it is the one that is meant."""
    if folder == directory:
        located = locate(found.script_location, [folder]) if found.script_location else folder
        return located if located is not None and (located / "env.py").is_file() else None
    if not found.script_location:
        return None
    located = locate(found.script_location, [folder])
    return located if located is not None and located.samefile(directory) else None
