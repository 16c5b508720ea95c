"""PostgreSQL's own regression database: an instance of nearly every kind of object that PostgreSQL has.

It is what `make installcheck` leaves behind: about 540 tables and 414 000 rows. The SQL comes from Debian's source
package, `pg_regress` is part of the installed one; the library of C functions is compiled here. It is built live on a
cluster, never loaded from a dump, since a dump is what the tests want to put to the test.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.inputs.debian import cache, made_once, package, source
from tests.inputs.missing import MissingInputError
from tests.machine import server_user
from tests.servers import Cluster, Database

NAME = "regression"


@dataclass(frozen=True)
class Outcome:
    """What pg_regress said."""

    passed: int
    failed: list[str]  # names of tests whose output differs; the objects are there all the same


def build(cluster: Cluster) -> tuple[Database, Outcome]:
    """Creates the database `regression` on a cluster of the distribution's server; takes one to two minutes."""
    if cluster.installation.origin != "debian":
        raise MissingInputError(
            "the regression database needs the distribution's server: its sources have the same version"
        )
    sources = source(f"postgresql-{cluster.major}", only="src/test/regress/*") / "src" / "test" / "regress"
    development = package(f"postgresql-server-dev-{cluster.major}")
    library = _compile(cluster.major, sources / "regress.c", development)

    # The server's user has to read the input, and writes the results: so they live in the cluster's own folder.
    work = cluster.folder / "regress"
    shutil.copytree(sources, work / "input")
    (work / "output").mkdir()
    (work / "lib").mkdir()
    for so in [library, *(cluster.bindir.parent / "lib" / f"{name}.so" for name in ("refint", "autoinc"))]:
        shutil.copy(so, work / "lib")
    for path in [work, *work.rglob("*")]:
        server_user().takes(path)

    program = cluster.bindir.parent / "lib/pgxs/src/test/regress/pg_regress"
    where = [f"--inputdir={work}/input", f"--outputdir={work}/output", f"--dlpath={work}/lib"]
    server = [f"--host={cluster.folder}", f"--port={cluster.port}", "--user=postgres", f"--bindir={cluster.bindir}"]
    schedule = [f"--schedule={work}/input/parallel_schedule", "--max-concurrent-tests=20", f"--dbname={NAME}"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(work)}
    done = server_user().run(
        [str(program), *where, *server, *schedule], cwd=work / "output", env=environment, stdin=subprocess.DEVNULL
    )
    passed = re.findall(r"\.\.\. ok\b|^ok \d", done.stdout, re.MULTILINE)  # in words up to 15, in TAP since 16
    failed = re.findall(r"(\w+)\s+\.\.\. FAILED", done.stdout)
    failed += re.findall(r"^not ok \d+\s+[-+] (\w+)", done.stdout, re.MULTILINE)
    if len(passed) < 150:
        raise RuntimeError(f"pg_regress did not get through: {done.stdout[-1500:]}{done.stderr[-500:]}")
    return Database(cluster, NAME), Outcome(len(passed), failed)


def drop_c_functions(database: Database) -> int:
    """Drops what the compiled library defines, and what hangs on it; then the database restores on any machine.

    Gives back how many functions went.
    """
    listing = "SELECT oid::regprocedure FROM pg_proc WHERE probin LIKE '%/regress/lib/%' ORDER BY 1 LIMIT 1"
    dropped = 0
    with database.connect() as connection:
        connection.execute("SET client_min_messages = error")
        while row := connection.execute(listing).fetchone():
            # regprocedure's text is quoted by the server itself
            connection.execute(f"DROP FUNCTION {row[0]} CASCADE")
            dropped += 1
    return dropped


def _compile(major: int, code: Path, development: Path) -> Path:
    name = f"regress-{major}"
    headers = development / "usr" / "include" / "postgresql"
    with made_once(name) as scratch:
        if scratch:
            argv = ["gcc", "-O1", "-w", "-fPIC", "-shared", f"-I{headers}/{major}/server", f"-I{headers}/internal"]
            try:
                subprocess.run([*argv, "-o", scratch / "regress.so", code], check=True, capture_output=True, text=True)
            except FileNotFoundError:
                raise MissingInputError("no gcc: the regression database has functions in C") from None
            except subprocess.CalledProcessError as error:
                raise RuntimeError(f"regress.c does not compile: {error.stderr}") from error
    return cache() / name / "regress.so"
