"""What must hold for contacts besides what each field says of itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import object_session

from core import ADMINISTRATOR, Actor, ValidationError
from plugins.contacts.models import Company, Contact, Person, Tag, full_name, name_key


def check(record: Any) -> None:
    """Refuse contacts without a name, and a second tag of the same name.

    Raises:
        ValidationError: with the field that is to blame.
    """
    if isinstance(record, Person) and not (full_name(record.first_name, record.last_name) or record.name):
        raise ValidationError(first_name=_("A person needs a first or a last name."))
    if isinstance(record, Company) and not (record.name or "").strip():
        raise ValidationError(name=_("This field is required."))
    if isinstance(record, Tag):
        _check_unique(record)


def visible_to(model: type[Contact], actor: Actor) -> Any:
    """The criterion that hides other people's private contacts; None for administrators, who see all."""
    if ADMINISTRATOR in actor.roles:
        return None
    own = sa.or_(model.owner_id == actor.user_id, model.created_by_id == actor.user_id)
    return sa.or_(model.private.is_(False), own)


def _check_unique(tag: Tag) -> None:
    session = object_session(tag)
    if session is None or tag.archived_at is not None:
        return
    with session.no_autoflush:
        same = session.scalar(
            sa.select(Tag.id).where(Tag.name_key == name_key(tag.name or ""), Tag.id != (tag.id or 0)).limit(1)
        )
    if same is not None:
        raise ValidationError(name=_("There is a tag of this name already."))
