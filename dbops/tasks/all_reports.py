"""`drill --all --jobs` and `check --all --jobs`: the reports of all targets' processes as one, in all its forms."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dbops import runs
from dbops.cli import boundary
from dbops.model import Report
from dbops.ops import drill_several, several
from dbops.ops.provenance import operator
from dbops.ops.several import Ran
from dbops.report.json import ReportDocument
from dbops.report.junit_files import joined
from dbops.report.write import replace
from dbops.session import session
from dbops.tasks.all_targets import names, refuse_one
from dbops.tasks.flags import Text
from dbops.tasks.reporting import Paths, publish
from dbops.tasks.several import Several


def for_all_reports(
    target: Text, url: Text, store: Text, jobs: Text, words: Sequence[str], paths: Paths, *, json: bool
) -> None:
    """The current task for every target, also those whose dumps another tool makes. `words`: what each is told."""
    with boundary(json) as output:
        refuse_one(target, url)
        paths.prepare()
        paths = paths.with_history()
        with session(None, None, store, jobs=jobs) as work, tempfile.TemporaryDirectory(prefix="dbops-all-") as name:
            folder = Path(name)
            given = [*words, *(["--store", store] if store else [])]
            found = names(work.config, own_backups=False)
            own = {one: _files(folder, one, paths.history) for one in found}
            ran = [_read(folder, one) for one in Several(work.config, found, given, own).run(work.jobs or 1)]
            report, drills = _checks(ran) if runs.current().task == "check" else _drills(ran)
            report = msgspec.structs.replace(report, provenance={**report.provenance, **paths.provenance()})
            cases = [folder / f"{one}.xml" for one in found]
            if paths.junit is not None and runs.current().task == "check":
                replace(paths.junit, joined([case for case in cases if case.exists()]))
            publish(output, report, drills, paths, junit_written=runs.current().task == "check")


def _files(folder: Path, target: str, history: Path | None) -> list[str]:
    """Where a run writes its forms. It knows the figures of earlier runs, and we write down those of this one."""
    mine = folder / f"{target}.jsonl"
    if history is not None and history.exists():
        shutil.copyfile(history, mine)
    paths = [f"--{name}={folder / f'{target}.{end}'}" for name, end in (("json", "json"), ("html", "html"))]
    return [*paths, "--junit", str(folder / f"{target}.xml"), "--history", str(mine)]


def _read(folder: Path, ran: Ran) -> Ran:
    """With the document that the run has written."""
    path = folder / f"{ran.target}.json"
    return ran._replace(document=msgspec.json.decode(path.read_bytes())) if path.exists() else ran


def _drills(ran: Sequence[Ran]) -> tuple[Report, list[Report]]:
    """One report of them, and each drill."""
    drills: list[Report] = []
    for one in ran:
        if one.document is None:
            drills.append(several.report_of("drill", one))
        else:
            document = msgspec.convert(one.document, ReportDocument)
            drills += document.drills or [_plain(document)]
    return drill_several.combine(drills), drills


def _checks(ran: Sequence[Ran]) -> tuple[Report, list[Report]]:
    reports = [several.report_of("check", one) for one in ran]
    documents = [msgspec.convert(one.document, ReportDocument) for one in ran if one.document is not None]
    report = several.combine("check", reports)
    facts = {
        "checks_passed": sum(document.provenance.get("checks_passed", 0) for document in documents),
        "proved": sorted(name for document in documents for name in document.provenance.get("proved", ())),
        "store": next((document.provenance["store"] for document in documents if "store" in document.provenance), ""),
        "dbops_version": report.provenance["dbops_version"],
        **operator(),
    }
    return (
        msgspec.structs.replace(report, provenance=facts),
        [drill for document in documents for drill in document.drills],
    )


def _plain(document: ReportDocument) -> Report:
    return Report(**{name: getattr(document, name) for name in Report.__struct_fields__})
