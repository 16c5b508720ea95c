"""The runbook does what it says: every console block of RUNBOOK.md runs here, in order, on a real server.

The Spanish one has the same blocks, to the letter: so they have run, too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.test_finance_app import BRANCH, EXAMPLE
from tests.migrating import Bench, bench
from tests.restoring import ROOT
from tests.runbook import Shell, commands, fences, path_with

ENGLISH, SPANISH = ROOT / "RUNBOOK.md", ROOT / "RUNBOOK.es.md"
pytestmark = pytest.mark.slow

ROWS = (
    "INSERT INTO customers (name) VALUES ('Forn Vell'), ('Cal Joan')",
    "INSERT INTO invoices (customer_id, issued_on, total) VALUES (1, '2026-05-02', 120.50)",
    "INSERT INTO payments (invoice_id, paid_on, amount) VALUES (1, '2026-05-09', 120.50)",
)


class Site:
    """The application as the runbook finds it: deployed up to its second revision, used, in a checkout of its code."""

    def __init__(self, server: Bench, folder: Path, full: Path) -> None:
        self.server, self.folder, self.full = server, folder / "finance-app", full
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        server.execute("postgres", "CREATE DATABASE finance")
        self.url = server.url("finance")
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": path_with(Path(sys.executable).parent, server.server.bindir),
            "LC_ALL": "C.UTF-8",
        }
        self._settings()
        self._code()
        self._first_deploy()

    def _settings(self) -> None:
        """What the runbook says that is prepared: dbops.toml as it prints it, dbops.env with the secrets."""
        [text] = [body for _, language, body in fences(ENGLISH.read_text()) if language == "toml"]
        file = self.folder / "dbops.toml"
        file.write_text(text)
        file.chmod(0o600)
        passwords = {"postgres": self.server.password, "newcomer": "secret", "backup": "secret"}
        secrets = {
            "pgpass": "".join(f"*:*:*:{role}:{password}\n" for role, password in passwords.items()),
            "password.sql": "ALTER ROLE backup PASSWORD 'secret';\n",
            "dbops.env": "".join(f"export {name}='{value}'\n" for name, value in self._variables().items()),
        }
        for name, text in secrets.items():
            (self.folder / name).touch(0o600)
            (self.folder / name).write_text(text)
        self.server.execute("finance", "CREATE ROLE newcomer LOGIN PASSWORD 'secret'")

    def _variables(self) -> dict[str, str]:
        """Without passwords, as a runbook's own should be."""
        plain = self.url.replace(f":{self.server.password}@", "@")
        return {
            "DATABASE_URL": plain,
            "NEWCOMER_URL": plain.replace("postgres@", "newcomer@"),
            "BACKUP_URL": plain.replace("postgres@", "backup@"),
            "PGPASSFILE": str(self.folder / "pgpass"),
            "FINANCE_STORE": str(self.folder.parent / "store"),
            "FINANCE_DRILL": self.server.empty(),
            "FULL_DISK": str(self.full),
        }

    def _code(self) -> None:
        """A repository: the release that runs, and one to which two branches have come."""
        (self.folder / ".gitignore").write_text("*\n!/finance/\n!/migrations/\n!/migrations/**\n__pycache__\n")
        self._git("init", "--quiet", "--initial-branch=release-41")
        self._commit("release 41")
        self._git("checkout", "--quiet", "-b", "release-42")
        versions = self.folder / "migrations" / "versions"
        for name, table, column in (("4d00c0de000a", "customers", "phone"), ("4d00c0de000b", "invoices", "note")):
            text = BRANCH.format(name=f"{column} of {table}", id=name, table=table, column=column)
            (versions / f"{name}_{column}.py").write_text(text)
        self._commit("release 42")
        self._git("checkout", "--quiet", "release-41")

    def _commit(self, message: str) -> None:
        self._git("add", ".")
        self._git("-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", message)

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, check=True, stdin=subprocess.DEVNULL)

    def _first_deploy(self) -> None:
        argv = [sys.executable, "-m", "flask", "--app", "finance:create_app", "db", "upgrade", "2b51c0de0002"]
        environment = {**self.environment, "DATABASE_URL": self.url}
        done = subprocess.run(argv, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        self.server.execute("finance", *ROWS)

    def as_written(self, printed: str) -> str:
        """With the runbook's names in place of this machine's."""
        assert self.server.password not in printed
        places = (
            (str(self.folder.parent / "store"), "/var/backups/finance"),
            (str(self.full), "/mnt/full"),
            (str(self.folder), "/opt/finance"),
            (f"127.0.0.1:{self.server.server.port}", "db.internal:5432"),
        )
        for here, there in places:
            printed = printed.replace(here, there)
        return printed

    def shell(self) -> Shell:
        return Shell(self.folder, self.environment)


@contextmanager
def site(tmp_path: Path, full: Path) -> Iterator[Site]:
    with bench("postgres") as server:
        yield Site(server, tmp_path, full)


def test_both_languages_have_the_same_blocks() -> None:
    """And the same sections; every block is run, but the one of dbops.toml, which the run is configured by."""
    english, spanish = (
        [(language, body) for _, language, body in fences(page.read_text())] for page in (ENGLISH, SPANISH)
    )
    assert english == spanish
    assert sorted({language for language, _ in english}) == ["console", "toml"]
    assert sum(language == "toml" for language, _ in english) == 1
    for page in (ENGLISH, SPANISH):
        lines = page.read_text().splitlines()
        assert sum(line.lstrip().startswith(("```", "~~~")) for line in lines) == 2 * len(english), page
        assert [line for line in lines if "$ dbops" in line and not line.startswith("$ ")] == []
    assert _sections(ENGLISH) == _sections(SPANISH)


def _sections(page: Path) -> list[str]:
    """Depth and number of each heading."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ [\d.]*", prose, re.MULTILINE)


def test_every_block(tmp_path: Path, small_tmpfs: Callable[[str], Path]) -> None:
    with site(tmp_path, small_tmpfs("64k")) as here, here.shell() as shell:
        steps = commands(ENGLISH.read_text())
        assert len(steps) > 20
        for command in steps:
            code, printed = shell.run(command.text)
            printed = here.as_written(printed)
            place = f"{ENGLISH.name}:{command.line}: $ {command.text}\n{printed}"
            assert code == command.code, f"exit {code}, not {command.code}\n{place}"
            assert not command.differs(printed), f"{place}\n-- is not what is written:\n{command.expected}"
