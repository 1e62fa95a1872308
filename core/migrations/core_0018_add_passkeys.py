"""add passkeys and their challenges."""

import sqlalchemy as sa
from alembic import op

revision = "core_0018"
down_revision = "core_0017"


def upgrade() -> None:
    op.create_table(
        "core_passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("credential_hash", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_passkey_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_passkey")),
        sa.UniqueConstraint("credential_hash", name=op.f("uq_core_passkey_credential_hash")),
    )
    op.create_index("ix_core_passkey_user_id", "core_passkey", ["user_id"])
    op.create_table(
        "core_passkey_challenge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("challenge", sa.String(length=100), nullable=False),
        sa.Column("adds", sa.Boolean(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_passkey_challenge_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_passkey_challenge")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_core_passkey_challenge_token_hash")),
    )
    op.create_index("ix_core_passkey_challenge_expires_at", "core_passkey_challenge", ["expires_at"])
