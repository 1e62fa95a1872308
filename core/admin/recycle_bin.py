"""What was deleted and can still be brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import request
from flask_babel import gettext as _

from core.admin.bulk_questions import bin_questions_of
from core.admin.ids import not_found, read_id
from core.admin.list_parts import main_values
from core.records.policy import may

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

PER_PAGE = 50
LAST_PAGE = 200  # nobody pages further back, and an offset is not free


def recycle_bin(view: RecordView) -> Any:
    """The deleted records of a screen, the latest first, each with a button that restores it."""
    view.require("delete")
    page = min(read_id(request.args.get("page", "")) or 1, LAST_PAGE)
    statement = (
        sa.select(view.model)
        .where(view.model.archived_at.is_not(None))
        .order_by(view.model.archived_at.desc(), view.model.id.desc())
        .offset((page - 1) * PER_PAGE)
        .limit(PER_PAGE + 1)
        .execution_options(include_archived=True)
    )
    found = view.session.scalars(statement).unique().all()
    records = [
        {
            "id": record.id, "label": str(record), "deleted_at": record.archived_at,
            "url": view.get_url(".details_view", id=record.id),
        }
        for record in found[:PER_PAGE]
        if may(view.screen.permission("delete"), record)
    ]  # fmt: skip
    return view.render(
        "nova/recycle_bin.html",
        title=_("Recycle bin"),
        records=records,
        restore_url=view.get_url(".restore_view"),
        actions=bin_questions_of(view),
        action_url=view.get_url(".action_view"),
        here=_here(view, page),
        list_label=view.screen.plural,
        list_url=view.list_url(),
        page_url_newer=_here(view, page - 1) if page > 1 else None,
        page_url_older=_here(view, page + 1) if len(found) > PER_PAGE and page < LAST_PAGE else None,
    )


def in_bin(view: RecordView, id: str) -> Any:
    """The answer to an address of a record that is not there: where it lies in the bin, what it is and the way back.

    For whoever may look into the bin; for everybody else a record in the bin is as missing as any other.
    """
    number = read_id(id)
    if number is None or not may(view.screen.permission("delete")):
        not_found()
    statement = sa.select(view.model).where(view.model.id == number, view.model.archived_at.is_not(None))
    record = view.session.scalars(statement.execution_options(include_archived=True)).unique().one_or_none()
    if record is None or not all(may(view.screen.permission(verb), record) for verb in ("see", "delete")):
        not_found()
    html = view.render(
        "nova/in_bin.html",
        title=str(record),
        record=record,
        rows=main_values(view, record),
        restore_url=view.get_url(".restore_view", ids=record.id),
        here=view.get_url(".details_view", id=record.id),
        list_label=view.screen.plural,
        list_url=view.list_url(),
        bin_url=view.get_url(".bin_view"),
    )
    return html, 404


def _here(view: RecordView, page: int) -> str:
    return str(view.get_url(".bin_view", page=page if page > 1 else None))
