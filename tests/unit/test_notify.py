"""Those who want to know are told, whatever becomes of a run; and a channel that does not work changes nothing."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from invoke.context import Context
from invoke.exceptions import Exit as TaskExit

from dbops import app
from dbops.config.file import load
from dbops.config.types import Argv, Link
from dbops.config.urls import Secret
from dbops.errors import ConfigError
from dbops.notify.base import Channel, Event, Kind
from dbops.notify.chat import Chat
from dbops.notify.deliver import deliver
from dbops.notify.hook import Hook
from dbops.notify.metrics import HELP, Metrics, read, samples
from dbops.notify.ping import Ping
from dbops.notify.webhook import Webhook
from dbops.tasks import namespace
from tests.listeners import Listener, listening, refusing
from tests.unit.samples import a_catalog, a_manifest, keep
from tests.unit.test_cli import dbops

KEY = "T0000SECRETKEY"
"""In every address, and nowhere in what is printed or kept."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as server:
        yield server


def an_event(kind: Kind = Kind.FAILURE, **changes: Any) -> Event:
    facts: dict[str, Any] = {
        "kind": kind,
        "task": "backup",
        "target": "shop",
        "run": str(uuid.uuid4()),
        "host": "db1",
        "at": datetime(2026, 11, 24, 2, 45, tzinfo=UTC),
        "message": "the disk is full",
        "exit_code": 4,
    }
    return Event(**(facts | changes))


# -- one channel -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/hang/", "in time|within"),
        ("/drip/", "in time|within"),
        ("/500/", "status 500"),
        ("/404/", "status 404"),
        ("/302/", "leads to"),
        ("refused", "refused"),
        ("unknown-host", "not known"),
    ],
)
def test_a_channel_that_misbehaves_is_named_without_its_address(listener: Listener, path: str, reason: str) -> None:
    base = {"refused": refusing(), "unknown-host": "http://no-such-host.invalid"}.get(path)
    url = f"{base}/{KEY}" if base else listener.url(path + KEY)
    bad = Webhook("notify.webhook[0]", Link(url), always=False, timeout=0.3)
    good = Webhook("notify.webhook[1]", Link(listener.url("/good")), always=False, timeout=20)
    (failed,) = deliver([bad, good], an_event())
    assert failed.key == "notify.webhook[0]"
    assert any(word in failed.reason.lower() for word in reason.split("|")), failed
    assert KEY not in str(failed)
    assert json.loads(listener.named("/good").body)["message"] == "the disk is full", "the others are told all the same"
    assert "/elsewhere" not in " ".join(listener.paths()), "a redirection is not followed without its message"


def test_a_webhook_is_told_all_of_the_event(listener: Listener) -> None:
    event = an_event()
    assert deliver([Webhook("w", Link(listener.url("/w")), always=False, timeout=20)], event) == []
    request = listener.named("/w")
    document = json.loads(request.body)
    assert request.content_type == "application/json"
    assert (document["kind"], document["target"], document["run"]) == ("failure", "shop", event.run)
    assert "the disk is full" in document["text"]


@pytest.mark.parametrize(
    ("kind", "always", "told"),
    [(Kind.FAILURE, False, True), (Kind.SUCCESS, False, False), (Kind.SUCCESS, True, True), (Kind.START, True, False)],
)
def test_success_is_told_to_those_who_asked(listener: Listener, kind: Kind, always: bool, told: bool) -> None:
    channels: list[Channel] = [
        Webhook("w", Link(listener.url("/w")), always=always, timeout=20),
        Chat("a", Secret(f"json://127.0.0.1:{listener.server_address[1]}/a"), always=always, timeout=20),
    ]
    assert deliver(channels, an_event(kind)) == []
    assert sorted(listener.paths()) == (["/a", "/w"] if told else [])


