"""What the history will be once this branch is merged with another, by git, without merging or checking out anything.

A branch alone may have one head where the merge result has two (case 2). Revision files are compared as whole files:
git would merge two changes of one file line by line, and nobody should rely on that here.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dbops.command import describe_status, running
from dbops.errors import ConfigError, ToolError
from dbops.language import msg
from dbops.migrations import layout, source
from dbops.migrations.base_changes import changes
from dbops.migrations.history import History, contents, parse
from dbops.migrations.values import Kind, Problem, Revision

_TIMEOUT = 60
_OF_A_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
"""Set by git for its hooks, relative to where it stood: the repository is found from the folder instead."""


class Merged(NamedTuple):
    """Files by name, and those that both sides changed, each in its own way."""

    files: dict[str, bytes]
    conflicts: tuple[str, ...] = ()


class MergeResult(NamedTuple):
    """The history that the merge makes, and the ids of the revisions in it that the other side does not have."""

    history: History
    new: frozenset[str]


def read_merged(directory: Path, ref: str) -> MergeResult:
    """The history in a folder as it stands on disk, merged with that of `ref`, such as `origin/main`."""
    where = layout.find(directory)
    ours, problems = contents(where)
    if not where.folders:
        return MergeResult(parse(where.root, ours.items(), problems), frozenset())
    top = _top(where.folders[0])
    theirs = _commit(top, ref)
    base = _merge_base(top, theirs, ref)
    before, after = (_tree(top, commit, where, ours) for commit in (base, theirs))
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    merged = merge(ours, _blobs(top, before, changed), _blobs(top, after, changed))
    problems += [
        Problem(
            kind=Kind.CONFLICT,
            path=name,
            line=0,
            text=msg("changed here and, in another way, in {ref}", ref=ref),
            hint=msg("merge {ref} into this branch and settle the file by hand", ref=ref),
        )
        for name in merged.conflicts
    ]
    history = parse(where.root, sorted(merged.files.items()), problems)
    objects = {name: _objects(data, theirs) for name, data in merged.files.items()}
    known = frozenset(after.values())
    same = frozenset(one.id for one in history.revisions if not known.isdisjoint(objects[one.path]))
    here = frozenset[str]().union(*objects.values())
    others = _revisions(_blobs(top, after, [name for name, git in after.items() if git not in here]))
    if not merged.conflicts:
        history.problems += tuple(changes(history, ref, same, others))
    return MergeResult(history, frozenset(one.id for one in history.revisions) - same - others.keys())


def merge(ours: Mapping[str, bytes], base: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> Merged:
    """Three-way, by whole files. `base` and `theirs` need to hold only what differs between the two."""
    files = dict(ours)
    conflicts: list[str] = []
    for name in sorted({*base, *theirs}):
        mine, old, new = ours.get(name), base.get(name), theirs.get(name)
        if _same(old, new) or _same(mine, new):
            continue
        if not _same(mine, old):
            conflicts.append(name)
        elif new is None:
            files.pop(name, None)
        else:
            files[name] = new
    return Merged(files, tuple(conflicts))


def _same(one: bytes | None, other: bytes | None) -> bool:
    """Equal but for the ends of lines, which a checkout may have changed."""
    if one is None or other is None:
        return one is other
    return one == other or one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")


def _objects(data: bytes, commit: str) -> frozenset[str]:
    """The names that git may have for a file's content, in a repository with that commit: a file that was only moved is
    not new. Two, since a checkout may have changed the ends of lines."""
    name = "sha256" if len(commit) == 64 else "sha1"
    contents = (data, data.replace(b"\r\n", b"\n"))
    return frozenset(
        hashlib.new(name, b"blob %d\0" % len(one) + one, usedforsecurity=False).hexdigest() for one in contents
    )


def _top(folder: Path) -> Path:
    """The root of the working tree."""
    try:
        return Path(_text(folder, "rev-parse", "--show-toplevel"))
    except ToolError as error:
        if "not a git repository" not in error.hint:
            raise
        hint = msg("--base compares with a branch of the repository: run it in a checkout, or leave it out")
        raise ConfigError(msg("{folder} is in no git checkout", folder=folder), hint=hint, kind="no-git") from None


def _commit(top: Path, ref: str) -> str:
    try:
        return _text(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except ToolError:
        remote, _, branch = ref.partition("/")
        fetch = (
            msg(": git fetch {remote} {branch}:refs/remotes/{ref}", remote=remote, branch=branch, ref=ref)
            if remote == "origin" and branch
            else ""
        )
        raise ConfigError(
            msg("git knows no commit '{ref}'", ref=ref),
            hint=msg("fetch it first{fetch}; or name another one", fetch=fetch),
            kind="no-commit",
        ) from None


def _merge_base(top: Path, commit: str, ref: str) -> str:
    try:
        return _text(top, "merge-base", "HEAD", commit)
    except ToolError:
        hint = msg("fetch the whole history: git fetch --unshallow (in CI: fetch-depth 0)")
        raise ConfigError(
            msg("git finds no common commit of HEAD and {ref}", ref=ref), hint=hint, kind="no-merge-base"
        ) from None


def _tree(top: Path, commit: str, where: layout.Layout, ours: Mapping[str, bytes]) -> dict[str, str]:
    """The objects of revision files in a commit by the names that they have here: one side may have moved a folder."""
    found: dict[str, str] = {}
    top = top.resolve()
    for folder in where.folders:
        real = folder.resolve()
        if not real.is_relative_to(top):
            continue
        inside = _listed(top, commit, where, real)
        if not inside:
            prefix = where.name(folder / "x").removesuffix("x")
            mine = {name.removeprefix(prefix): data for name, data in ours.items() if name.startswith(prefix)}
            moved = _moved(top, commit, mine, real)
            inside = _listed(top, commit, where, moved) if moved is not None else {}
        found |= {where.name(folder / name): git for name, git in inside.items()}
    return found


def _listed(top: Path, commit: str, where: layout.Layout, folder: Path) -> dict[str, str]:
    """The objects of the revision files below a folder in a commit, by their names in it."""
    found = {
        path.relative_to(folder): git
        for path, git in _entries(top, commit, "--", os.path.relpath(folder, top))
        if path.is_relative_to(folder) and layout.is_loaded(path)
    }
    return {str(name): git for name, git in found.items() if where.recursive or len(name.parts) == 1}


def _moved(top: Path, commit: str, mine: Mapping[str, bytes], now: Path) -> Path | None:
    """Where the folder whose files are `mine`, which is `now`, is in a commit: one with most of the same files, that is
    not there here, or it would be another project's that began with a copy; a link to `now` may have taken its place.
    """
    wanted = {git: PurePosixPath(name) for name, data in mine.items() for git in _objects(data, commit)}
    places: Counter[Path] = Counter()
    for path, git in _entries(top, commit):
        name = wanted.get(git)
        if name is not None and path.parts[-len(name.parts) :] == name.parts:
            places[path.parents[len(name.parts) - 1]] += 1
    known = (place for place, _ in places.most_common() if not any(place.glob("*.py")) or place.resolve() == now)
    return next(known, None)


def _entries(top: Path, commit: str, *limit: str) -> Iterator[tuple[Path, str]]:
    """The regular files of a commit, and their objects."""
    for entry in _run(top, "ls-tree", "-r", "-z", "--full-tree", commit, *limit).split(b"\0"):
        facts, _, name = entry.partition(b"\t")
        mode, _, rest = facts.partition(b" ")
        if mode.startswith(b"100"):  # no link, and no submodule
            yield top / os.fsdecode(name), rest.rpartition(b" ")[2].decode("ascii")


def _blobs(top: Path, objects: Mapping[str, str], names: list[str]) -> dict[str, bytes]:
    return {name: _run(top, "cat-file", "blob", objects[name]) for name in names if name in objects}


def _revisions(files: Mapping[str, bytes]) -> dict[str, tuple[Revision, bytes]]:
    """Those of files that the merge does not have as they are, by id."""
    found = ((source.read(name, data).revision, data) for name, data in files.items())
    return {one.id: (one, data) for one, data in found if one is not None}


def _text(folder: Path, *arguments: str) -> str:
    return os.fsdecode(_run(folder, *arguments)).strip()


def _run(folder: Path, *arguments: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK} | {"LC_ALL": "C"}
    with running(["git", "-C", str(folder), *arguments], env=environment) as process:
        output = b"".join(process.chunks())
        status = process.wait(_TIMEOUT)
        if status:
            raise ToolError(
                msg(
                    "git {arguments} {describe_status}", arguments=arguments[0], describe_status=describe_status(status)
                ),
                hint=process.stderr_tail,
                kind="tool-failed",
            )
    return output
