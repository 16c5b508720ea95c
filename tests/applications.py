"""Small applications with migrations, written into a folder: Alembic's own template, and Flask-Migrate's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config


def run_migrations_offline():
    context.configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online():
    section = config.get_section(config.config_ini_section, {})
    connectable = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
    with connectable.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
"""
REVISION = '''"""{message}"""

import sqlalchemy as sa
from alembic import context, op

revision = {id!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade():
{up}


def downgrade():
{back}
'''


def alembic_project(folder: Path, revisions: Mapping[str, tuple[str, str]], *, env: str = ENV) -> Path:
    """A project of Alembic. `revisions`: bodies of `upgrade` and `downgrade` by id, each on the one before. The folder
    that `migrations.directory` names."""
    scripts = folder / "migrations"
    (scripts / "versions").mkdir(parents=True, exist_ok=True)
    (scripts / "env.py").write_text(env)
    (scripts / "script.py.mako").write_text("")
    before = None
    for name, (up, back) in revisions.items():
        write_revision(scripts, name, before, up, back)
        before = name
    return scripts


def write_revision(
    scripts: Path, name: str, down: str | tuple[str, ...] | None, up: str = "pass", back: str = "pass"
) -> Path:
    """One revision file."""
    path = scripts / "versions" / f"{name}.py"
    text = REVISION.format(message=name, id=name, down=down, up=_indented(up), back=_indented(back))
    path.write_text(text)
    return path


def _indented(body: str) -> str:
    return "\n".join("    " + line for line in body.strip().splitlines())
