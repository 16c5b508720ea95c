"""Measures dbops against the plain tools, in one run on one machine, and prints ratios.

    python -m tests.benchmarks [--scale 1.0] [--rounds 1] [--only backup|store|restore|start]

Needs the extra `test` (its wheel of PostgreSQL 17 has zstd). Scale 1.0 is a database of about 1.2 GB. Nothing here is a
test: times depend on the machine, so that only ratios of the same run say something.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.data import fill
from tests.benchmarks.measure import Measured, child, shell
from tests.contract.s3_servers import CREDENTIALS, running_seaweedfs
from tests.servers import Cluster, Database, find_installations

SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "8GB", "fsync": "on", "full_page_writes": "on"}


class Ratio(NamedTuple):
    """One line of the table: seconds of ours and of the plain tool, their ratio, and the bound that it should keep."""

    name: str
    ours: Measured
    plain: Measured
    bound: float | None

    def __str__(self) -> str:
        ratio = self.ours.seconds / self.plain.seconds
        bound = f"{self.bound:.2f}" if self.bound else "-"
        mark = "" if self.bound is None or ratio <= self.bound else "  OVER"
        memory = f"{self.ours.peak_bytes / 2**20:.0f}"
        return (
            f"| {self.name:<58} | {self.ours.seconds:7.2f} | {self.plain.seconds:7.2f} | {ratio:5.2f} | {bound:>5} "
            f"| {memory:>6} |{mark}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1.0: about 1.2 GB")
    parser.add_argument("--rounds", type=int, default=1, help="the best of this many rounds counts, on both sides")
    parser.add_argument("--only", choices=["backup", "store", "restore", "start"])
    options = parser.parse_args()
    parts: dict[str, Callable[[Bench], list[Ratio]]] = {
        "backup": Bench.backup,
        "store": Bench.store,
        "restore": Bench.restore,
        "start": Bench.start,
    }
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
        print(f"| {'what':<58} | ours, s | plain,s | ratio | bound | MiB    |")
        print(f"|{'-' * 60}|--------:|--------:|------:|------:|-------:|")
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
        url = self._database.url
        dump = self._folder / "plain.dump"
        runbook = self._best(lambda: shell(f'pg_dump -F c -f {dump} "{url}" && md5sum {dump}', self._environment))
        plain = {
            1: self._best(lambda: shell(f'pg_dump -F c --compress=zstd:1 -f {dump} "{url}"', self._environment)),
            2: self._best(
                lambda: shell(
                    f'rm -rf {dump}.d; pg_dump -F d -j 2 --compress=zstd:1 -f {dump}.d "{url}"', self._environment
                )
            ),
        }
        bounds = {(1, "counts"): 0.35, (2, "counts"): 0.30, (2, "archive"): 0.38, (2, "content"): 0.55}
        rows = []
        for jobs in (1, 2):
            for level in ("counts", "archive", "content"):
                ours = self._best(lambda jobs=jobs, level=level: self._backup(jobs, level, self._local()))  # type: ignore[misc]
                name = f"backup, jobs {jobs}, {level}, against the runbook"
                rows.append(Ratio(name, ours, runbook, bounds.get((jobs, level))))
                if level == "counts":
                    rows.append(
                        Ratio(f"backup, jobs {jobs}, counts, against the same pg_dump", ours, plain[jobs], 1.15)
                    )
        return rows

    def store(self) -> list[Ratio]:
        dump = self._folder / "plain.dump"
        url = self._database.url
        plain = self._best(lambda: shell(f'pg_dump -F c --compress=zstd:1 -f {dump} "{url}"', self._environment))
        folder = self._folder / "seaweed"
        folder.mkdir()
        self._environment |= CREDENTIALS
        rows = []
        with running_seaweedfs(folder) as server:
            bucket = server.bucket()
            for jobs in (1, 2):
                ours = self._best(lambda jobs=jobs: self._backup(jobs, "counts", f"s3://{bucket}", server.endpoint))  # type: ignore[misc]
                bound = 1.15 if jobs == 1 else None
                rows.append(Ratio(f"backup to S3, jobs {jobs}, counts, against pg_dump to a file", ours, plain, bound))
        return rows

    def restore(self) -> list[Ratio]:
        cluster, dump = self._database.cluster, self._folder / "plain.dump"
        url = self._database.url
        shell(f'pg_dump -F c --compress=zstd:1 -f {dump} "{url}"', self._environment)

        def by_hand() -> Measured:
            cluster.psql('DROP DATABASE IF EXISTS "plain"; ', "postgres")
            cluster.create_database("plain")
            target = cluster.url("plain")
            read = "".join(f'psql -qAt -c "COPY {t} TO STDOUT" "{target}" >/dev/null; ' for t in self._tables())
            return shell(f'pg_restore -j 2 -e -d "{target}" {dump} && {read}', self._environment)

        plain = self._best(by_hand)
        store = self._local()
        self._backup(2, "content", store)

        def ours() -> Measured:
            cluster.psql('DROP DATABASE IF EXISTS "copy"', "postgres")
            return child(["restore", "--into", "copy", "--jobs", "2", "--yes", *self._common(store)], self._environment)

        return [Ratio("restore, jobs 2, verified, against pg_restore and reading", self._best(ours), plain, 1.25)]

    def start(self) -> list[Ratio]:
        python = self._best(lambda: shell(f"{sys.executable} -c pass", self._environment))
        listing = self._best(lambda: child(["--list"], self._environment))
        return [Ratio("dbops --list, against an empty Python", listing, python, None)]

    # --- how --------------------------------------------------------------------------------------------------------

    def _backup(self, jobs: int, level: str, store: str, endpoint: str = "") -> Measured:
        config = self._folder / "dbops.toml"
        remote = [f'endpoint_url = "{endpoint}"', 'region = "us-east-1"', "read_back = false"] if endpoint else []
        lines = ["[store]", f'url = "{store}"', *remote]
        lines += ["[targets.bench]", f'url = "{self._database.url}"', f"jobs = {jobs}", f'inventory = "{level}"']
        config.write_text("\n".join([*lines, f'bindir = "{self._bindir}"', ""]))
        return child(["backup"], self._environment | {"DBOPS_CONFIG": str(config)})

    def _common(self, store: str) -> list[str]:
        return ["--url", self._database.url, "--store", store]

    def _local(self) -> str:
        shell(f"rm -rf {self._folder / 'store'}", self._environment)
        return f"file://{self._folder / 'store'}"

    def _tables(self) -> list[str]:
        return ["pgbench_accounts", "pgbench_branches", "pgbench_tellers", "noise"]

    def _best(self, run: Callable[[], Measured]) -> Measured:
        return min((run() for _ in range(self._rounds)), key=lambda m: m.seconds)


if __name__ == "__main__":
    main()
