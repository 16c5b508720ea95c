from __future__ import annotations

import pytest

from tests.rotation import due

MAJORS = ("pg15", "pg17", "pg18")


@pytest.fixture(autouse=True)
def in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBOPS_TEST_EVERY_CASE", raising=False)


def product(test: str, cases: int, servers: tuple[str, ...] = MAJORS) -> list[str]:
    return [f"{test}[{server}-case {case}]" for server in servers for case in range(cases)]


def test_a_test_without_cases_runs_on_every_server() -> None:
    ids = [f"a.py::test[{server}]" for server in MAJORS]
    assert due(ids) == set(ids)


def test_a_test_without_a_server_runs() -> None:
    ids = ["a.py::test", "a.py::test[mysql]", "a.py::test[pg_dump-1]", "a.py::test_pg15"]
    assert due(ids) == set(ids)


@pytest.mark.parametrize("cases", [2, 3, 4, 31])
def test_each_case_runs_and_each_server_is_used_about_as_often(cases: int) -> None:
    chosen = due(product("a.py::test", cases))
    assert {node.partition("-")[2] for node in chosen} == {f"case {case}]" for case in range(cases)}
    used = [sum(server in node for node in chosen) for server in MAJORS]
    assert min(used) >= 1
    assert max(used) - min(used) <= 1
    assert len(chosen) == max(cases, len(MAJORS))


def test_a_case_that_one_server_alone_has_is_not_lost() -> None:
    ids = [*product("a.py::test", 5, ("mariadb10.11", "mysql9.7")), "a.py::test[mysql9.7-only there]"]
    assert "a.py::test[mysql9.7-only there]" in due(ids)


def test_tests_do_not_share_a_turn() -> None:
    ids = product("a.py::one", 3) + product("a.py::two", 3)
    assert due(ids) == due(ids[:9]) | due(ids[9:])


def test_all_of_it_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBOPS_TEST_EVERY_CASE", "1")
    ids = product("a.py::test", 5)
    assert due(ids) == set(ids)
