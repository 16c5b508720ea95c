"""Lets dbops work under writes for a while, kills it at random, and looks whether anything was lost or left.

    python -m tests.soak [--minutes 10] [--server postgres:17] [--store file|s3] [--seed N]

Servers: `postgres:15`, `:17`, `:18`, `mariadb10.11`, `mariadb11.8`, `mysql9.7`, where they are installed. The store
`s3` is a SeaweedFS. Status 0: nothing was lost, and nothing was left. It is no part of `invoke test`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.contract.s3_servers import CREDENTIALS, running_seaweedfs
from tests.soak import remains
from tests.soak.bank import COPY, NAME, PROMISES, Host, Writers, fill, host
from tests.soak.ordeal import INVENTORY, KEEP, Ordeal


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--server", default="postgres:17")
    parser.add_argument("--store", choices=["file", "s3"], default="file")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="to do the same again")
    options = parser.parse_args()
    print(f"{options.server}, {options.store}, {options.minutes:g} minutes, --seed {options.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dbops-soak-")))
        bank = stack.enter_context(host(options.server))
        fill(bank)
        before = bank.databases()
        store, lines, environment = stack.enter_context(_store(options.store, folder))
        config = _config(folder, bank, store, lines)
        scratch = folder / "tmp"
        scratch.mkdir()
        environment = {**os.environ, **environment, "TMPDIR": str(scratch)}
        ordeal = Ordeal(bank, config, environment, secrets.token_hex(8), options.seed)
        with Writers(bank, options.seed) as writers:
            ordeal.endure(options.minutes * 60, writers)
        ordeal.conclude()
        ordeal.violations += [f"the application failed: {text}" for text in writers.failures]
        if more := bank.databases() - before - {COPY}:
            ordeal.violations.append(f"databases were left: {sorted(more)}")
        if left := remains.files(scratch):
            ordeal.violations.append(f"files were left in TMPDIR: {left}")
        _report(ordeal, writers)
    return 1 if ordeal.violations else 0


@contextlib.contextmanager
def _store(kind: str, folder: Path) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """The store's URL, more lines of its section, and what the environment needs."""
    if kind == "file":
        yield (folder / "store").as_uri(), "", {}
        return
    data = folder / "seaweedfs"
    data.mkdir()
    with running_seaweedfs(data) as server:
        yield f"s3://{server.bucket()}/prod", f'endpoint_url = "{server.endpoint}"\nregion = "us-east-1"\n', CREDENTIALS


def _config(folder: Path, bank: Host, store: str, lines: str) -> Path:
    config = folder / "dbops.toml"
    promises = "".join(
        f'[[targets.{NAME}.invariants]]\nname = "{name}"\nsql = "{query}"\nequals = {value}\n'
        for name, (query, value) in PROMISES.items()
    )
    config.write_text(
        f'[store]\nurl = "{store}"\n{lines}[targets.{NAME}]\nurl = "{bank.url()}"\ninventory = "${{{INVENTORY}}}"\n'
        f"[targets.{NAME}.policy.keep]\nlast = {KEEP}\n{promises}"
    )
    config.chmod(0o600)
    return config


def _report(ordeal: Ordeal, writers: Writers) -> None:
    print(f"\n{'; '.join(f'{name} {count}' for name, count in sorted(ordeal.runs.items()))}")
    print(
        f"killed: {sum(ordeal.kills.values())} ({', '.join(f'{n} {c}' for n, c in sorted(ordeal.kills.items()) if c)})"
    )
    print(f"backups: {len(ordeal.made)} made, {len(ordeal.pruned)} pruned")
    print(f"the application: {writers.written} transactions, the longest {writers.longest:.2f} s")
    print("\n".join(f"WRONG: {text}" for text in ordeal.violations) or "nothing was lost, and nothing was left")


if __name__ == "__main__":
    sys.exit(main())