def test_pings_say_start_success_and_failure_of_one_run(listener: Listener) -> None:
    ping = Ping("p", Link(listener.url("/uuid?create=1")), timeout=20)
    run = str(uuid.uuid4())
    for kind in (Kind.START, Kind.SUCCESS, Kind.FAILURE):
        assert deliver([ping], an_event(kind, run=run)) == []
    ask = f"?create=1&rid={run}"
    assert [r.path for r in listener.requests] == [f"/uuid/start{ask}", f"/uuid{ask}", f"/uuid/fail{ask}"]
    assert b"the disk is full" in listener.requests[-1].body


def test_apprise_logs_no_addresses() -> None:
    """In a process of its own, whose logging is set up: pytest's own handlers go around what is cut off."""
    program = f"""if True:
        import logging
        logging.basicConfig()
        from tests.unit.test_notify import *
        for url in ("nonsense://{KEY}", "json://127.0.0.1:1/{KEY}"):
            assert deliver([Chat("a", Secret(url), always=False, timeout=20)], an_event())
    """
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr


def test_apprise_does_not_print_addresses(listener: Listener, tmp_path: Path) -> None:
    """In a process of its own: pytest takes what is logged, and nothing would reach stderr."""
    port = listener.server_address[1]
    bad = [f"json://127.0.0.1:{port}/500/{KEY}", f"nonsense://{KEY}", f"json://127.0.0.1:1/{KEY}"]
    text = f'[store]\nurl = "{tmp_path}"\n[notify]\napprise = {json.dumps(bad)}\n'
    (tmp_path / "dbops.toml").write_text(text)
    done = dbops(tmp_path, "doctor", "--notify")
    assert done.stdout.count("ERROR    notify") == 3
    assert KEY not in done.stdout + done.stderr


def test_without_apprise_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    (failed,) = deliver([Chat("apprise[0]", Secret("json://h"), always=False, timeout=20)], an_event())
    assert "dbops[notify]" in failed.hint


def test_a_hook_gets_environment_and_json_and_no_shell(tmp_path: Path) -> None:
    script = (
        "import json, os, sys; json.dump([os.environ['DBOPS_MESSAGE'], json.load(sys.stdin)], open(sys.argv[1], 'w'))"
    )
    argv = Argv([sys.executable, "-c", script, str(tmp_path / "a $(touch x); b")])
    assert deliver([Hook("h", argv, Kind.FAILURE, timeout=20)], an_event()) == []
    assert deliver([Hook("h", argv, Kind.SUCCESS, timeout=20)], an_event()) == [], "not its event"
    message, document = json.loads((tmp_path / "a $(touch x); b").read_text())
    assert message == document["message"] == "the disk is full"


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("sh", "-c", "echo broken >&2; exit 7"), "status 7"),
        (("sh", "-c", "kill -9 $$"), "SIGKILL"),
        (("/nowhere/hook",), "could not be started"),
        (("sh", "-c", "exec 0<&-; exit 1"), "status 1"),
    ],
)
def test_a_hook_that_fails_is_named(argv: tuple[str, ...], reason: str) -> None:
    (failed,) = deliver([Hook("notify.on_failure", Argv(argv), Kind.FAILURE, timeout=20)], an_event())
    assert reason in failed.reason


def test_a_hook_that_hangs_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    argv = Argv(["sh", "-c", f"echo $$ > {path}; exec sleep 1000"])
    (failed,) = deliver([Hook("notify.on_failure", argv, Kind.FAILURE, timeout=1)], an_event())
    assert "did not end" in failed.reason
    with pytest.raises(ProcessLookupError):
        os.kill(int(path.read_text()), 0)


# -- metrics ---------------------------------------------------------------------------------------------------------

SUCCESS = "dbops_last_success_timestamp_seconds"
BASE = (("target", "shop"), ("task", "backup"))


