"""payments

Revision ID: 2b51c0de0002
Revises: 1a40c0de0001
Create Date: 2026-03-02 11:30:00
"""

import sqlalchemy as sa
from alembic import op

revision = "2b51c0de0002"
down_revision = "1a40c0de0001"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "payments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade():
    op.drop_table("payments")
