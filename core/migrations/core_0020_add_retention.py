"""add rules of retention and holds."""

import sqlalchemy as sa
from alembic import op

revision = "core_0020"
down_revision = "core_0019"


def upgrade() -> None:
    op.create_table(
        "core_hold",
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("placed_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("record_type", "record_id", name=op.f("pk_core_hold")),
    )
    op.create_table(
        "core_retention_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("condition", sa.JSON(), nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("last_run_at", sa.DateTime(), nullable=True),
        sa.Column("problem", sa.String(length=20), nullable=False),
        sa.Column("operation_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["core_user.id"], name=op.f("fk_core_retention_rule_owner_id_core_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_retention_rule")),
    )
