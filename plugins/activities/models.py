"""One table of tasks, calls and meetings; each is about any record, or about none."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import Choice, LongText, Option, Record, Searchable, User, UtcDateTime, plugin_base

Base = plugin_base("activities")

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
SUBJECT_LENGTH = 200

TASK, CALL, MEETING = "task", "call", "meeting"
KINDS = (
    Option(TASK, _l("Task"), "violet"),
    Option(CALL, _l("Call"), "blue"),
    Option(MEETING, _l("Meeting"), "teal"),
)
ICONS = {TASK: "checklist", CALL: "phone", MEETING: "users"}

LOW, NORMAL, HIGH = "low", "normal", "high"
PRIORITIES = (
    Option(LOW, _l("Low"), "gray"),
    Option(NORMAL, _l("Normal"), "sky"),
    Option(HIGH, _l("High"), "rose"),
)

DONE, ANSWERED, HELD, CANCELLED = "done", "answered", "held", "cancelled"
OUTCOMES = (
    Option(DONE, _l("Done"), "green"),
    Option(ANSWERED, _l("Answered"), "green"),
    Option("no_answer", _l("No answer"), "amber"),
    Option("left_message", _l("Left a message"), "sky"),
    Option("wrong_number", _l("Wrong number"), "rose"),
    Option(HELD, _l("Took place"), "green"),
    Option("no_show", _l("Nobody came"), "amber"),
    Option(CANCELLED, _l("Cancelled"), "gray"),
)
# What may come of each kind; the first is what a mere tick means.
OUTCOMES_OF = {
    TASK: (DONE, CANCELLED),
    CALL: (ANSWERED, "no_answer", "left_message", "wrong_number", CANCELLED),
    MEETING: (HELD, "no_show", CANCELLED),
}


def _open(*columns: str) -> sa.Index:
    """An index of what is still to be done, which stays small however much was done before."""
    still_open = sa.text("done_at IS NULL")
    name = f"ix_activities_activity_open_{columns[0]}"
    return sa.Index(name, *columns, postgresql_where=still_open, sqlite_where=still_open)


class Activity(Base, Record, Searchable):
    """Something to do, or something that was done.

    It is open while ``done_at`` is empty; ``plugins.activities.rules`` keeps that and ``outcome`` in step.
    ``about_type`` and ``about_id`` name the record it is about; who may not see that record sees none of its
    activities. ``due_time`` is HH:MM on the clock of the ``assignee``, ``duration`` is in minutes.
    """

    __tablename__ = "activities_activity"
    __responsible__ = ("assignee_id", "created_by_id")
    __table_args__ = (
        _open("about_type", "about_id", "due"),
        _open("assignee_id", "due", "due_time"),
        _open("due", "id"),
        sa.Index("ix_activities_activity_about", "about_type", "about_id", "done_at"),
        sa.Index("ix_activities_activity_assignee_done", "assignee_id", "done_at"),
        sa.Index("ix_activities_activity_due", "due", "id"),
        sa.Index(
            "ix_activities_activity_reminder",
            "reminder_at",
            postgresql_where=sa.text("done_at IS NULL AND reminded_at IS NULL"),
            sqlite_where=sa.text("done_at IS NULL AND reminded_at IS NULL"),
        ),
        sa.Index(
            "ix_activities_activity_overdue",
            "due",
            "id",
            postgresql_where=sa.text("done_at IS NULL AND overdue_told_at IS NULL"),
            sqlite_where=sa.text("done_at IS NULL AND overdue_told_at IS NULL"),
        ),
    )

    kind: Mapped[str] = mapped_column(Choice(KINDS), default=TASK, info={"label": _l("Kind")})
    subject: Mapped[str] = mapped_column(sa.String(SUBJECT_LENGTH), info={"label": _l("Subject"), "personal": True})
    due: Mapped[dt.date | None] = mapped_column(sa.Date, info={"label": _l("Due")})
    due_time: Mapped[str | None] = mapped_column(
        sa.String(5),
        info={
            "label": _l("Time"),
            "help": _l("Hours and minutes, such as 14:30. Empty: any time."),
            "digits": True,
        },
    )
    duration: Mapped[int | None] = mapped_column(info={"label": _l("Duration in minutes")})
    priority: Mapped[str] = mapped_column(Choice(PRIORITIES), default=NORMAL, info={"label": _l("Priority")})
    note: Mapped[str | None] = mapped_column(LongText(8000), info={"label": _l("Note"), "personal": True})
    outcome: Mapped[str | None] = mapped_column(
        Choice(OUTCOMES), info={"label": _l("Outcome"), "help": _l("Whatever has an outcome is done.")}
    )
    done_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True, info={"label": _l("Done at")})
    reminder_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Remind me at")})
    # When somebody was told; managed, so that telling is no change of the record.
    reminded_at: Mapped[dt.datetime | None] = mapped_column(
        UtcDateTime, info={"label": _l("Reminded at"), "managed": True}
    )
    overdue_told_at: Mapped[dt.datetime | None] = mapped_column(
        UtcDateTime, info={"label": _l("Told that it is overdue at"), "managed": True}
    )
    about_type: Mapped[str | None] = mapped_column(
        sa.String(80),
        info={
            "label": _l("Kind of record it is about"),
            "record_id": "about_id",
            "record_label": _l("About"),
            "help": _l("A person, a deal, or whatever it is about: type part of the name."),
        },
    )
    about_id: Mapped[int | None] = mapped_column(sa.BigInteger, info={"label": _l("Number of the record it is about")})

    assignee_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    previous_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("activities_activity.id", ondelete="SET NULL"), index=True
    )

    assignee: Mapped[User | None] = relationship(
        User, foreign_keys=[assignee_id], info={"label": _l("Assigned to"), "help": _l("Empty: to yourself.")}
    )
    previous: Mapped[Activity | None] = relationship(
        "Activity", remote_side="Activity.id", foreign_keys=[previous_id], info={"label": _l("Follows on")}
    )

    def __str__(self) -> str:
        return self.subject or ""

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.done_at is None

    def search_words(self) -> list[str | None]:
        """Subject and the beginning of the note. Not the record it is about, which the reader may not be shown."""
        return [self.subject, (self.note or "")[:500]]

    def sort_name(self) -> str:
        return self.subject or ""
