"""add exports and mappings."""

import sqlalchemy as sa
from alembic import op

revision = "core_0003"
down_revision = "core_0002"


def upgrade() -> None:
    op.add_column("core_import", sa.Column("doubled_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("core_import", sa.Column("corrections", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("core_import", sa.Column("checked", sa.JSON(), nullable=True))
    op.add_column("core_import", sa.Column("check_number", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "core_import_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("header_key", sa.String(length=64), nullable=False),
        sa.Column("titles", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("used_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_import_mapping_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_import_mapping")),
    )
    op.create_index("ix_core_import_mapping_header", "core_import_mapping", ["record_type", "header_key"])
    op.create_index(op.f("ix_core_import_mapping_user_id"), "core_import_mapping", ["user_id"])
    op.create_table(
        "core_export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["core_user.id"], name=op.f("fk_core_export_actor_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_export")),
    )
    op.create_index(op.f("ix_core_export_actor_id"), "core_export", ["actor_id"])
    op.create_index(op.f("ix_core_export_created_at"), "core_export", ["created_at"])
