"""currency and tax id

Revision ID: 3c62c0de0003
Revises: 2b51c0de0002
Create Date: 2026-06-18 16:45:00
"""

import sqlalchemy as sa
from alembic import op

revision = "3c62c0de0003"
down_revision = "2b51c0de0002"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("customers", sa.Column("tax_id", sa.String(length=20), nullable=True))
    op.add_column("invoices", sa.Column("currency", sa.String(length=3), nullable=False, server_default="EUR"))


def downgrade():
    op.drop_column("invoices", "currency")
    op.drop_column("customers", "tax_id")