def test_a_failed_run_keeps_what_is_known_of_the_last_good_one(tmp_path: Path) -> None:
    metrics = Metrics("notify.metrics", tmp_path, 0o644, timeout=20)
    good = an_event(Kind.SUCCESS, exit_code=0, figures={"dbops_backup_bytes": 12345.0})
    bad = an_event(at=datetime(2026, 11, 25, 2, 45, tzinfo=UTC), findings={"error": 2})
    for event in (good, bad):
        assert deliver([metrics], event) == []
    (path,) = tmp_path.iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("dbops_backup_shop.prom", 0o644)
    found = read(path)
    assert found[(SUCCESS, BASE)] == good.at.timestamp()
    assert found[("dbops_backup_bytes", BASE)] == 12345.0
    assert found[("dbops_last_run_success", BASE)] == 0
    assert found[("dbops_last_run_exit_code", BASE)] == 4
    assert found[("dbops_findings", (("severity", "error"), *BASE))] == 2


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"dbops_last", b"# HELP x\nnonsense {{{"])
def test_a_damaged_file_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "dbops_backup_shop.prom"
    path.write_bytes(damage)
    assert deliver([Metrics("m", tmp_path, 0o600, timeout=20)], an_event(Kind.SUCCESS)) == []
    assert read(path)[("dbops_last_run_success", BASE)] == 1


def test_a_run_that_never_succeeded_says_so() -> None:
    assert samples(an_event(), {})[(SUCCESS, BASE)] == 0, "an alert over its age fires"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    (failed,) = deliver([Metrics("notify.metrics", tmp_path / "no", 0o644, timeout=20)], an_event())
    assert "cannot be written" in failed.reason


@pytest.mark.parametrize("name", ["prometheus-alerts.yml", "grafana-dashboard.json"])
def test_the_examples_speak_of_metrics_that_there_are(name: str) -> None:
    import re

    text = (Path(__file__).parents[2] / "examples" / name).read_text()
    named = set(re.findall(r"\bdbops_[a-z_]+", text))
    assert named
    assert named <= set(HELP)


# -- a whole run -----------------------------------------------------------------------------------------------------


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs a task in a folder with that `dbops.toml`, and a store with a backup whose archive is no archive."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "DBOPS_STORE", "DBOPS_CONFIG", "DBOPS_LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    catalog = a_catalog(tmp_path / "store")
    keep(catalog, a_manifest())

    def call(task: str, config: str, **flags: object) -> Done:
        text = f'[store]\nurl = "{catalog.store.url}"\n{config}'
        (tmp_path / "dbops.toml").write_text(text)
        code = 0
        try:
            namespace.tasks[task](Context(), **flags)
        except TaskExit as done:
            code = done.code or 0
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err)

    return call


def everything(listener: Listener, folder: Path, *, path: str, hook: str) -> str:
    return f"""
[notify]
when = "always"
timeout = "300ms"
webhook = ["{listener.url(f"{path}/{KEY}/webhook")}"]
apprise = "json://127.0.0.1:{listener.server_address[1]}{path}/{KEY}/apprise"
on_failure = ["sh", "-c", "{hook}"]
on_success = ["sh", "-c", "{hook}"]
metrics = "{folder}"
ping = {{ verify = "{listener.url(f"{path}/{KEY}/verify")}", prune = "{listener.url(f"{path}/{KEY}/prune")}" }}
""".replace("300ms", "0.3s" if path != "/ok" else "20s")


def test_a_failure_is_told_everywhere(run: Callable[..., Done], listener: Listener, tmp_path: Path) -> None:
    done = run("verify", everything(listener, tmp_path, path="/ok", hook="cat > hook.json"), json=True)
    assert done.code == 3
    paths = [f"/ok/{KEY}/{name}" for name in ("apprise", "verify/fail", "verify/start", "webhook")]
    assert sorted(listener.paths()) == sorted(paths)
    told = json.loads(listener.named(f"/ok/{KEY}/webhook").body)
    hooked = json.loads((tmp_path / "hook.json").read_text())
    report = json.loads(done.out)
    assert told["exit_code"] == hooked["exit_code"] == 3
    assert told["target"] == "shop", "its name was found in the store"
    assert "archive-decode" in told["message"] or "artifact" in told["message"] or told["message"]
    assert report["provenance"]["run"] == told["run"] == hooked["run"]
    (record,) = (tmp_path / "store").glob("shop/*/drills/*.json")
    assert told["run"] in record.read_text()
    assert read(tmp_path / "dbops_verify_shop.prom")
    for text in (done.out, done.err, record.read_text()):
        assert KEY not in text


