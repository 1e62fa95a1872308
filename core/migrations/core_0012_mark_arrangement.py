"""A number that changes with saved views, widths of columns and teams."""

import sqlalchemy as sa
from alembic import op

revision = "core_0012"
down_revision = "core_0011"


def upgrade() -> None:
    op.add_column("core_installation", sa.Column("arrangement", sa.Integer(), nullable=False, server_default="0"))
