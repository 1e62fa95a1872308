"""What roles grant and how far, rules on records, and rights on fields."""

import sqlalchemy as sa
from alembic import op

revision = "core_0014"
down_revision = "core_0013"


def upgrade() -> None:
    op.add_column("core_role", sa.Column("rights_version", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "core_role_grant",
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("permission", sa.String(length=120), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["core_role.id"], name=op.f("fk_core_role_grant_role_id_core_role"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role_id", "permission", name=op.f("pk_core_role_grant")),
    )
    op.create_table(
        "core_field_right",
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("field", sa.String(length=80), nullable=False),
        sa.Column("access", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["core_role.id"], name=op.f("fk_core_field_right_role_id_core_role"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role_id", "record_type", "field", name=op.f("pk_core_field_right")),
    )
    op.create_table(
        "core_record_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("verbs", sa.JSON(), nullable=False),
        sa.Column("condition", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["core_role.id"], name=op.f("fk_core_record_rule_role_id_core_role"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_record_rule")),
    )
    op.create_index(op.f("ix_core_record_rule_role_id"), "core_record_rule", ["role_id"])