@pytest.mark.parametrize("path", ["/hang", "/500"])
@pytest.mark.parametrize("task", ["verify", "prune"])
def test_broken_channels_change_no_exit_code(
    run: Callable[..., Done], listener: Listener, tmp_path: Path, path: str, task: str
) -> None:
    config = everything(listener, tmp_path / "nowhere", path=path, hook="echo broken >&2; exit 1")
    done = run(task, config, json=True)
    assert done.code == {"verify": 3, "prune": 0}[task]
    for channel in ("webhook[0]", "apprise[0]", f"ping.{task}", "metrics", "on_"):
        assert f"notify.{channel}" in done.err
    if task == "verify":
        findings = [finding for finding in json.loads(done.out)["findings"] if finding["id"] == "notify-failed"]
        assert len(findings) == 5
        assert {finding["severity"] for finding in findings} == {"warning"}
    assert KEY not in done.out + done.err


def test_a_hook_that_broke_hides_no_failure(run: Callable[..., Done], listener: Listener, tmp_path: Path) -> None:
    config = everything(listener, tmp_path, path="/ok", hook="exit 1")
    assert run("verify", config).code == 3
    assert f"/ok/{KEY}/webhook" in listener.paths()
    assert f"/ok/{KEY}/verify/fail" in listener.paths()


def test_an_error_is_a_failure_too(run: Callable[..., Done], listener: Listener, tmp_path: Path) -> None:
    target = '[targets.shop]\nurl = "postgresql://me:hunter2hunter2@127.0.0.1:1/shop"\n'
    done = run("backup", target + everything(listener, tmp_path, path="/ok", hook="cat > hook.json"))
    assert done.code == 4
    told = json.loads(listener.named(f"/ok/{KEY}/webhook").body)
    assert told["exit_code"] == 4
    assert "cannot connect" in told["message"]
    assert "hunter2hunter2" not in str(listener.requests) + (tmp_path / "hook.json").read_text()


def test_a_dry_run_tells_nobody(run: Callable[..., Done], listener: Listener, tmp_path: Path) -> None:
    assert run("prune", everything(listener, tmp_path, path="/ok", hook="true"), dry_run=True).code == 0
    assert listener.requests == []


def test_a_target_has_channels_of_its_own(run: Callable[..., Done], listener: Listener, tmp_path: Path) -> None:
    config = f"""
[notify]
webhook = "{listener.url("/general")}"
ping = {{ backup = "{listener.url("/general-backup")}", verify = "{listener.url("/general-verify")}" }}
[targets.shop]
url = "postgresql://h/shop"
[targets.shop.notify]
webhook = "{listener.url("/own")}"
tasks = ["verify"]
ping = {{ verify = "{listener.url("/own-verify")}" }}
"""
    assert run("verify", config).code == 3
    assert sorted(listener.paths()) == ["/own", "/own-verify/fail", "/own-verify/start"]
    assert run("prune", config, yes=True).code in (0, 4)
    assert len(listener.requests) == 3, "prune is not among its tasks"


