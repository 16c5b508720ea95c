"""Which sandbox is taken, and what is said about it; with providers that only say what they would have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from dbops import app
from dbops.errors import ConfigError, Exit
from dbops.model import Severity
from dbops.sandbox.base import Needs, Offer, Sandbox, SandboxMissingError
from dbops.sandbox.choose import choose
from tests.unit.test_sandbox import Fake

NEEDS = Needs("postgres", 17)


@dataclass(frozen=True)
class Has:
    """A provider of servers of one major."""

    kind: str
    major: int
    obstacles: tuple[str, ...] = ()
    isolated: bool | None = True

    def offer(self, needs: Needs) -> Offer:
        make: Callable[[], Sandbox] = lambda: Fake(fails=False)  # noqa: E731
        return Offer(self.kind, self.major, self.obstacles, make, self.isolated)


@pytest.mark.parametrize(
    ("majors", "taken"),
    [
        ((17, 17, 17), "container"),
        ((18, 17, 17), "local"),
        ((18, 15, 17), "embedded"),
        ((19, 18, 18), "local"),  # the nearest newer one
        ((16, 15, 18), "embedded"),  # never an older one
        ((15, 16, 15), "local"),  # unless there is nothing else: then the nearest
        ((0, 18, 18), "container"),  # what is not known is only seen once it runs
    ],
)
def test_the_nearest_major_is_taken(majors: tuple[int, int, int], taken: str) -> None:
    providers = [Has(kind, major) for kind, major in zip(("container", "local", "embedded"), majors, strict=True)]
    chosen = choose(providers, NEEDS)
    assert chosen.kind == taken
    assert len(chosen.passed_over) == 2
    assert [f.id for f in chosen.findings] == (
        [] if max(majors) == 17 or 17 in majors or 0 in majors else ["sandbox-major"]
    )


def test_why_the_others_were_not_taken_is_told() -> None:
    providers = [Has("container", 17, ("no Docker",)), Has("local", 18), Has("embedded", 17), Has("more", 17)]
    chosen = choose(providers, NEEDS)
    assert chosen.kind == "embedded"
    assert chosen.passed_over == (
        "container: no Docker",
        "local: PostgreSQL 18, further from the source's 17",
        "more: would do; embedded comes first",
    )


def test_another_major_is_a_warning() -> None:
    (finding,) = choose([Has("local", 18)], NEEDS).findings
    assert finding.severity is Severity.WARNING
    assert (finding.id, finding.expected, finding.actual) == ("sandbox-major", "PostgreSQL 17", "PostgreSQL 18")
    assert choose([Has("local", 18)], Needs("postgres", 0)).findings == ()


@pytest.mark.parametrize(("isolated", "severities"), [(True, []), (False, [Severity.WARNING]), (None, [Severity.INFO])])
def test_a_way_out_to_the_network_is_told(isolated: bool | None, severities: list[Severity]) -> None:
    findings = choose([Has("local", 17, isolated=isolated)], NEEDS).findings
    assert [f.severity for f in findings] == severities
    assert {f.id for f in findings} <= {"sandbox-network"}


def test_if_none_will_do_every_reason_is_told() -> None:
    providers = [Has("container", 17, ("no Docker", "no extension postgis")), Has("local", 0, ("none installed",))]
    with pytest.raises(SandboxMissingError) as caught:
        choose(providers, NEEDS)
    assert caught.value.exit_code == Exit.INCONCLUSIVE
    assert caught.value.hint == "container: no Docker; no extension postgis\nlocal: none installed"
    assert "PostgreSQL 17" in caught.value.message


def test_an_unknown_word_names_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        app.open_sandbox("conteiner", NEEDS)
    assert all(word in caught.value.hint for word in ("auto", "container", "local", "embedded", "URL"))


def test_an_unknown_engine_is_not_taken_for_postgresql() -> None:
    with pytest.raises(ConfigError):
        app.open_sandbox("auto", Needs("oracle", 23))
