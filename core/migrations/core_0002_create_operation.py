"""create operation."""

import sqlalchemy as sa
from alembic import op

revision = "core_0002"
down_revision = "core_0001"


def upgrade() -> None:
    op.create_table(
        "core_operation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("checkpoint", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=True),
        sa.Column("undo_of", sa.String(length=32), nullable=True),
        sa.Column("undone_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["core_user.id"], name=op.f("fk_core_operation_actor_id_core_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_operation")),
    )
    op.create_index("ix_core_operation_started", "core_operation", ["started_at", "id"])
    op.create_index("ix_core_operation_actor", "core_operation", ["actor_id", "started_at"])
    op.create_index(op.f("ix_core_operation_undo_of"), "core_operation", ["undo_of"])
    op.create_table(
        "core_operation_problem",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("operation_id", sa.String(length=32), nullable=False),
        sa.Column("record_type", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"],
            ["core_operation.id"],
            name=op.f("fk_core_operation_problem_operation_id_core_operation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_operation_problem")),
    )
    op.create_index(op.f("ix_core_operation_problem_operation_id"), "core_operation_problem", ["operation_id"])
    op.add_column("core_note", sa.Column("operation", sa.String(length=64), nullable=True))
