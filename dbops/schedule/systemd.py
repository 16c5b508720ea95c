"""systemd: a service, hardened as far as its task allows, and its timer.

What is escaped where (systemd.syntax(7), systemd.service(5), systemd.unit(5)): `%` is doubled in every setting that
knows specifiers; `$` only in the arguments of `ExecStart`, where variables are replaced; words of a list are quoted as
in C; a path that is the whole value (`WorkingDirectory`) takes no quotes.
"""

from __future__ import annotations

from dbops.schedule.base import STARTS_SERVERS, File, Schedule

_HARDENING = """\
# What this task does not need, it does not have. See: systemd-analyze security {name}.service
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6{families}
SystemCallArchitectures=native
UMask=0077
"""
_ALONE = """\
PrivateTmp=yes
PrivateDevices=yes
RestrictNamespaces=yes
CapabilityBoundingSet={capabilities}
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""
_SERVERS = """\
# It starts servers: in /tmp, which containers must see, in a network namespace of their own, and under another account.
ReadWritePaths=/tmp /var/tmp -/run/docker.sock
"""


def units(schedule: Schedule) -> list[File]:
    """The service and the timer, for `/etc/systemd/system` or `~/.config/systemd/user`."""
    return [
        File(f"{schedule.name}.service", _service(schedule)),
        File(f"{schedule.name}.timer", _timer(schedule)),
    ]


def _service(schedule: Schedule) -> str:
    servers = schedule.task in STARTS_SERVERS
    program, *arguments = schedule.argv
    lines = [
        "# Made by: dbops schedule. Secrets belong in the EnvironmentFile (0600), or in files that dbops.toml names.",
        "[Unit]",
        f"Description=dbops {schedule.task}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=oneshot",
        *([f"User={schedule.user}"] if schedule.user else []),
        f"WorkingDirectory={_percent(str(schedule.folder))}",
        *(f"Environment={_word(f'{name}={value}')}" for name, value in schedule.environment.items()),
        f"EnvironmentFile=-{_percent(str(schedule.folder / 'dbops.env'))}",
        "ExecStart=" + " ".join([_word(program), *(_word(text).replace("$", "$$") for text in arguments)]),
        "# No limit: a backup may take its time. Stopped, it cleans up, and says so.",
        "TimeoutStartSec=infinity",
        "TimeoutStopSec=5min",
        "KillMode=mixed",
        "Nice=10",
        "IOSchedulingClass=best-effort",
        "IOSchedulingPriority=6",
    ]
    text = "\n".join(lines) + "\n" + _HARDENING.format(name=schedule.name, families=" AF_NETLINK" if servers else "")
    capabilities = "" if schedule.user else "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_CHOWN CAP_FOWNER"
    text += _SERVERS if servers else _ALONE.format(capabilities=capabilities)
    # '-': a folder that is not there yet is no reason not to start.
    return text + "".join(f"ReadWritePaths={_word(f'-{folder}')}\n" for folder in schedule.writes)


def _timer(schedule: Schedule) -> str:
    return f"""\
# Made by: dbops schedule.
[Unit]
Description=dbops {schedule.task}, {schedule.when.calendar(schedule.zone)}

[Timer]
OnCalendar={schedule.when.calendar(schedule.zone)}
# Missed while the machine was off: made up for when it is on again.
Persistent=true
# Many machines do not all begin at the same second.
RandomizedDelaySec=10min
AccuracySec=1min

[Install]
WantedBy=timers.target
"""


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _word(text: str) -> str:
    """One word of a setting that takes several."""
    escaped = _percent(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
