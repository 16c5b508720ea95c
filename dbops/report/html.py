"""The report as one self-contained page: no network, no file beside it, safe with any name in it.

The page allows itself one script, by its hash, and no connection at all (Content-Security-Policy).
"""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

from dbops.config.units import format_duration, format_size
from dbops.report import charts
from dbops.report.clean import number, visible
from dbops.report.page import Page
from dbops.report.provenance import facts
from dbops.report.sections import MATCHES, groups, views
from dbops.report.verdict import CLASSES, headline

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN_FINDINGS = 100
"""Of each severity; the rest can be opened."""
SHOWN_TABLES = 200
"""The rest waits behind a button, and is on paper; `report.js` has the same number."""


def page_html(page: Page) -> str:
    """The whole document."""
    script = _file("report.js")
    return _environment().get_template("report.html.j2").render(
        page=page,
        head=headline(page.run),
        drills=views(page),
        run_groups=groups(page.run.findings),
        run_facts=facts(page.run),
        matches=MATCHES,
        classes=CLASSES,
        box=(charts.WIDTH, charts.HEIGHT, charts.LEFT, charts.RIGHT),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=_file("report.css"),
        generated=page.generated_at.strftime("%Y-%m-%d %H:%M UTC"),
        shown_findings=SHOWN_FINDINGS,
        shown_tables=SHOWN_TABLES,
    )  # fmt: skip


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dbops.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )
    environment.filters |= {"number": number, "duration": format_duration, "size": format_size}
    return environment


def _finalize(value: Any) -> Any:
    """Every expression of a template goes through here: text is made visible, and then escaped."""
    if hasattr(value, "__html__"):
        return value
    return visible(value) if isinstance(value, str) else value


def _file(name: str) -> Any:
    """A file of our own that goes into the page as it is."""
    from markupsafe import Markup

    text = resources.files("dbops.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - our own file
