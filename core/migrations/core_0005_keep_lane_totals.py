"""Keep the totals of the lanes of boards."""

import sqlalchemy as sa
from alembic import op

revision = "core_0005"
down_revision = "core_0004"


def upgrade() -> None:
    op.create_table(
        "core_lane_total",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("record_type", sa.String(80), nullable=False),
        sa.Column("lane", sa.String(40)),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("chance", sa.Integer()),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("doubt", sa.Integer(), nullable=False),
    )
    op.create_index("ix_core_lane_total_record_type", "core_lane_total", ["record_type"])
    op.create_table(
        "core_recount",
        sa.Column("record_type", sa.String(80), primary_key=True),
        sa.Column("field", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
