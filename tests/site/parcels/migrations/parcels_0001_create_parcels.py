"""create parcels."""

import sqlalchemy as sa
from alembic import op

revision = "parcels_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "parcels_parcel",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["core_user.id"],
            name=op.f("fk_parcels_parcel_created_by_id_core_user"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"],
            ["core_user.id"],
            name=op.f("fk_parcels_parcel_updated_by_id_core_user"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcels_parcel")),
    )
    op.create_index(op.f("ix_parcels_parcel_archived_at"), "parcels_parcel", ["archived_at"], unique=False)
    op.create_index(op.f("ix_parcels_parcel_created_at"), "parcels_parcel", ["created_at"], unique=False)
