"""Create the table of vehicles."""

import sqlalchemy as sa
from alembic import op

from core import index_words

revision = "fleet_0001"
down_revision = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "fleet_vehicle",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("archived_at", sa.DateTime()),
        sa.Column("created_by_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
        sa.Column("updated_by_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
        sa.Column("name_sort", sa.String(400), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("plate", sa.String(20), nullable=False),
        sa.Column("model", sa.String(80)),
        sa.Column("driver_id", ROW_ID, sa.ForeignKey("contacts_contact.id", ondelete="SET NULL")),
    )
    for column in ("created_at", "archived_at", "name_sort", "driver_id"):
        op.create_index(f"ix_fleet_vehicle_{column}", "fleet_vehicle", [column])
    index_words(op.get_bind(), "fleet_vehicle")
