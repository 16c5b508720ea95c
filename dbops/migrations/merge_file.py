"""The file of a merge revision, as `alembic merge` would write it: template, name and folder are the application's own.

It is rendered here and not by Alembic, which would import every revision of the application for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dbops.errors import ConfigError
from dbops.language import msg
from dbops.migrations.history import History
from dbops.migrations.layout import find
from dbops.migrations.runner_place import Place
from dbops.migrations.settings import INI

_ID_LENGTH = 12
"""As Alembic's own; `version_num` holds 32 characters."""
_NAME = "%%(rev)s_%%(slug)s"
_SLUG = 40
_WORDS = re.compile(r"\w+")
PLAIN = '''"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}

"""

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    pass


def downgrade():
    pass
'''
"""For an application without a template."""


class MergeFile(NamedTuple):
    """A merge revision that is not written yet: its id, where it belongs, its text."""

    id: str
    path: Path
    text: str


def merge_id(history: History, heads: Sequence[str]) -> str:
    """Made of the heads, so that two people who merge the same ones at the same time write one revision, not two heads
    again. `ConfigError` if every such id is taken."""
    for number in range(1000):
        text = "\n".join([*sorted(heads), *([str(number)] if number else [])])
        name = hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]
        if name not in history:
            return name
    raise ConfigError(msg("no id is left for a merge of these heads"), kind="merge-id")


def render(history: History, place: Place, heads: Sequence[str], message: str, reason: str, now: datetime) -> MergeFile:
    """The merge of all these heads. `reason`: why they are merged although they are not shown to commute, for the
    docstring. Raises `ConfigError` where the template or the settings cannot be used."""
    options = _Options(place)
    name = merge_id(history, heads)
    slug = _slug(message, options.number("truncate_slug_length", _SLUG))
    text = message if not reason else f"{message}\n\nMerged although the branches are not shown to commute: {reason}"
    moment = options.moment(now)
    values = {
        "up_revision": name,
        "down_revision": tuple(heads),
        "branch_labels": None,
        "depends_on": None,
        "create_date": moment,
        "comma": _comma,
        "message": _in_docstring(text),
        "imports": "",
        "upgrades": "",
        "downgrades": "",
        "config": options.config,
    }
    folder = _folder(history, heads)
    file = options.text("file_template", _NAME) % {
        "rev": name,
        "slug": slug,
        "epoch": int(moment.timestamp()),
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "hour": moment.hour,
        "minute": moment.minute,
        "second": moment.second,
    }
    return MergeFile(name, folder / f"{file}.py", _rendered(place, values))


def _rendered(place: Place, values: dict[str, Any]) -> str:
    from mako.exceptions import MakoException
    from mako.template import Template

    own = place.scripts / "script.py.mako" if place.scripts is not None else None
    try:
        if own is not None and own.is_file():
            template = Template(filename=str(own), output_encoding=None)  # noqa: S702 - it makes no HTML
        else:
            template = Template(text=PLAIN)  # noqa: S702
        return str(template.render_unicode(**values))
    except (MakoException, NameError, AttributeError, TypeError, ValueError, KeyError, SyntaxError) as error:
        raise ConfigError(
            msg(
                "{own}: the template of new revisions cannot be rendered: {name}: {error}",
                own=own,
                name=type(error).__name__,
                error=error,
            ),
            hint=msg("does `alembic revision` work with it?"),
            kind="merge-template",
        ) from None


class _Options:
    """Alembic's settings that are about new files, read by Alembic's own `Config`."""

    def __init__(self, place: Place) -> None:
        from alembic.config import Config

        named: dict[str, Any] = {"toml_file": str(place.toml)} if place.toml is not None else {}
        ini = place.ini or (place.scripts / INI if place.scripts is not None else None)
        self.config = Config(str(ini) if ini is not None and ini.is_file() else None, **named)
        if self.config.cmd_opts is None:
            self.config.cmd_opts = SimpleNamespace(x=None)  # type: ignore[assignment]

    def text(self, name: str, default: str) -> str:
        found = self.config.get_alembic_option(name)
        # In alembic.ini a percent sign is written twice, and the parser gives it back once.
        return str(found) if found else default.replace("%%", "%")

    def number(self, name: str, default: int) -> int:
        found = self.text(name, str(default))
        if not found.isdigit():
            raise ConfigError(
                msg("{name} = {found!r} in Alembic's settings: not a number", name=name, found=found),
                kind="config-value",
            )
        return int(found)

    def moment(self, now: datetime) -> datetime:
        """The time as Alembic writes it: without a zone, in the one of its settings, else in the machine's own."""
        zone = self.text("timezone", "")
        if not zone:
            return now.astimezone().replace(tzinfo=None)
        try:
            return now.astimezone(UTC if zone.upper() == "UTC" else ZoneInfo(zone))
        except (KeyError, ValueError, OSError):
            raise ConfigError(
                msg("timezone = {zone!r} in Alembic's settings: not a zone", zone=zone), kind="config-value"
            ) from None


def _folder(history: History, heads: Sequence[str]) -> Path:
    """That of the first head, as Alembic has it where there are several."""
    path = Path(history[heads[0]].path)
    folder = (history.root / path).parent
    known = find(history.root).folders
    return next((one for one in known if one == folder or one in folder.parents), folder)


def _slug(message: str, length: int) -> str:
    """As Alembic's script/base.py makes it."""
    slug = "_".join(_WORDS.findall(message.splitlines()[0] if message else "")).lower()
    return f"{slug[:length].rsplit('_', 1)[0]}_" if len(slug) > length else slug


def _in_docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _comma(value: object) -> str:
    if value is None:
        return ""
    return ", ".join(str(one) for one in value) if isinstance(value, tuple | list | set) else str(value)
