"""A small finance application: customers, invoices, payments. What matters here are its migrations."""

from __future__ import annotations

import os

from flask import Flask
from flask_migrate import Migrate

from finance.models import db


def create_app() -> Flask:
    """The application of the database in `DATABASE_URL`."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    db.init_app(app)
    Migrate(app, db)
    return app
