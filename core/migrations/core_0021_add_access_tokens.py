"""add access tokens."""

import sqlalchemy as sa
from alembic import op

revision = "core_0021"
down_revision = "core_0020"


def upgrade() -> None:
    op.create_table(
        "core_access_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=12), nullable=False),
        sa.Column("writes", sa.Boolean(), nullable=False),
        sa.Column("every_role", sa.Boolean(), nullable=False),
        sa.Column("record_types", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(), nullable=True),
        sa.Column("last_used_from", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_access_token_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_access_token_token_hash")),
    )
    op.create_index("ix_core_access_token_user_id", "core_access_token", ["user_id"])
    op.create_table(
        "core_access_token_role",
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["core_role.id"], name=op.f("fk_core_access_token_role_role_id_core_role"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["token_id"], ["core_access_token.id"],
            name=op.f("fk_core_access_token_role_token_id_core_access_token"), ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_id", "role_id", name=op.f("pk_core_access_token_role")),
    )  # fmt: skip
