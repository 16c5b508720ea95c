"""Each check of a prerequisite passes where it is met, fails where it is not, and says why it was not evaluated."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path

import pytest

import checks
from dbops import app
from tests.servers import Cluster
from tests.unit.test_migration_checks import Outcomes

SUITE = Path(checks.__file__).parent / "test_prerequisites.py"
GOOD = {
    "a_dump_program_fits_the_server": "passed",
    "the_role_can_read_everything": "passed",
    "the_clocks_agree": "passed",
    "the_store_has_room": "passed",
}
Check = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def server(pg_server: Cluster) -> Iterator[Cluster]:
    pg_server.create_database("needed")
    pg_server.psql("CREATE ROLE needs_rights LOGIN PASSWORD 'n'")
    with pg_server.connect("needed") as connection:
        connection.execute("CREATE TABLE t (a int)")
    yield pg_server
    pg_server.drop_database("needed")
    pg_server.psql("DROP ROLE needs_rights")


@pytest.fixture
def check(server: Cluster, tmp_path: Path) -> Check:
    def run(url: str = "", policy: str = 'min_free = "1MB"', more: str = "") -> dict[str, str]:
        file = tmp_path / "dbops.toml"
        file.touch(0o600)
        target = f'[targets.a]\nurl = "{url or server.url("needed")}"\n{more}\n[targets.a.policy]\n{policy}\n'
        (tmp_path / "store").mkdir()
        file.write_text(f'[store]\nurl = "{tmp_path / "store"}"\n{target}')
        options = ["-q", "-c", os.devnull, "--rootdir", str(SUITE.parent), "--confcutdir", str(SUITE.parent)]
        options += ["-p", "no:cacheprovider", "--capture=no", f"--dbops-config={file}"]
        outcomes = Outcomes()
        with redirect_stdout(io.StringIO()):
            pytest.main([*options, str(SUITE)], plugins=[outcomes])
        return outcomes.found

    return run


def test_all_is_there(check: Check) -> None:
    assert check() == GOOD


def test_no_dump_program(check: Check, tmp_path: Path) -> None:
    found = check(more=f'bindir = "{tmp_path}"')
    assert found.pop("a_dump_program_fits_the_server").startswith("failed: dump program: tool-")
    assert found.pop("the_clocks_agree").startswith("skipped: ")  # they are read as a dump would be
    assert GOOD.items() >= found.items()


def test_a_role_that_may_not_read(check: Check, server: Cluster) -> None:
    found = check(server.url("needed", user="needs_rights", password="n"))
    assert found["the_role_can_read_everything"].startswith("failed: public.t: cannot-read-table")
    assert found["a_dump_program_fits_the_server"] == "passed"


def test_clocks_that_differ(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    now = app.now
    monkeypatch.setattr(app, "now", lambda: now() + timedelta(hours=1))
    found = check()
    assert found.pop("the_clocks_agree").startswith("failed: clock: clock-skew")
    assert GOOD.items() >= found.items()


def test_no_room(check: Check) -> None:
    found = check(policy='min_free = "9000TB"')
    assert "store-room" in found.pop("the_store_has_room")
    assert GOOD.items() >= found.items()


def test_what_cannot_be_evaluated_says_why(check: Check) -> None:
    found = check("postgresql://nobody@127.0.0.1:1/a", policy="")
    assert all(outcome.startswith("skipped: ") for outcome in found.values())
    assert "Connection refused" in found["the_role_can_read_everything"]
    assert "policy.min_free is not set" in found["the_store_has_room"]
