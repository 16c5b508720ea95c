"""MySQL and MariaDB servers that are installed on this machine, as sandboxes: data made in a temporary folder."""

from __future__ import annotations

from pathlib import Path

from dbops.command import run
from dbops.folder import place
from dbops.language import msg
from dbops.sandbox.account import Account, can_isolate, environment, launched, other_account
from dbops.sandbox.base import Needs, Offer, Sandbox, SandboxMissingError
from dbops.sandbox.machine import room_lacking
from dbops.sandbox.major import series_distance
from dbops.sandbox.mysql.installation import Installation, installations, lacks
from dbops.sandbox.mysql.product import Product
from dbops.sandbox.mysql.server import KIND, ProgramServer

_SECONDS = 30.0


class LocalProvider:
    """See `sandbox.base.Provider`. Of several servers of the product the one that lacks nothing, and then the one of
    the nearest series."""

    kind = KIND

    def __init__(self, product: Product) -> None:
        self._product = product

    def offer(self, needs: Needs) -> Offer:
        found = installations(needs.bindir)
        offers = [_offer_of(each, needs) for each in found if each.product is self._product]
        if not offers:
            return Offer(KIND, 0, (self._none(found),), _nothing)
        wanted = needs.series or str(needs.major)
        return min(offers, key=lambda offer: (bool(offer.obstacles), series_distance(offer.series, wanted)))

    def _none(self, found: list[Installation]) -> str:
        others = ", ".join(f"{each.product.title} {each.version}" for each in found)
        here = msg("; there is {others}", others=others) if others else ""
        return msg(
            "no {title} server ({programs}) is installed on this machine{here}",
            title=self._product.title,
            programs=self._product.programs[0],
            here=here,
        )


def _offer_of(found: Installation, needs: Needs) -> Offer:
    """What a server of this program would lack here, and whether it would be cut off from the network."""
    obstacles = []
    try:
        account = other_account()
    except SandboxMissingError as error:
        obstacles.append(error.message)
    else:
        where = place(shared=account is not None)
        obstacles += lacks(found, needs, where)
        if account is not None and not _runs(found.server, account):
            obstacles.append(msg("{server} cannot be run by user {name}", server=found.server, name=account.name))
        if lacking := room_lacking(where, needs.bytes, "TMPDIR"):
            obstacles.append(lacking)

    def make() -> Sandbox:
        return ProgramServer(found, needs)

    return Offer(KIND, found.major, tuple(obstacles), make, can_isolate(), found.series)


def _runs(server: Path, account: Account) -> bool:
    argv = [str(server), "--no-defaults", "--version"]
    return run(launched(argv, account), env=environment(), cwd=Path("/"), timeout=_SECONDS).status == 0


def _nothing() -> Sandbox:
    raise SandboxMissingError(msg("no such server is installed on this machine"))
