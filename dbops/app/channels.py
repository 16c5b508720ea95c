"""Who is told what became of a run, as the configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbops.config import Config

if TYPE_CHECKING:
    from dbops.notify.base import Channel


def open_channels(config: Config, target: str, task: str | None = None) -> list[Channel]:
    """Who is told about a task of a target ('' for none); None: every channel. Each is called by the key of the
    configuration that it comes from."""
    from dbops.notify.base import Kind

    notify = config.channels(target)
    if task is not None and task not in notify.tasks:
        return []
    always, timeout = notify.when == "always", float(notify.timeout)

    def key(name: str, value: object, general: object) -> str:
        return f"notify.{name}" if value == general else f"targets.{target}.notify.{name}"

    channels: list[Channel] = []
    if notify.metrics is not None:
        from dbops.notify.metrics import Metrics

        where = key("metrics", notify.metrics, config.notify.metrics)
        channels.append(Metrics(where, notify.metrics, notify.metrics_mode, timeout=timeout))
    for name, kind in (("on_success", Kind.SUCCESS), ("on_failure", Kind.FAILURE)):
        if (argv := getattr(notify, name)) is not None:
            from dbops.notify.hook import Hook

            where = key(name, argv, getattr(config.notify, name))
            channels.append(Hook(where, argv, kind, timeout=float(notify.hook_timeout)))
    for index, link in enumerate(notify.webhook):
        from dbops.notify.webhook import Webhook

        where = key(f"webhook[{index}]", notify.webhook, config.notify.webhook)
        channels.append(Webhook(where, link, always=always, timeout=timeout))
    for index, address in enumerate(notify.apprise):
        from dbops.notify.chat import Chat

        where = key(f"apprise[{index}]", notify.apprise, config.notify.apprise)
        channels.append(Chat(where, address, always=always, timeout=timeout))
    for name in notify.ping.__struct_fields__:
        if task in (None, name) and (link := getattr(notify.ping, name)) is not None:
            from dbops.notify.ping import Ping

            where = key(f"ping.{name}", link, getattr(config.notify.ping, name))
            channels.append(Ping(where, link, timeout=timeout))
    return channels
