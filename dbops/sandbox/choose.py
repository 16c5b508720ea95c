"""Which sandbox is taken, what is to be said about it, and why not the others."""

from __future__ import annotations

from collections.abc import Sequence

from dbops.language import joined, msg
from dbops.model import Finding, Severity
from dbops.sandbox.base import Chosen, Needs, Offer, Provider, SandboxMissingError
from dbops.sandbox.major import series_distance

_NAMES = {"postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}


def choose(providers: Sequence[Provider], needs: Needs) -> Chosen:
    """Of several providers the one with the nearest version; among equals, the first. Raises `SandboxMissingError`,
    with every reason, if none will do. A single provider is one that was asked for by name."""
    offers = [provider.offer(needs) for provider in providers]
    usable = [offer for offer in offers if not offer.obstacles]
    if not usable:
        raise SandboxMissingError(
            msg("no sandbox for {server}", server=_server(needs.engine, _series(needs))),
            hint=joined("\n", (msg("{kind}: {why}", kind=offer.kind, why=_reasons(offer)) for offer in offers)),
            kind="sandbox-missing",
        )
    taken = min(usable, key=lambda offer: _distance(offer, needs))
    passed_over = tuple(
        msg("{kind}: {why}", kind=offer.kind, why=_why_not(offer, taken, needs))
        for offer in offers
        if offer is not taken
    )
    return Chosen(taken.kind, taken.make(), tuple(_findings(taken, needs)), passed_over)


def _why_not(offer: Offer, taken: Offer, needs: Needs) -> str:
    if offer.obstacles:
        return _reasons(offer)
    if _distance(offer, needs) > _distance(taken, needs):
        return msg(
            "{server}, further from the source's {series}",
            server=_server(needs.engine, _series(offer)),
            series=_series(needs),
        )
    return msg("would do; {kind} comes first", kind=taken.kind)


def _findings(taken: Offer, needs: Needs) -> list[Finding]:
    found = []
    if _distance(taken, needs):
        found.append(
            Finding(
                id="sandbox-major",
                severity=Severity.WARNING,
                subject=taken.kind,
                expected=_server(needs.engine, _series(needs)),
                actual=_server(needs.engine, _series(taken)),
                hint=msg("what is found may be of the other version's making: drill it on the source's own version"),
            )
        )
    if taken.isolated is False:
        found.append(
            Finding(
                id="sandbox-network",
                severity=Severity.WARNING,
                subject=taken.kind,
                expected=msg("no way out to the network"),
                actual=msg("this machine does not let the server be cut off from it"),
                hint=msg(
                    "triggers and functions of the copy could reach other hosts: a local Docker engine on Linux, "
                    "or a system that allows network namespaces, prevents it"
                ),
            )
        )
    if taken.isolated is None:
        found.append(
            Finding(
                id="sandbox-network",
                severity=Severity.INFO,
                subject=taken.kind,
                expected=msg("no way out to the network"),
                actual=msg("not known: the server is not ours"),
            )
        )
    return found


def _reasons(offer: Offer) -> str:
    return "; ".join(offer.obstacles)


def _distance(offer: Offer, needs: Needs) -> int:
    return series_distance(_series(offer), _series(needs))


def _series(of: Offer | Needs) -> str:
    return of.series or (str(of.major) if of.major else "")


def _server(engine: str, series: str) -> str:
    return f"{_NAMES.get(engine, engine)} {series}".rstrip()
