"""PostgreSQL servers that are installed on this machine, as sandboxes: `initdb` in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable

from dbops.folder import place
from dbops.language import msg
from dbops.sandbox.account import can_isolate, other_account
from dbops.sandbox.base import Needs, Offer, Sandbox, SandboxMissingError
from dbops.sandbox.machine import room_lacking
from dbops.sandbox.major import distance
from dbops.sandbox.postgres.installation import Installation, installations, lacks
from dbops.sandbox.postgres.server import ProgramServer

KIND = "local"


class LocalProvider:
    """See `sandbox.base.Provider`. Of several servers the one that lacks nothing, and then the nearest major."""

    kind = KIND

    def offer(self, needs: Needs) -> Offer:
        offers = [_offer_of(found, needs) for found in installations(needs.bindir)]
        if not offers:
            return Offer(
                KIND, 0, (msg("no PostgreSQL server (postgres, initdb) is installed on this machine"),), _nothing
            )
        return min(offers, key=lambda offer: (bool(offer.obstacles), distance(offer.major, needs.major)))


def offer_of(kind: str, found: Installation, needs: Needs, make: Callable[[], Sandbox]) -> Offer:
    """What a server of these programs would lack here, and whether it would be cut off from the network."""
    obstacles = lacks(found, needs)
    try:
        account = other_account()
    except SandboxMissingError as error:
        obstacles.append(error.message)
    else:
        if lacking := room_lacking(place(shared=account is not None), needs.bytes, "TMPDIR"):
            obstacles.append(lacking)
    return Offer(kind, found.major, tuple(obstacles), make, can_isolate())


def _offer_of(found: Installation, needs: Needs) -> Offer:
    return offer_of(KIND, found, needs, lambda: ProgramServer(KIND, found, needs, str(found.bindir)))


def _nothing() -> Sandbox:
    raise SandboxMissingError(msg("no PostgreSQL server is installed on this machine"))
