"""add followers and files, and what becomes of a note."""

import sqlalchemy as sa
from alembic import op

revision = "core_0006"
down_revision = "core_0005"


def upgrade() -> None:
    op.add_column("core_note", sa.Column("edited_at", sa.DateTime(), nullable=True))
    op.add_column("core_note", sa.Column("pinned_at", sa.DateTime(), nullable=True))
    op.add_column("core_note", sa.Column("mentions", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "core_follower",
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["core_user.id"], name=op.f("fk_core_follower_user_id_core_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_type", "record_id", "user_id", name=op.f("pk_core_follower")),
    )
    op.create_index(op.f("ix_core_follower_user_id"), "core_follower", ["user_id"], unique=False)
    op.create_table(
        "core_attachment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("has_thumbnail", sa.Boolean(), nullable=False),
        sa.Column("uploader_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["uploader_id"],
            ["core_user.id"],
            name=op.f("fk_core_attachment_uploader_id_core_user"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_attachment")),
    )
    op.create_index("ix_core_attachment_record", "core_attachment", ["record_type", "record_id", "created_at", "id"])
    op.create_index("ix_core_attachment_removed_at", "core_attachment", ["removed_at"], unique=False)
    op.create_index("ix_core_attachment_sha256", "core_attachment", ["sha256"], unique=False)
