"""create duplicate and merge."""

import sqlalchemy as sa
from alembic import op

revision = "core_0009"
down_revision = "core_0008"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "core_duplicate",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("second_id", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(), nullable=False),
        sa.Column("dismissed_at", sa.DateTime(), nullable=True),
        sa.Column("dismissed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dismissed_by_id"],
            ["core_user.id"],
            name=op.f("fk_core_duplicate_dismissed_by_id_core_user"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_duplicate")),
        sa.UniqueConstraint("record_type", "first_id", "second_id", name="uq_core_duplicate_record_type"),
    )
    op.create_index("ix_core_duplicate_score", "core_duplicate", ["record_type", "dismissed_at", "score", "id"])
    op.create_table(
        "core_merge",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=True),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("merged_id", sa.BigInteger(), nullable=False),
        sa.Column("into_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_merge")),
    )
    op.create_index("ix_core_merge_into", "core_merge", ["record_type", "into_id"])
    op.create_index("ix_core_merge_merged", "core_merge", ["record_type", "merged_id"])
