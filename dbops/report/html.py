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
from dbops.ops.migration_report import MigrationReport
from dbops.report import charts
from dbops.report.clean import number, visible
from dbops.report.page import Page
from dbops.report.provenance import facts
from dbops.report.sections import MATCHES, groups, views
from dbops.report.verdict import CLASSES, about, headline

if TYPE_CHECKING:
    from jinja2 import Environment

    from dbops.report.graph_svg import Drawing

SHOWN_FINDINGS = 100
"""Of each severity; the rest can be opened."""
SHOWN_TABLES = 200
"""The rest waits behind a button, and is on paper; `report.js` has the same number."""

_TAGS = {"conflict": "bad", "warning": "over", "current": "good", "pending": "unknown", "head": "open"}
"""The colour of what is said of a revision."""


def page_html(page: Page) -> str:
    """The whole document."""
    script = _file("report.js")
    return _environment().get_template("report.html.j2").render(
        page=page,
        head=headline(page.run),
        about=about,
        drills=views(page),
        run_groups=groups(page.run.findings, error="with these nothing should be applied" if page.revisions else ""),
        run_facts=facts(page.run),
        matches=MATCHES,
        classes=CLASSES,
        box=(charts.WIDTH, charts.HEIGHT, charts.LEFT, charts.RIGHT),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=_file("report.css"),
        graph=_graph(page),
        way_back=_way_back(page),
        gate_style=_file("gate.css"),
        tags=_TAGS,
        generated=page.generated_at.strftime("%Y-%m-%d %H:%M UTC"),
        shown_findings=SHOWN_FINDINGS,
        shown_tables=SHOWN_TABLES,
    )  # fmt: skip


def _graph(page: Page) -> Drawing | None:
    """The drawing of the revisions that a gate has judged."""
    if page.revisions is None or not isinstance(page.run, MigrationReport):
        return None
    from dbops.report.graph_rows import rows
    from dbops.report.graph_svg import drawing

    return drawing(rows(page.revisions, page.run))


def _way_back(page: Page) -> str:
    """How a rehearsal says that production gets back; '' where there was none."""
    if not isinstance(page.run, MigrationReport) or page.run.rehearsal is None:
        return ""
    from dbops.report.rehearsal_text import way_back

    return way_back(page.run.rehearsal)


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
