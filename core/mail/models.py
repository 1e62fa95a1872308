"""The mails of the installation, one row for each recipient.

    queued ---started---> done
      ^  |        |  |
      |  |        |  +--> in_doubt   the server's answer never came: perhaps it was sent, so it is not sent again
      |  |        +-----> failed     the server refused it for good
      |  +--------------> failed
      +-- the server was away or asked to come back later; the job tries again after a pause

The job's own row is the claim on a mail: one run at a time, with a lease. ``started`` is committed before the text is
handed to the server; a run that finds it there knows that another one ended in the middle.
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.keyring import Place
from core.database.types import UtcDateTime

QUEUED, STARTED, DONE, FAILED, IN_DOUBT = "queued", "started", "done", "failed", "in_doubt"


class Mail(Base):
    """One mail to one address. ``key`` makes sure that it is written once; ``error`` is what the server said."""

    __tablename__ = "core_mail"
    __table_args__ = (
        sa.Index("ix_core_mail_state", "state", "id"),
        sa.Index("ix_core_mail_user_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    address: Mapped[str] = mapped_column(sa.String(254))
    subject: Mapped[str] = mapped_column(sa.String(300))
    text: Mapped[str] = mapped_column(sa.Text)
    html: Mapped[str] = mapped_column(sa.Text, default="")
    # The text holds a link that opens an account: it is kept sealed, and only until the mail has left.
    private: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(sa.String(8), default="en")
    state: Mapped[str] = mapped_column(sa.String(10), default=QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(sa.String(500), default="")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


def body_of(key: str) -> Place:
    """Where the text of a private mail is kept."""
    return Place("core_mail", key, "body")


MAILS: sa.Table = Mail.__table__  # type: ignore[assignment]
