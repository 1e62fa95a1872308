"""keep secrets, and the mail server that an administrator named."""

import sqlalchemy as sa
from alembic import op

revision = "core_0010"
down_revision = "core_0009"


def upgrade() -> None:
    op.create_table(
        "core_secret",
        sa.Column("table_name", sa.String(length=80), nullable=False),
        sa.Column("row_key", sa.String(length=200), nullable=False),
        sa.Column("column_name", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "row_key", "column_name", name=op.f("pk_core_secret")),
    )
    op.create_table(
        "core_mail_server",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("security", sa.String(length=10), nullable=False),
        sa.Column("user_name", sa.String(length=254), nullable=False),
        sa.Column("sender", sa.String(length=320), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_mail_server")),
    )
