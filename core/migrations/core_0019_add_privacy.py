"""add consents and marks of what was erased."""

import sqlalchemy as sa
from alembic import op

revision = "core_0019"
down_revision = "core_0018"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "core_consent",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("recorded_by", sa.String(length=120), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["core_user.id"], name=op.f("fk_core_consent_recorded_by_id_core_user"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_consent")),
    )  # fmt: skip
    op.create_index("ix_core_consent_record", "core_consent", ["record_type", "record_id", "id"])
    op.create_table(
        "core_erased",
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("record_type", "record_id", name=op.f("pk_core_erased")),
    )
    op.create_index(op.f("ix_core_erased_at"), "core_erased", ["at"])
