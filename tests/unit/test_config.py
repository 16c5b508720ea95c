"""Every mistake in the configuration names its place and what is allowed; nothing shows a password."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbops.command import redact
from dbops.config import Config, Seconds, Target, passwords
from dbops.config.file import load
from dbops.config.units import format_duration, format_size, parse_duration, parse_size, target_name
from dbops.config.urls import Secret, database_name, split_password
from dbops.errors import ConfigError, RefusedError
from dbops.model import is_target_name
from dbops.ops import init

DESIGN = """
[store]
url = "s3://finanzas-backups/prod"
region = "eu-central-1"
sse = "aws:kms"
[targets.finanzas]
url = "postgresql://finanzas_user:${PW}@db.internal/finanzas_db"
password_env = "OTHER"
jobs = 4
inventory = "content"
[targets.finanzas.app]
stop = "systemctl stop 'finanzas agv'"
start = ["systemctl", "start", "x"]
[targets.finanzas.policy]
rpo = "24h"
rto = "30m"
min_free = "2GB"
keep = { last = 3, daily = 7, weekly = 5, monthly = 12 }
[targets.finanzas.migrations]
kind = "flask-migrate"
directory = "migrations"
python = "/opt/venv/bin/python"
app = "finanzas:create_app"
[[targets.finanzas.invariants]]
name = "no invoice without a customer"
sql = "select 0"
equals = 0
"""

Loader = Callable[..., Config]


@pytest.fixture
def loaded(tmp_path: Path) -> Loader:
    """Loads text as dbops.toml."""

    def run(text: str, **flags: Any) -> Config:
        (tmp_path / "dbops.toml").write_text(text)
        return load(environment={"PW": "pä:ss"}, folder=tmp_path, **flags)

    return run


def test_all_keys_of_the_design_are_understood(loaded: Loader, tmp_path: Path) -> None:
    target = loaded(DESIGN).target("finanzas")
    policy = target.policy
    assert [float(value or 0) for value in (policy.rpo, policy.rto, policy.min_free)] == [86400, 1800, 2_000_000_000]
    assert target.app.stop == ("systemctl", "stop", "finanzas agv")
    assert target.app.start == ("systemctl", "start", "x")
    assert target.migrations is not None
    assert target.migrations.directory == tmp_path / "migrations", "relative to the file, not to where one stands"
    assert target.invariants[0].equals == 0


@pytest.mark.parametrize(
    ("old", "new", "place", "help"),
    [
        ("jobs = 4", "jbos = 4", "targets.finanzas.jbos", "'jobs'"),
        ("jobs = 4", 'jobs = "4"', "targets.finanzas.jobs", ""),
        ("jobs = 4", "jobs = 0", "targets.finanzas.jobs", ""),
        ("jobs = 4", 'name = "x"', "targets.finanzas.name", "allowed"),
        ('"content"', '"all"', "targets.finanzas.inventory", "content, archive, counts"),
        ("last = 3", "lst = 3", "targets.finanzas.policy.keep.lst", "'last'"),
        ('"24h"', '"1 day"', "targets.finanzas.policy.rpo", ""),
        ('"24h"', "24", "targets.finanzas.policy.rpo", ""),
        ("${PW}", "${NONE}", "targets.finanzas.url", "NONE"),
        ("equals = 0", "equal = 0", "targets.finanzas.invariants[0].equal", "'equals'"),
        ('kind = "flask-migrate"', "", "targets.finanzas.migrations", "kind"),
        ("[store]", "[stor]", "stor", "'store'"),
        ('sse = "aws:kms"', 'sse = "yes"', "store.sse", "AES256"),
        ("postgresql://", "oracle://", "targets.finanzas.url", "postgresql://"),
        ("targets.finanzas", "targets.'../x'", "targets.../x", "letters"),
        ("jobs = 4", "jobs = ", "line 9", ""),
        ("jobs = 4", 'ssh = "-oProxyCommand=x"', "targets.finanzas.ssh", "hyphen"),
        ("jobs = 4", 'run_as = "a b"', "targets.finanzas.run_as", "spaces"),
        ("jobs = 4", 'ssh = "a"\ncontainer = "b"', "targets.finanzas: more than one way", "keep one of ssh, container"),
    ],
)
def test_a_mistake_names_file_key_and_what_is_allowed(
    loaded: Loader, old: str, new: str, place: str, help: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(DESIGN.replace(old, new))
    assert "dbops.toml" in caught.value.message
    assert place in caught.value.message
    assert help in str(caught.value)
    assert "pä:ss" not in str(caught.value)


def test_a_url_on_the_command_line_goes_no_way_of_the_file(loaded: Loader) -> None:
    target = loaded(DESIGN.replace("jobs = 4", 'ssh = "db"'), url="postgresql://other/finanzas", target="finanzas")
    assert target.target().ssh is None


def test_a_url_on_the_command_line_never_gets_the_password_of_the_file(loaded: Loader) -> None:
    config = loaded(DESIGN, url="postgresql://me@other/db", target="finanzas")
    target = config.target()
    assert target.jobs == 4, "the settings stay"
    assert target.password_env is None
    assert passwords.password(target, {"OTHER": "secret"}) is None


def test_the_driver_of_a_url_is_the_applications(loaded: Loader) -> None:
    url = 'url = "postgresql://'
    text = DESIGN.replace(url, 'url = "postgres+asyncpg://')
    assert text != DESIGN

    def driver(**flags: str) -> str | None:
        migrations = loaded(text, **flags).target("finanzas").migrations
        assert migrations is not None
        return migrations.driver

    assert driver() == "postgresql+asyncpg"
    assert driver(url="mysql+pymysql://me@other/db", target="finanzas") == "mysql+pymysql"
    text = text.replace('kind = "flask-migrate"', 'kind = "flask-migrate"\ndriver = "postgresql"')
    assert driver() == "postgresql", "what is said counts first"


def test_flags_win_over_the_file_and_the_file_over_the_environment(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://h/env", "DBOPS_STORE": "file:///env"}
    assert list(load(environment=environment, folder=tmp_path).targets) == ["env"]
    (tmp_path / "dbops.toml").write_text('[store]\nurl = "file:///f"\n[targets.f]\nurl = "postgresql://h/f"\n')
    config = load(environment=environment, folder=tmp_path)
    assert (list(config.targets), config.store.url) == (["f"], "file:///f")
    config = load(environment=environment, folder=tmp_path, url="postgresql://h/flag", store="file:///flag")
    assert (list(config.targets), config.store.url) == (["flag"], "file:///flag")


def test_without_a_store_the_error_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no store") as caught:
        load(environment={}, folder=tmp_path, url="postgresql://h/db")
    assert "DBOPS_STORE" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "plain", "password"),
    [
        ("postgresql://u:p%40ss@h:5/db?sslmode=require", "postgresql://u@h:5/db?sslmode=require", "p@ss"),
        ("postgres://u:a:b@h1,h2:7/db", "postgresql://u@h1,h2:7/db", "a:b"),
        ("postgresql+psycopg2://u@h/db", "postgresql://u@h/db", None),
        ("postgresql:///db?host=/tmp/x&password=s%26t", "postgresql:///db?host=/tmp/x", "s&t"),
        ("postgresql:///db?service=prod", "postgresql:///db?service=prod", None),
        ("postgresql://u:@h/db", "postgresql://u@h/db", ""),
        ("postgresql://u@[::1]:5432/d%20b", "postgresql://u@[::1]:5432/d%20b", None),
    ],
)
def test_the_password_leaves_the_url(url: str, plain: str, password: str | None) -> None:
    assert split_password(url) == (plain, password)


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda s: f"{s!r:>20}"])
def test_a_secret_never_prints(show: Callable[[object], str]) -> None:
    target = Target(url=Secret("postgresql://u:hunter2@h/db"), name="t")
    assert "hunter2" not in show(target.url)
    assert "hunter2" not in show(target)
    assert target.url.reveal() == "postgresql://u:hunter2@h/db"


def test_the_order_of_passwords(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from file\n")
    base = {"url": Secret("postgresql://u:url@h/db"), "name": "t"}
    environment = {"P": "from environment"}
    full = Target(**base, password_file=file, password_env="P", password_command=("echo", "no"))  # type: ignore[arg-type]
    assert passwords.password(full, environment) == "from file"
    second = Target(**base, password_env="P", password_command=("echo", "no"))  # type: ignore[arg-type]
    assert passwords.password(second, environment) == "from environment"
    third = Target(**base, password_command=("printf", "from command\nsecond line"))  # type: ignore[arg-type]
    assert passwords.password(third, environment) == "from command"
    assert passwords.password(Target(**base), environment) == "url"  # type: ignore[arg-type]


@pytest.mark.parametrize("argv", [("false",), ("true",), ("/no/such/program",), ("sleep", "60")])
def test_a_password_command_that_fails_says_so(argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COMMAND_SECONDS", 0.3)
    target = Target(url=Secret("postgresql://h/db"), name="t", password_command=argv)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=rf"targets\.t\.password_command: .*{Path(argv[0]).name}"):
        passwords.password(target, {})


@pytest.mark.parametrize("url", ["postgresql://h:abc/x", "postgresql://u:pa/ss@h/x"])
def test_the_advice_on_an_unreadable_url_is_not_masked(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        split_password(Secret(url))
    assert redact(caught.value.hint) == caught.value.hint
    assert "/ as %2F" in caught.value.hint


def test_what_windows_editors_write(tmp_path: Path) -> None:
    text = '[store]\r\nurl = "/s"\r\n[targets.a]\r\nurl = "postgresql://h/a"\r\n'
    (tmp_path / "dbops.toml").write_bytes(text.encode("utf-8-sig"))
    assert load(environment={}, folder=tmp_path).target().name == "a"
    (tmp_path / "dbops.toml").write_bytes(text.encode("utf-16"))
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(environment={}, folder=tmp_path)


def test_files_with_passwords_that_others_can_read_are_warned_about(tmp_path: Path) -> None:
    secret, file = tmp_path / "pw", tmp_path / "dbops.toml"
    secret.write_text("x")
    file.write_text(f'[targets.a]\nurl = "postgresql://u:p@h/a"\npassword_file = "{secret}"\n')
    for path in (secret, file):
        path.chmod(0o644)
    config = load(environment={"DBOPS_STORE": "/s"}, folder=tmp_path)
    found = passwords.exposed_files(config, config.target())
    assert [finding.subject for finding in found] == [str(secret), str(file)]
    for path in (secret, file):
        path.chmod(0o600)
    assert passwords.exposed_files(config, config.target()) == []
    file.write_text('[targets.a]\nurl = "postgresql://u:${P}@h/a"\n')
    file.chmod(0o644)
    config = load(environment={"DBOPS_STORE": "/s", "P": "p"}, folder=tmp_path)
    assert passwords.exposed_files(config, config.target()) == [], "a variable is no password"


def test_init_writes_what_load_reads_and_keeps_the_password_out(tmp_path: Path) -> None:
    url = 'postgresql://u:s3cret@h/my%20db"\\'
    files = init.write(init.Answers(url, "file:///b/${x}", None), force=False, folder=tmp_path)
    assert files.password is not None
    for path in (files.configuration, files.password):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "s3cret" not in files.configuration.read_text()
    config = load(environment={}, folder=tmp_path)
    target = config.target()
    assert config.store.url == "file:///b/${x}"
    assert passwords.password(target, {}) == "s3cret"
    assert database_name(target.url) == 'my db"\\'
    with pytest.raises(RefusedError):
        init.write(init.Answers(url, "file:///other", None), force=False, folder=tmp_path)
    assert "other" not in files.configuration.read_text()


def test_the_commented_keys_of_init_are_real(tmp_path: Path) -> None:
    content = init.text("postgresql://h/db", "s3://b/p", "db", "pw")
    lines = [
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in content.splitlines()
    ]
    tomllib.loads("\n".join(line for line in lines if not line.startswith("#") and "NAME" not in line))
    (tmp_path / "dbops.toml").write_text("\n".join(line for line in lines if "${NAME}" not in line))
    assert load(environment={}, folder=tmp_path).target().policy.rpo == Seconds(86400)


@given(st.integers(0, 10**6), st.sampled_from("smhdw"))
def test_durations_scale(count: int, unit: str) -> None:
    assert parse_duration(f"{count}{unit}") == count * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]


@given(st.text(max_size=12))
def test_parsers_give_a_number_or_say_what_is_allowed(text: str) -> None:
    for parse in (parse_duration, parse_size):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert "such as" in str(error)  # noqa: PT017 - either outcome is right


@given(st.integers(0, 10**14))
def test_sizes_survive_formatting_to_three_digits(count: int) -> None:
    assert abs(parse_size(format_size(count)) - count) <= count * 0.005


@given(st.floats(0, 10**8))
def test_durations_are_always_readable(seconds: float) -> None:
    assert format_duration(seconds)[0].isdigit()


@given(st.text(max_size=100))
def test_every_database_name_gives_a_legal_target(name: str) -> None:
    assert is_target_name(target_name(name))


@given(st.lists(st.text(min_size=1, max_size=70), min_size=2, max_size=6, unique=True))
def test_two_databases_never_share_a_target(names: list[str]) -> None:
    assert len({target_name(name) for name in names}) == len(names)