def test_an_interrupted_run_is_told(listener: Listener, tmp_path: Path) -> None:
    """SIGTERM, as from systemd: while the store hangs."""
    os.mkfifo(tmp_path / "fifo")
    keep(a_catalog(tmp_path / "store"), a_manifest())
    config = f'[store]\nurl = "file://{tmp_path}/store"\n[notify]\nwebhook = "{listener.url("/w")}"\n'
    config += f'[targets.shop]\nurl = "postgresql://h/shop"\npassword_command = ["cat", "{tmp_path}/fifo"]\n'
    (tmp_path / "dbops.toml").write_text(config)
    program = "import sys; sys.argv[0] = 'dbops'; from dbops.cli import main; main()"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    argv = [sys.executable, "-c", program, "backup"]
    with subprocess.Popen(argv, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None and not children.read_text():  # it waits for the password
            time.sleep(0.02)
        process.terminate()
        assert process.wait(30) == 130
    with contextlib.suppress(OSError):  # interrupted between fork and its record, it leaves the child waiting
        os.close(os.open(tmp_path / "fifo", os.O_WRONLY | os.O_NONBLOCK))
    assert json.loads(listener.named("/w").body)["message"] == "interrupted"


# -- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "place", "allowed"),
    [
        ('webhok = "https://h/x"', "notify.webhok", "'webhook'"),
        (f'webhook = "ftp://h/{KEY}"', "notify.webhook", "https://"),
        (f'webhook = ["https://h/x", "{KEY}"]', "notify.webhook", "https://"),
        ("webhook = 3", "notify.webhook", "https://"),
        (f'apprise = "{KEY}"', "notify.apprise", "Apprise"),
        ('when = "sometimes"', "notify.when", "failure, always"),
        ('ping = "https://h/x"', "notify.ping", "a table"),
        ('ping = { restore = "https://h/x" }', "notify.ping.restore", "backup"),
        (f'ping = {{ backup = "//{KEY}" }}', "notify.ping", "https://"),
        ('metrics_mode = "0777"', "notify.metrics_mode", "0644"),
        ("metrics_mode = 644", "notify.metrics_mode", "0644"),
        ('tasks = ["gate"]', "notify.tasks", "backup"),
        ("on_failure = []", "notify.on_failure", "a list of strings"),
    ],
)
@pytest.mark.parametrize("table", ["notify", "targets.shop.notify"])
def test_a_mistake_names_its_place_and_no_address(
    tmp_path: Path, table: str, line: str, place: str, allowed: str
) -> None:
    text = f'[store]\nurl = "/s"\n[targets.shop]\nurl = "postgresql://h/shop"\n[{table}]\n{line}\n'
    (tmp_path / "dbops.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(environment={}, folder=tmp_path)
    assert place.replace("notify", table, 1) in str(caught.value)
    assert allowed in str(caught.value)
    assert KEY not in str(caught.value)


def test_channels_are_called_by_where_they_are_configured(tmp_path: Path) -> None:
    text = """
[store]
url = "/s"
[notify]
webhook = ["https://h/x", "https://h/y"]
on_failure = "mail root"
ping = { backup = "https://h/general", verify = "https://h/verify" }
[targets.shop]
url = "postgresql://h/shop"
[targets.shop.notify]
apprise = "json://h"
webhook = []
ping = { backup = "https://h/own" }
"""
    (tmp_path / "dbops.toml").write_text(text)
    config = load(environment={}, folder=tmp_path)
    keys = {name: [channel.key for channel in app.open_channels(config, name)] for name in ("shop", "")}
    own = ["targets.shop.notify.apprise[0]", "targets.shop.notify.ping.backup"]
    assert keys["shop"] == ["notify.on_failure", *own, "notify.ping.verify"]
    pings = ["notify.ping.backup", "notify.ping.verify"]
    assert keys[""] == ["notify.on_failure", "notify.webhook[0]", "notify.webhook[1]", *pings]


def test_doctor_tries_the_channels_when_asked(run: Callable[..., Done], listener: Listener, tmp_path: Path) -> None:
    config = (
        everything(listener, tmp_path, path="/ok", hook="true") + f'[targets.shop.notify]\nwebhook = "{refusing()}"\n'
    )
    config += '[targets.shop]\nurl = "postgresql://me@127.0.0.1:1/shop"\n'
    assert "notify" not in {finding["id"] for finding in json.loads(run("doctor", config, json=True).out)["findings"]}
    assert listener.requests == []
    done = run("doctor", config, json=True, notify=True)
    severities = {f["subject"]: f["severity"] for f in json.loads(done.out)["findings"] if f["id"] == "notify"}
    bad = severities.pop("targets.shop.notify.webhook[0]")
    assert (bad, set(severities.values()), len(severities)) == ("error", {"info"}, 6)
    paths = [f"/ok/{KEY}/{name}" for name in ("apprise", "prune/log", "verify/log")]
    assert sorted(listener.paths()) == paths, "/log changes the state of no check"
    assert KEY not in done.out + done.err
