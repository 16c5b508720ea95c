"""A prune that keeps two backups and is killed at a chosen step: `python -m tests.fault.mortal_prune FOLDER STEP`.

Steps are those of `mortal_backup`. If there are fewer, it ends by itself and prints how many there were.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fault.kept_backups import pruned
from tests.fault.mortal_backup import MortalStore


def main(folder: str, last: str) -> None:
    store = MortalStore(Path(folder), int(last))
    pruned(store)
    print(store.steps)


if __name__ == "__main__":
    main(*sys.argv[1:])
