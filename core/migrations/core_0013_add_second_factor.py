"""add the second factor: apps, recovery codes, pending sign-ins."""

import sqlalchemy as sa
from alembic import op

revision = "core_0013"
down_revision = "core_0012"


def upgrade() -> None:
    op.add_column("core_user", sa.Column("two_factor_at", sa.DateTime(), nullable=True))
    op.add_column(
        "core_role", sa.Column("two_factor_required", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "core_second_factor",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_second_factor_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_core_second_factor")),
    )
    op.create_table(
        "core_recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_recovery_code_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_recovery_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_core_recovery_code_code_hash")),
    )
    op.create_index("ix_core_recovery_code_user_id", "core_recovery_code", ["user_id"])
    op.create_table(
        "core_pending_sign_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("uniquifier", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_pending_sign_in_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_pending_sign_in")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_pending_sign_in_token_hash")),
    )
    op.create_index("ix_core_pending_sign_in_user_id", "core_pending_sign_in", ["user_id"])
