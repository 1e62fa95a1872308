"""seal audit, keep settings."""

import sqlalchemy as sa
from alembic import op

from core.database.append_only import make_append_only

revision = "core_0011"
down_revision = "core_0010"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "core_audit_seal",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("hints", sa.LargeBinary(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_core_audit_seal")),
    )
    op.create_table(
        "core_audit_opening",
        sa.Column("last_id", ROW_ID, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("last_id", name=op.f("pk_core_audit_opening")),
    )
    op.create_table(
        "core_setting",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_core_setting")),
    )
    # A user who is deleted would be taken out of rows that never change.
    with op.batch_alter_table("core_audit") as batch:
        batch.drop_constraint("fk_core_audit_actor_id_core_user", type_="foreignkey")
    op.create_index("ix_core_audit_at", "core_audit", ["at", "id"])
    op.create_index("ix_core_audit_actor", "core_audit", ["actor_id", "at", "id"])
    op.create_index("ix_core_audit_type", "core_audit", ["record_type", "at", "id"])
    make_append_only(op.get_bind(), "core_audit", "core_audit_opening")
