"""Input from Debian's packages: downloaded into a cache outside of the repository and unpacked, never installed.

Uses apt with lists of its own, made from the machine's sources with `deb-src` added, so that neither root nor a change
of the machine is needed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.inputs.missing import MissingInputError


def cache() -> Path:
    """Where downloads are kept between test runs: `DBOPS_TEST_CACHE`, or a folder among the user's caches."""
    default = Path("/var/cache/dbops-tests") if os.geteuid() == 0 else Path.home() / ".cache" / "dbops-tests"
    folder = Path(os.environ.get("DBOPS_TEST_CACHE") or default)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def made_once(name: str) -> Iterator[Path | None]:
    """Gives a scratch folder to fill, which becomes `cache()/name` if all goes well; None if that is there already.

    Test processes that run at once wait for each other, and half a download is never taken for a whole one.
    """
    target = cache() / name
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            yield None
            return
        scratch = cache() / f"{name}.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        yield scratch
        scratch.rename(target)


def package(name: str) -> Path:
    """The files of a binary package, unpacked."""
    apt = _apt()
    with made_once(f"package-{name}") as scratch:
        if scratch:
            _run([*apt, "download", name], scratch)
            (archive,) = scratch.glob("*.deb")
            _run(["dpkg-deb", "-x", str(archive), str(scratch)], scratch)
            archive.unlink()
    return cache() / f"package-{name}"


def source(name: str, *, only: str) -> Path:
    """The files below the folder `only` of a source package's upstream archive, unpacked.

    The newest version whose files can be had: archives list security updates that their mirrors may not hold yet.
    """
    apt = _apt()
    with made_once(f"source-{name}") as scratch:
        if scratch:
            listing = _run(["apt-cache", *apt[1:], "--only-source", "showsrc", name], scratch)
            versions = dict.fromkeys(re.findall(r"(?m)^Version: (\S+)$", listing))
            if not versions:
                raise MissingInputError(f"no source package {name} in this machine's package sources")
            refusals = []
            for version in versions:
                try:
                    _run([*apt, "source", "--download-only", "--tar-only", f"{name}={version}"], scratch)
                except MissingInputError as error:
                    refusals.append(str(error))
                else:
                    break
            else:
                raise MissingInputError("\n".join(refusals))
            (archive,) = scratch.glob("*.orig.tar.*")
            _run(["tar", "-xf", str(archive), "--strip-components=1", "--wildcards", f"*/{only}"], scratch)
            archive.unlink()
    return cache() / f"source-{name}"


def _apt() -> list[str]:
    """The command line of an apt-get with lists of its own, at most a day old."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise MissingInputError("this machine has no apt-get: the input databases come from Debian's packages")
    name = f"apt-{time.strftime('%Y%m%d', time.gmtime())}"
    folder = cache() / name
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": folder / "sources.list.d",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
    }
    command = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]
    with made_once(name) as scratch:
        if scratch:
            for old in cache().glob("apt-*"):
                if old != scratch:
                    shutil.rmtree(old)
            for part in ("sources.list.d", "lists/partial", "cache/archives/partial"):
                (scratch / part).mkdir(parents=True)
            _write_sources(scratch)
            fresh = [part.replace(str(folder), str(scratch)) for part in command]
            _run([*fresh, "update"], scratch)
    return command


def _write_sources(folder: Path) -> None:
    etc = Path("/etc/apt")
    lines = [path.read_text() for path in [etc / "sources.list", *etc.glob("sources.list.d/*.list")] if path.exists()]
    text = "\n".join(lines)
    (folder / "sources.list").write_text(text + "\n" + re.sub(r"(?m)^deb\s", "deb-src ", text) + "\n")
    for path in etc.glob("sources.list.d/*.sources"):
        stanza = re.sub(r"(?m)^Types:.*$", "Types: deb deb-src", path.read_text())
        (folder / "sources.list.d" / path.name).write_text(stanza)


def _run(argv: list[str], cwd: Path) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise MissingInputError(
            f"{' '.join(argv[:1] + argv[-2:])}: status {done.returncode}: {done.stderr.strip()[-500:]}"
        )
    return done.stdout
