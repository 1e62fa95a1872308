"""Create one table, and fail at the second."""

import sqlalchemy as sa
from alembic import op

revision = "failing_migration_0001"
down_revision = None


def upgrade() -> None:
    op.create_table("failing_migration_first", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO failing_migration_second VALUES (1)")
