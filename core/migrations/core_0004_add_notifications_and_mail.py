"""Notifications, what people want to be told of, and mail."""

import sqlalchemy as sa
from alembic import op

revision = "core_0004"
down_revision = "core_0003"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _user(*, primary_key: bool = False) -> sa.Column:
    key = sa.ForeignKey("core_user.id", ondelete="CASCADE")
    return sa.Column("user_id", sa.Integer(), key, primary_key=primary_key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "core_notification",
        sa.Column("id", ROW_ID, primary_key=True),
        _user(),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("type", sa.String(120), nullable=False),
        sa.Column("text", sa.String(40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("record_type", sa.String(80)),
        sa.Column("record_id", sa.BigInteger()),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("read_at", sa.DateTime()),
        sa.Column("snoozed_until", sa.DateTime()),
        sa.Column("mailed_at", sa.DateTime()),
    )
    table = "core_notification"
    op.create_index("uq_core_notification_user_id_key", table, ["user_id", "key"], unique=True)
    op.create_index("ix_core_notification_user_id", table, ["user_id", "id"])
    _partial("ix_core_notification_unread", "read_at IS NULL")
    _partial("ix_core_notification_digest", "channel = 'digest' AND mailed_at IS NULL")

    op.create_table(
        "core_notification_choice",
        _user(primary_key=True),
        sa.Column("type", sa.String(120), primary_key=True),
        sa.Column("channel", sa.String(8), nullable=False),
    )
    op.create_table(
        "core_record_mute",
        _user(primary_key=True),
        sa.Column("record_type", sa.String(80), primary_key=True),
        sa.Column("record_id", sa.BigInteger(), primary_key=True, autoincrement=False),
    )
    op.create_index("ix_core_record_mute_record", "core_record_mute", ["record_type", "record_id"])

    op.create_table(
        "core_mail",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("core_user.id", ondelete="SET NULL")),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sa.UniqueConstraint("key", name="uq_core_mail_key"),
    )
    op.create_index("ix_core_mail_state", "core_mail", ["state", "id"])
    op.create_index("ix_core_mail_user_id", "core_mail", ["user_id"])


def _partial(name: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "core_notification", ["user_id", "id"], postgresql_where=where, sqlite_where=where)
