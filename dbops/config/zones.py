"""Time zones by name (`Europe/Madrid`), from the machine's own data or the `tzdata` package."""

from __future__ import annotations

import difflib
import zoneinfo
from datetime import UTC, tzinfo

from dbops.language import joined, msg


def zone(name: str) -> tzinfo:
    """The zone of a name; `ValueError` says what is allowed. UTC is there where a machine has no zone data at all."""
    if name == "UTC":
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, '' or '../x' are no zones
        known = zoneinfo.available_timezones()
    if not known:
        raise ValueError(
            msg("{name!r}: this machine has no time zone data: install the tzdata package, or write 'UTC'", name=name)
        ) from None
    close = difflib.get_close_matches(name, sorted(known), n=1)
    meant = msg("did you mean {close!r}?", close=close[0]) if close else ""
    text = msg("{name!r} is not a known time zone: write a name such as 'UTC' or 'Europe/Madrid'", name=name)
    raise ValueError(joined("; ", filter(None, [text, meant])))
