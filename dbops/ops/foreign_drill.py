"""drill --archive: find → recognise → read → sandbox → load → read the copy → probe → report → teardown.

For dumps that other tools made. They have no inventory: whether the copy is what the source held cannot be said, and
the report says so. All else is proved as for a backup of dbops' own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from dbops.config import Target
from dbops.config.urls import Secret
from dbops.engine.dumps import DumpDatabase, DumpFacts, DumpLoader, DumpReader, Loaded, LoadedDatabase
from dbops.engine.restoring import Probed, Wishes
from dbops.errors import DatabaseError
from dbops.evidence import Match, ObjectCount, TableProof
from dbops.language import msg
from dbops.model import Freshness, Manifest, NotEvaluated
from dbops.ops import foreign_about as about
from dbops.ops.drill_needs import needs_of
from dbops.ops.drill_report import Clock
from dbops.ops.drill_rules import application_findings
from dbops.ops.drill_stage import RTO_PHASES, Copy, Stage
from dbops.ops.foreign_notes import ForeignNotes, softened
from dbops.ops.foreign_source import Found, Location, OpenBucket, at_hand
from dbops.ops.foreign_trend import Past, drops
from dbops.ops.timing import timed
from dbops.progress import Progress
from dbops.sandbox.base import Chosen, Needs


class ForeignPlaces(NamedTuple):
    """Where a drill of a foreign dump finds what it works with."""

    sandbox: Callable[[Needs], Chosen]
    reader: Callable[[str], DumpReader]
    """By the dump's engine."""
    loader: Callable[[str, Secret], DumpLoader]
    """By the dump's engine and the sandbox's URL."""
    bucket: OpenBucket


