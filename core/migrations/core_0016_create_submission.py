"""create submission."""

import sqlalchemy as sa
from alembic import op

revision = "core_0016"
down_revision = "core_0015"


def upgrade() -> None:
    op.create_table(
        "core_submission",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_core_submission")),
    )
    op.create_index(op.f("ix_core_submission_at"), "core_submission", ["at"])
