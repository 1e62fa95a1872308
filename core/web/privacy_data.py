"""What the core itself holds about a person: notes, files, what users were told, consents, the history, and copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.mail.models import Mail
from core.notifications.models import Notification
from core.parts import KEPT, REMOVED, PersonalData
from core.records.attachments.models import Attachment
from core.records.audit import Audit
from core.records.note import Note
from core.records.privacy.consents import consents_of
from core.records.privacy.models import Consent
from core.records.record import Record
from core.records.seals.retention import KEPT_DAYS
from core.site.formats import format_local_date, format_local_datetime, format_number
from core.site.site import session

MOST = 5000  # rows of one kind that are read


def held(record: Any) -> list[PersonalData]:
    """What belongs to ``record`` without being part of it."""
    if not isinstance(record, Record):
        return []
    return [*_notes(record), *_files(record), *_consents(record), *_news(record), _history(record)]


def _notes(record: Record) -> Iterator[PersonalData]:
    found = _about(Note, record)
    if found:
        yield PersonalData(
            name="core.note",
            title=_("Notes"),
            columns={"at": _l("Written"), "body": _l("Note")},
            rows=[{"at": format_local_datetime(note.created_at), "body": note.body} for note in found],
            fate=REMOVED,
            outcome=_("Notes about this person are deleted for good."),
            erase=_remover(Note, record),
        )


def _files(record: Record) -> Iterator[PersonalData]:
    found = _about(Attachment, record)
    if found:
        yield PersonalData(
            name="core.attachment",
            title=_("Files"),
            columns={"name": _l("File"), "size": _l("Size"), "at": _l("Written")},
            rows=[
                {"name": file.name, "size": format_number(file.size), "at": format_local_datetime(file.created_at)}
                for file in found
            ],
            fate=REMOVED,
            outcome=_("Files of this person are deleted for good; a daily job takes what they held off the disk."),
            erase=_remover(Attachment, record),
        )


def _consents(record: Record) -> Iterator[PersonalData]:
    found = consents_of(session, record.__record_type__, record.id)
    if found:
        yield PersonalData(
            name="core.consent",
            title=_("Consents"),
            columns={
                "purpose": _l("Purpose"), "source": _l("Source"), "text": _l("Text"), "given": _l("Given"),
                "withdrawn": _l("Withdrawn"),
            },
            rows=[
                {
                    "purpose": consent.purpose,
                    "source": consent.source,
                    "text": consent.text,
                    "given": format_local_date(consent.given_at),
                    "withdrawn": format_local_date(consent.withdrawn_at) if consent.withdrawn_at else "",
                }
                for consent in found
            ],
            fate=REMOVED,
            outcome=_("Consents are deleted: there is nobody left to whom they could belong."),
            erase=_remover(Consent, record),
        )  # fmt: skip


def _news(record: Record) -> Iterator[PersonalData]:
    """What users were told about the person, in the inbox and by mail."""
    found = _about(Notification, record)
    if found:
        yield PersonalData(
            name="core.notification",
            title=_("Notifications"),
            columns={},
            rows=[{} for _row in found],
            fate=REMOVED,
            outcome=_("What users were told about this person is deleted from their inboxes, with the mails about it. "
                      "A daily mail that collects news is kept for 90 days."),
            erase=lambda: _remove_news(record, [row.id for row in found]),
        )  # fmt: skip


def _remove_news(record: Record, ids: Sequence[int]) -> None:
    work = session
    for start in range(0, len(ids), 400):
        keys = [f"notification-{number}" for number in ids[start : start + 400]]
        work.execute(sa.delete(Mail).where(Mail.key.in_(keys)).execution_options(synchronize_session=False))
    _remover(Notification, record)()


def _history(record: Record) -> PersonalData:
    where = (Audit.record_type == record.__record_type__, Audit.record_id == record.id)
    count = session.scalar(sa.select(sa.func.count()).select_from(Audit).where(*where)) or 0
    days = KEPT_DAYS.read(session)
    kept = (
        ngettext("They are removed %(count)s day after they were written.",
                 "They are removed %(count)s days after they were written.", days, count=format_number(days))
        if days
        else _("They are kept for ever, as the page “Audit” says; set a number of days there.")
    )  # fmt: skip
    hidden = _("Its rows are sealed and cannot be changed, so the database keeps their values. No page, export or undo "
               "shows or uses them any more.")  # fmt: skip
    other = _("The history of other records may still name this person, and so do backups and files that were "
              "exported before.")  # fmt: skip
    return PersonalData(
        name="core.audit",
        title=_("History"),
        columns={"rows": _l("Rows")},
        rows=[{"rows": format_number(count)}],
        fate=KEPT,
        outcome=f"{hidden} {kept} {other}",
    )


def _about(model: Any, record: Record) -> Sequence[Any]:
    where = (model.record_type == record.__record_type__, model.record_id == record.id)
    return session.scalars(sa.select(model).where(*where).order_by(model.id).limit(MOST)).all()


def _remover(model: Any, record: Record) -> Callable[[], None]:
    def remove() -> None:
        where = (model.record_type == record.__record_type__, model.record_id == record.id)
        session.execute(sa.delete(model).where(*where).execution_options(synchronize_session="fetch"))

    return remove
