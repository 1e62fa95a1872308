"""Create activities."""

import sqlalchemy as sa
from alembic import op

from core import index_words

revision = "activities_0001"
down_revision = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "activities_activity"
STILL_OPEN = "done_at IS NULL"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("archived_at", sa.DateTime()),
        sa.Column("created_by_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
        sa.Column("updated_by_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
        sa.Column("name_sort", sa.String(400), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("due", sa.Date()),
        sa.Column("due_time", sa.String(5)),
        sa.Column("duration", sa.Integer()),
        sa.Column("priority", sa.String(40), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("outcome", sa.String(40)),
        sa.Column("done_at", sa.DateTime()),
        sa.Column("reminder_at", sa.DateTime()),
        sa.Column("reminded_at", sa.DateTime()),
        sa.Column("overdue_told_at", sa.DateTime()),
        sa.Column("about_type", sa.String(80)),
        sa.Column("about_id", sa.BigInteger()),
        sa.Column("assignee_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
        sa.Column("previous_id", ROW_ID, sa.ForeignKey(f"{TABLE}.id", ondelete="SET NULL")),
    )
    for column in ("created_at", "archived_at", "name_sort", "done_at", "previous_id"):
        op.create_index(f"ix_{TABLE}_{column}", TABLE, [column])
    op.create_index(f"ix_{TABLE}_about", TABLE, ["about_type", "about_id", "done_at"])
    op.create_index(f"ix_{TABLE}_assignee_done", TABLE, ["assignee_id", "done_at"])
    op.create_index(f"ix_{TABLE}_due", TABLE, ["due", "id"])
    _partial("open_about_type", ["about_type", "about_id", "due"], STILL_OPEN)
    _partial("open_assignee_id", ["assignee_id", "due", "due_time"], STILL_OPEN)
    _partial("open_due", ["due", "id"], STILL_OPEN)
    _partial("reminder", ["reminder_at"], f"{STILL_OPEN} AND reminded_at IS NULL")
    index_words(op.get_bind(), TABLE)
    _partial("overdue", ["due", "id"], f"{STILL_OPEN} AND overdue_told_at IS NULL")


def _partial(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(f"ix_{TABLE}_{name}", TABLE, columns, postgresql_where=where, sqlite_where=where)