class ForeignDrill(Stage):
    """One drill of one dump that another tool made. `past`: earlier drills of its series, oldest first."""

    _notes: ForeignNotes

    def __init__(
        self,
        location: Location,
        target: Target,
        places: ForeignPlaces,
        *,
        clock: Clock,
        progress: Progress,
        past: Sequence[Past] = (),
        identity: Path | None = None,
    ) -> None:
        manifest = about.unknown(location, target, clock())
        notes = ForeignNotes(manifest, target, clock, location)
        super().__init__(notes, location.name, places.sandbox, progress)
        self.location = location
        self._target = target
        self._places = places
        self._past = past
        self._identity = identity

    def _work(self) -> None:
        phases, progress = self._notes.phases, self._progress
        progress.phase("read")
        with timed(phases, "fetch"):
            hand = at_hand(self.location, self._places.bucket, self._identity, progress, self._notes.at_hand)
            found = self._stack.enter_context(hand)
            facts = self._places.reader(found.dump.engine).read(found.dump, progress)
        databases = facts.databases or (DumpDatabase(""),)
        manifest = about.described(found, facts, databases[0], self._target)
        self._notes.identified(manifest, about.provenance(found, facts))
        self._notes.found(facts.findings)
        for item in facts.not_evaluated:
            self._notes.unproved(item.id, item.reason)
        progress.phase("start")
        with timed(phases, "start"):
            sandbox = self._started(self._needs(found, facts))
            loader = self._places.loader(found.dump.engine, sandbox.url(""))
        with timed(phases, "restore"):
            wishes = Wishes(jobs=self._target.jobs, throw_away=sandbox.ephemeral)
            loaded = self._load(loader, found, facts, wishes)
        if not loaded.databases:
            self._notes.lacks(
                "no-database",
                "the dump has no database of its own, only what belongs to the server: there is nothing to try out",
            )
            return
        main = about.principal(loaded.databases, facts, self._target)
        if main is not None:
            self.copy = Copy(sandbox.url(main.side.name), main.side.name, main.side)
        progress.phase("compare")
        with timed(phases, "verify"):
            self._read(loaded.databases)
            if not self._dated(main):
                self._notes.found(about.undated(found, facts))
        progress.phase("probe")
        with timed(phases, "probe"):
            self._probe(loaded.databases)
        self._notes.found(drops(self._subject, found.bytes, self._notes.rows, self._past))
        self._notes.timed_out(sum(phases[name] for name in RTO_PHASES))

    def _needs(self, found: Found, facts: DumpFacts) -> Needs:
        """The needs of all its databases together."""
        size = about.disk_bytes(found, facts)
        each = [needs_of(about.described(found, facts, one, self._target), self._target) for one in facts.databases]
        if not each:
            each = [needs_of(about.described(found, facts, DumpDatabase(""), self._target), self._target)]
        return each[0]._replace(
            bytes=size,
            extensions=tuple(sorted({name for needs in each for name in needs.extensions})),
            locales=tuple(sorted({name for needs in each for name in needs.locales})),
            icu=any(needs.icu for needs in each),
        )

    def _load(self, loader: DumpLoader, found: Found, facts: DumpFacts, wishes: Wishes) -> Loaded:
        def manifest(database: DumpDatabase) -> Manifest:
            return about.described(found, facts, database, self._target)

        loading = loader.load(found.dump, facts, manifest, wishes, self._progress)
        loaded = self._database.enter_context(loading)
        self._notes.found(loaded.findings)
        if any(finding.id == "roles-not-in-dump" for finding in loaded.findings):
            self._notes.unproved(
                "roles", "the dump does not hold the roles that its objects belong to (see the warning)"
            )
        return loaded

    def _read(self, databases: Sequence[LoadedDatabase]) -> None:
        """Rows and digest of every table, and how many objects there are."""
        tables: list[TableProof] = []
        objects: Counter[str] = Counter()
        for database in databases:
            prefix = f"{database.facts.name}." if len(databases) > 1 else ""
            with database.side.snapshot() as snapshot:
                refs = snapshot.tables()
                contents = snapshot.contents(refs, self._target.jobs, self._progress)
                for ref in sorted(refs, key=lambda item: (item.schema, item.name)):
                    content = contents[ref.schema, ref.name]
                    tables.append(
                        TableProof(
                            schema=f"{prefix}{ref.schema}",
                            name=ref.name,
                            match=Match.UNKNOWN,
                            copy_rows=content.rows,
                            copy_digest=content.digest,
                            bytes=ref.bytes,
                        )
                    )
                objects.update({kind: len(found) for kind, found in snapshot.objects().items() if found})
        counts = tuple(ObjectCount(kind=kind, source=None, copy=count) for kind, count in sorted(objects.items()))
        self._notes.read(tuple(tables), counts)

    def _dated(self, main: LoadedDatabase | None) -> bool:
        """By its newest row, where the target says in which column to look."""
        column = self._target.freshness
        if column is None:
            return False
        if main is None:
            self._notes.unproved("freshness", f"{column} is in which database? {_SEVERAL}")
            return False
        try:
            with main.side.snapshot() as snapshot:
                newest = snapshot.newest(column)
        except DatabaseError as error:
            self._notes.unproved("freshness", f"{column} of the copy: {error.message}")
            return False
        if newest is None:
            self._notes.unproved("freshness", f"{column} of the copy is empty")
            return False
        self._notes.dated(Freshness(newest=newest, basis=f"{column} of the copy"))
        return True

    def _probe(self, databases: Sequence[LoadedDatabase]) -> None:
        for database in databases:
            named = database.facts.name if len(databases) > 1 else ""
            probed = database.side.examine(database.manifest, self._target.jobs, self._progress)
            findings = softened([*probed.findings, *database.side.probe(database.manifest)], named)
            self._notes.probed(probed._replace(findings=tuple(findings)))
        if self.copy is not None:
            self._notes.probed(application_findings(self._target, self.copy.side, self.copy.url))
        elif self._target.invariants or self._target.drill.smoke is not None:
            reason = NotEvaluated(id="invariant", reason=_SEVERAL)
            self._notes.probed(Probed(not_evaluated=(reason, NotEvaluated(id="smoke", reason=_SEVERAL))))


_SEVERAL = msg("the dump has several databases, and none is called as the target or as the database in its url")
