"""Create teams and saved views."""

import sqlalchemy as sa
from alembic import op

revision = "core_0007"
down_revision = "core_0006"


def _user(**options) -> sa.Column:
    return sa.Column("user_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="CASCADE"), **options)


def upgrade() -> None:
    op.create_table(
        "core_team",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("parent_id", sa.Integer(), sa.ForeignKey("core_team.id", ondelete="SET NULL")),
        sa.Column("created_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_core_team_parent_id", "core_team", ["parent_id"])
    op.create_table(
        "core_team_member",
        sa.Column("team_id", sa.Integer(), sa.ForeignKey("core_team.id", ondelete="CASCADE"), primary_key=True),
        _user(primary_key=True),
    )
    op.create_index("ix_core_team_member_user_id", "core_team_member", ["user_id"])
    op.create_table(
        "core_view",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("record_type", sa.String(80), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("owner_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="CASCADE")),
        sa.Column("shared", sa.String(10), nullable=False),
        sa.Column("team_id", sa.Integer(), sa.ForeignKey("core_team.id", ondelete="SET NULL")),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("deleted_at", sa.DateTime()),
    )
    op.create_index("ix_core_view_type", "core_view", ["record_type", "position", "id"])
    for column in ("owner_id", "team_id"):
        op.create_index(f"ix_core_view_{column}", "core_view", [column])
    op.create_table(
        "core_view_default",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("record_type", sa.String(80), nullable=False),
        _user(),
        sa.Column("team_id", sa.Integer(), sa.ForeignKey("core_team.id", ondelete="CASCADE")),
        sa.Column("view_id", sa.Integer(), sa.ForeignKey("core_view.id", ondelete="CASCADE"), nullable=False),
        sa.UniqueConstraint("record_type", "user_id", name="uq_core_view_default_user"),
        sa.UniqueConstraint("record_type", "team_id", name="uq_core_view_default_team"),
    )
    op.create_index("ix_core_view_default_view_id", "core_view_default", ["view_id"])
    op.create_table(
        "core_list_layout",
        _user(primary_key=True),
        sa.Column("record_type", sa.String(80), primary_key=True),
        sa.Column("widths", sa.JSON(), nullable=False),
    )
