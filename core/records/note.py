"""Notes: what people write about a record, whom they mention in it, and what becomes of a note later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

from core.accounts.actor import acting
from core.accounts.models import Base, User, now
from core.database.types import UtcDateTime
from core.errors import Forbidden, ValidationError
from core.records.audit import ROW_ID, Audit, audit_row
from core.records.events import write_event
from core.records.policy import require
from core.records.record import Record

NOTE_LIMIT = 20_000
MENTIONS_LIMIT = 50
NAME_LIMIT = 120  # characters after an @ among which a name is looked for
NAME_WORDS = 6
ADDED = "core.note.added"


class Note(Base):
    """Something a person wrote about a record.

    ``operation`` is the import that brought it, if one did; ``mentions`` are the ids of the users named with an @.
    """

    __tablename__ = "core_note"
    __table_args__ = (sa.Index("ix_core_note_record", "record_type", "record_id", "id"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int] = mapped_column(sa.BigInteger)
    body: Mapped[str] = mapped_column(sa.Text)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    operation: Mapped[str | None] = mapped_column(sa.String(64), default=lambda: acting().operation)
    edited_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    pinned_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    mentions: Mapped[list[int]] = mapped_column(sa.JSON, default=list)


def add_note(record: Record, body: str, mentioned: Iterable[int] = ()) -> Note:
    """Write a note on ``record`` and tell the outbox, with the ids of the users it mentions.

    Args:
        record: the record it is about.
        body: plain text; ``@`` and the name of an active user mentions that user.
        mentioned: ids that tell users of one name apart; those whose name is not in the text are left out.

    Raises:
        ValidationError: the note is empty or longer than 20,000 characters.
        Forbidden: the actor may not edit the record.
    """
    require(f"{record.__record_type__}.edit", record)
    session = object_session(record)
    assert session is not None, "a note needs a record that a session holds"
    text = _checked(body)
    note = Note(
        record_type=record.__record_type__,
        record_id=record.id,
        body=text,
        author_id=acting().user_id,
        mentions=_mentions(session, text, mentioned),
    )
    session.add(note)
    session.flush()
    _tell(session, note, note.mentions)
    return note


def change_note(record: Record, note: Note, body: str, mentioned: Iterable[int] = ()) -> None:
    """Write ``body`` in place of what the actor's own note said; who is mentioned for the first time is told.

    Raises:
        ValidationError: as in ``add_note``.
        Forbidden: it is somebody else's note, or the actor may not edit the record.
    """
    session = _own(record, note)
    text = _checked(body)
    if text == note.body:
        return
    _write_history(session, note, "note_changed", note.body, text)
    before = set(note.mentions)
    note.body, note.edited_at, note.mentions = text, now(), _mentions(session, text, mentioned)
    _tell(session, note, [user for user in note.mentions if user not in before])


def remove_note(record: Record, note: Note) -> None:
    """Take the actor's own note away; the history keeps what it said.

    Raises:
        Forbidden: it is somebody else's note, or the actor may not edit the record.
    """
    session = _own(record, note)
    _write_history(session, note, "note_removed", note.body, None)
    session.delete(note)


def pin_note(record: Record, note: Note, *, pinned: bool) -> None:
    """Keep a note above the story, or let it go back to its place.

    Raises:
        Forbidden: the actor may not edit the record.
    """
    require(f"{record.__record_type__}.edit", record)
    note.pinned_at = now() if pinned else None


def find_note(session: Session, record: Record, note_id: int | None) -> Note | None:
    """The note of ``record`` with this id, or None."""
    about = (Note.record_type == record.__record_type__, Note.record_id == record.id)
    return session.scalars(sa.select(Note).where(Note.id == note_id, *about)).one_or_none()


def _checked(body: str) -> str:
    text = body.replace("\x00", "").replace("\r\n", "\n").strip()
    if not text:
        raise ValidationError(body=_("Write something first."))
    if len(text) > NOTE_LIMIT:
        raise ValidationError(body=_("A note has at most %(limit)s characters.", limit=NOTE_LIMIT))
    return text


def _own(record: Record, note: Note) -> Session:
    permission = f"{record.__record_type__}.edit"
    require(permission, record)
    if note.author_id is None or note.author_id != acting().user_id:
        raise Forbidden(permission)
    session = object_session(note)
    assert session is not None, "a stored note is in a session"
    return session


def _mentions(session: Session, text: str, ids: Iterable[int]) -> list[int]:
    """The active users whose name stands behind an @ in ``text``; a name that several have means the ids among them."""
    names: set[str] = set()
    for part in text.split("@")[1 : MENTIONS_LIMIT + 1]:
        words = part[:NAME_LIMIT].split()[:NAME_WORDS]
        names |= {" ".join(words[:length]).strip(".,:;!?()«»،؛؟") for length in range(1, len(words) + 1)}
    names.discard("")
    if not names:
        return []
    found = session.execute(
        sa.select(User.id, User.name).where(User.active, User.name.in_(names)).order_by(User.id).limit(500)
    ).all()
    longest: dict[str, list[int]] = {}
    for id_, name in found:
        longest.setdefault(name, []).append(id_)
    # "@Sara Ahmadi" means Sara Ahmadi and not Sara, unless Sara is named elsewhere too.
    spoken = {name for name in longest if _is_spoken(text, name, longest)}
    chosen = set(ids)
    mentioned = []
    for name in spoken:
        mentioned += [id_ for id_ in longest[name] if id_ in chosen] or longest[name]
    return sorted(mentioned)[:MENTIONS_LIMIT]


def _is_spoken(text: str, name: str, names: Iterable[str]) -> bool:
    longer = [other for other in names if other != name and other.startswith(name)]
    rest = text
    for other in sorted(longer, key=len, reverse=True):
        rest = rest.replace(f"@{other}", "")
    start = rest.find(f"@{name}")
    while start >= 0:
        after = rest[start + 1 + len(name) :][:1]
        if not (after.isalnum() or after == "_"):
            return True
        start = rest.find(f"@{name}", start + 1)
    return False


def _tell(session: Session, note: Note, mentions: Sequence[int]) -> None:
    if mentions or note.edited_at is None:
        write_event(
            session, ADDED, note.record_type, note.record_id, {"note_id": note.id, "mentions": list(mentions)}
        )


def _write_history(session: Session, note: Note, action: str, old: str, new: str | None) -> None:
    row = audit_row(note.record_type, note.record_id, action, {"note": (old, new)})
    session.connection().execute(sa.insert(Audit.__table__), [row])  # type: ignore[arg-type]
