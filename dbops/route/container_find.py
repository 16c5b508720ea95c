"""Which container a name means, and where it can be reached from here. By the `docker` program: it knows contexts,
remote engines and credentials, and is there wherever containers are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from dbops.command import describe_status, run
from dbops.errors import ToolError
from dbops.language import msg
from dbops.route.base import LOOPBACK, Near, RouteError

_SECONDS = 60.0
_SHORT_ID = 12
"""Letters of an id as `docker ps` shows it."""
_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_ANY = ("", "0.0.0.0", "::")  # noqa: S104 - as the engine says it


def running(name: str) -> dict[str, Any]:
    """What the engine says of the container of that name or id (12 letters or more), or else of the Compose service
    `service` or `project/service`. `RouteError` unless there is exactly one, and it runs."""
    ids = [name] if "/" not in name and _is_container(name) else _of_service(name)
    found = [inspect(one) for one in ids]
    up = [one for one in found if one["State"]["Status"] == "running"]
    if len(up) == 1:
        return up[0]
    if len(up) > 1:
        names = ", ".join(sorted(f"{_label(one, _PROJECT)}/{_label(one, _SERVICE)} ({_own(one)})" for one in up))
        raise _error(
            msg("'{name}' means {count} containers: {names}", name=name, count=len(up), names=names),
            msg("name one: 'project/service', or the container"),
        )
    if found:
        states = ", ".join(f"{_own(one)} is {one['State']['Status']}" for one in found)
        raise _error(
            msg("container '{name}' does not run: {states}", name=name, states=states),
            msg("start it: docker start {found}", found=_own(found[0])),
        )
    names = " ".join(_docker("ps", "--format", "{{.Names}}").split()) or "none"
    raise _error(
        msg("there is no container or Compose service '{name}'", name=name),
        msg("running containers: {names}", names=names),
    )


def inspect(container: str) -> dict[str, Any]:
    """What the engine says of a container. `RouteError` if there is none of that name."""
    found: list[dict[str, Any]] = json.loads(_docker("inspect", "--type", "container", "--", container))
    return found[0]


def address(found: dict[str, Any], port: int) -> Near | None:
    """Where this machine can be sure to reach that very container, or None. Addresses of an engine elsewhere (another
    host, a virtual machine) may be those of a stranger here, so that they count only where its processes are ours."""
    if not _local():
        return None
    if _runs_here(found):
        if found["HostConfig"]["NetworkMode"] == "host":
            return Near(host=LOOPBACK, port=port)
        for network in found["NetworkSettings"]["Networks"].values():
            if network["IPAddress"]:
                return Near(host=network["IPAddress"], port=port)
    for published in (found["NetworkSettings"]["Ports"] or {}).get(f"{port}/tcp") or ():
        host = published["HostIp"]
        return Near(host=LOOPBACK if host in _ANY else host, port=int(published["HostPort"]))
    return None


def _is_container(name: str) -> bool:
    """The engine also takes the first letters of an id, however few: that of a stranger may begin with `db`."""
    try:
        found = inspect(name)
    except RouteError as error:
        if not _is_no_name(error.message):
            raise
        return False
    return _own(found) == name.removeprefix("/") or len(name) >= _SHORT_ID


def _is_no_name(said: str) -> bool:
    """Whether the engine says that no container has this name: none at all, or the ids of several begin so."""
    return "No such container" in said or "found with provided prefix" in said


def _of_service(name: str) -> list[str]:
    project, _, service = name.rpartition("/")
    labels = [f"label={_SERVICE}={service}", *([f"label={_PROJECT}={project}"] if project else [])]
    words = [word for label in labels for word in ("--filter", label)]
    return _docker("ps", "--all", "--quiet", "--no-trunc", *words).split()


def _local() -> bool:
    host = os.environ.get("DOCKER_HOST")
    if not host:
        host = _docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").strip()
    return host.startswith(("unix://", "npipe://"))


def _runs_here(found: dict[str, Any]) -> bool:
    """Whether its first process is one of this machine (or of this container, where we are in one)."""
    try:
        return found["Id"] in Path(f"/proc/{found['State']['Pid']}/cgroup").read_text()
    except OSError:
        return False


def _own(found: dict[str, Any]) -> str:
    name: str = found["Name"]
    return name.lstrip("/")


def _label(found: dict[str, Any], label: str) -> str:
    labels: dict[str, str] = found["Config"].get("Labels") or {}
    return labels.get(label, "?")


def _docker(*words: str) -> str:
    try:
        done = run(["docker", *words], timeout=_SECONDS)
    except ToolError as error:
        raise _error(error.message, msg("install the docker command line, or leave 'container' out")) from None
    if done.status:
        said = " ".join(done.stderr.split()) or describe_status(done.status)
        hint = msg("may this user use the engine (group docker)? is it running?") if "daemon" in said.lower() else ""
        if _is_no_name(said):
            hint = ""
        raise _error(msg("docker {words}: {said}", words=words[0], said=said), hint)
    return done.stdout


def _error(message: str, hint: str) -> RouteError:
    return RouteError(message, hint=hint, kind="container")
