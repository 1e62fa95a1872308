"""add identities at a provider of OpenID Connect."""

import sqlalchemy as sa
from alembic import op

revision = "core_0017"
down_revision = "core_0016"


def upgrade() -> None:
    op.create_table(
        "core_outside_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("tied_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_outside_identity_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_outside_identity")),
        sa.UniqueConstraint("issuer", "subject", name="uq_core_outside_identity_issuer"),
        sa.UniqueConstraint("user_id", "issuer", name="uq_core_outside_identity_user_id"),
    )
