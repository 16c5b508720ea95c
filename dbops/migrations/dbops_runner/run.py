"""Runs the application's own migrations by Alembic's or Flask-Migrate's own command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
import traceback
from typing import Any, Callable, Iterator  # noqa: UP035 - collections.abc has no subscripts in Python 3.8

from .drivers import application_url
from .telling import Told, code, place, said
from .watch import Watch


def main() -> int:
    """The status to end with; what came of it has been told."""
    tell = Told(int(sys.argv[1]))
    request = json.loads(sys.stdin.buffer.readline())
    output = io.StringIO() if request["action"] == "render" else None
    watch = Watch(tell, request)
    _hold_on(watch)
    try:
        _run(request, watch, output)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        status = getattr(error, "code", 1) if isinstance(error, SystemExit) else 1
        if isinstance(error, SystemExit) and not status:
            tell("end")
            return 0
        if output is not None:
            tell("sql", text=output.getvalue())  # of the revisions before the one that stopped it
        _tell_trouble(watch, error, request.get("scripts"))
        return int(status) if isinstance(status, int) else 1
    if output is not None:
        tell("sql", text=output.getvalue())
    tell("end")
    return 0


def _hold_on(watch: Watch) -> None:
    """Standard input becomes a lifeline that the application does not see: when it ends, so does this process."""
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what the application prints is for people, and must not be taken for anything else

    def hold() -> None:
        os.read(lifeline, 1)
        with contextlib.suppress(BaseException):
            watch.end_sessions()
        os._exit(70)

    threading.Thread(target=hold, daemon=True).start()


def _run(request: dict[str, Any], watch: Watch, output: Any) -> None:
    url = application_url(os.environ.pop("DBOPS_RUNNER_URL"), request["family"], request.get("driver") or "")
    watch.url = os.environ[request["variable"]] = url
    import alembic
    import sqlalchemy

    if request["kind"] == "flask-migrate":
        import flask_migrate  # type: ignore[import-untyped]  # noqa: F401 - what is missing is told before it begins

    versions = {"python": sys.version.split()[0], "alembic": alembic.__version__, "sqlalchemy": sqlalchemy.__version__}
    watch.tell("begin", clock=watch.tell.begun, versions=versions)
    watch.follow()
    _enter(watch, output)
    if request["kind"] == "flask-migrate":
        _run_flask(request, output)
    else:
        _run_alembic(request, url, output)


def _tell_trouble(watch: Watch, error: BaseException, scripts: str | None) -> None:
    """Flask-Migrate makes SystemExit of Alembic's errors: what was before it is the reason."""
    chain: list[BaseException] = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None and before not in chain:
        chain.append(before)
    cause = error.__context__ if isinstance(error, SystemExit) and error.__context__ is not None else error
    where = place(cause, scripts) or place(error, scripts)
    watch.tell(
        "error",
        error=type(cause).__name__,
        code=code(getattr(cause, "orig", None)),
        message=said(cause),
        where=where,
        # One that the application has caught (is there a table?) is not why it ended.
        of_statement=watch.error is not None and any(watch.error in (one, getattr(one, "orig", None)) for one in chain),
    )
    if getattr(cause, "orig", None) is None:  # an error of the database shows values of rows
        traceback.print_exception(type(cause), cause, cause.__traceback__)


# --- Alembic --------------------------------------------------------------------------------------------------------


def _enter(watch: Watch, output: Any) -> None:
    """Wraps Alembic's public `EnvironmentContext.configure`, which every env.py calls."""
    from alembic.runtime.environment import EnvironmentContext

    configure = EnvironmentContext.configure

    def told(self: Any, connection: Any = None, *values: Any, **named: Any) -> Any:
        if connection is not None and not self.is_offline_mode():
            watch.check(connection)
        if output is not None:
            named["output_buffer"] = output
        given = named.get("on_version_apply")
        own = [given] if callable(given) else list(given or ())
        named["on_version_apply"] = [*own, applied]
        work = self.context_opts.get("fn")
        if work is not None and not getattr(work, "of_dbops", False):
            self.context_opts["fn"] = stepwise(work)
        return configure(self, connection, *values, **named)

    def stepwise(work: Callable[..., Any]) -> Callable[..., Any]:
        def steps(*values: Any, **named: Any) -> Iterator[Any]:
            for step in work(*values, **named):
                script = getattr(step, "revision", None)
                watch.revision = str(getattr(script, "revision", "") or "")
                watch.tell("revision", revision=watch.revision, up=bool(getattr(step, "is_upgrade", True)))
                yield step
            watch.revision = ""

        steps.of_dbops = True  # type: ignore[attr-defined]
        return steps

    def applied(**facts: Any) -> None:
        watch.tell("applied", revision=watch.revision, heads=sorted(facts.get("heads") or ()))

    EnvironmentContext.configure = told  # type: ignore[method-assign]


def _run_alembic(request: dict[str, Any], url: str, output: Any) -> None:
    from alembic import command
    from alembic.config import Config

    named = {"toml_file": request["toml"]} if request.get("toml") else {}
    config = Config(request.get("ini"), **named)
    if request.get("scripts"):
        config.set_main_option("script_location", request["scripts"].replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    if config.cmd_opts is None:
        from argparse import Namespace

        config.cmd_opts = Namespace(x=[])  # for env.py that asks for its -x arguments
    work = command.downgrade if request["action"] == "downgrade" else command.upgrade
    work(config, request["revision"], sql=output is not None)


def _run_flask(request: dict[str, Any], output: Any) -> None:
    import flask_migrate
    from flask.cli import ScriptInfo, load_dotenv

    with contextlib.suppress(Exception):
        load_dotenv()  # as `flask db upgrade` does; it replaces nothing that is set
    info = ScriptInfo(app_import_path=request.get("app") or os.environ.get("FLASK_APP"))
    work = flask_migrate.downgrade if request["action"] == "downgrade" else flask_migrate.upgrade
    with info.load_app().app_context():
        work(directory=request.get("scripts"), revision=request["revision"], sql=output is not None)
