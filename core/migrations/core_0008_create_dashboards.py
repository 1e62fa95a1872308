"""Dashboards that people arrange."""

import sqlalchemy as sa
from alembic import op

revision = "core_0008"
down_revision = "core_0007"


def upgrade() -> None:
    op.create_table(
        "core_dashboard",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("owner_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("home", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_core_dashboard_owner_id", "core_dashboard", ["owner_id"])
    op.create_index("ix_core_dashboard_shared", "core_dashboard", ["shared"])
    op.create_table(
        "core_dashboard_card",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("dashboard_id", sa.Integer(), sa.ForeignKey("core_dashboard.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("report", sa.JSON()),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
    )
    op.create_index("ix_core_dashboard_card_dashboard_id", "core_dashboard_card", ["dashboard_id"])
