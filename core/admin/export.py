"""The records of a list as a file of comma-separated values, row by row: memory does not grow with the file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import logging
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Response, abort, request, stream_with_context
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import Actor, acting, acting_as
from core.admin.list_query import loader
from core.calendars import format_date
from core.database.engine import reading
from core.records.fields import Field
from core.site.formats import reader_today, to_reader_time

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

log = logging.getLogger(__name__)

BATCH = 500
CALENDARS = {"iso": "gregorian", "jalali": "jalali"}
# What a spreadsheet would take for a formula; plain numbers such as +989121234567 are safe.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")

Text = Callable[[Any], str]


def export(view: RecordView, export_type: str) -> Response:
    """Every record that the address's search and filters match. ``?dates=`` is ``iso`` (default) or ``jalali``."""
    view.require("export")
    if export_type not in view.export_types:
        abort(404)
    dates = request.args.get("dates", "iso")
    if dates not in CALENDARS:
        abort(400)
    asked = view.query.read(request.args, view.page_size_options)
    fields = exported_fields(view)
    statement = view.query.ordered(view.query.matching(asked), asked)
    statement = statement.options(*(loader(view.model, field) for field in fields if field.is_link))
    log.info("%s exports %s.", acting().name, view.screen.name)
    head = [safe(str(field.label)) for field in fields]
    texts = [(field.name, cell_text(field, dates)) for field in fields]
    rows = _rows(view.database.sessions, statement.execution_options(yield_per=BATCH), head, texts, acting())
    name = f"{view.screen.name}-{reader_today():%Y-%m-%d}.csv"
    return Response(
        stream_with_context(rows),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def exported_fields(view: RecordView) -> list[Field]:
    """The columns of the list and then the other fields of the form."""
    names = dict.fromkeys([*view.screen.columns, *(name for group in view.groups for name in group.fields)])
    return [view.record_type.fields[name] for name in names if name in view.record_type.fields]


def _rows(
    sessions: Callable[[], Session], statement: Any, head: list[str], texts: list[tuple[str, Text]], actor: Actor
) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def taken() -> str:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    writer.writerow(head)
    # The mark tells spreadsheet programs that the file is UTF-8.
    yield "\ufeff" + taken()
    session = sessions()
    try:
        with acting_as(actor), reading():
            batches = session.scalars(statement).partitions(BATCH)
        while True:
            # The server goes on asking after the request has ended, so each batch is read as the one who asked.
            with acting_as(actor), reading():
                batch = next(batches, None)
                if batch is None:
                    return
                for record in batch:
                    writer.writerow([text(getattr(record, name)) for name, text in texts])
                # The session holds records weakly: with the batch go its records.
                batch = None
            yield taken()
    finally:
        session.close()


def safe(text: str) -> str:
    """``text`` so that no spreadsheet runs it as a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def cell_text(field: Field, dates: str) -> Text:
    """The function that writes a value of ``field`` so that a spreadsheet shows it and does nothing else."""
    text = text_of(field, dates)
    return text if field.kind in ("integer", "decimal", "money") else lambda value: safe(text(value))


def text_of(field: Field, dates: str = "iso") -> Text:
    """The function that writes a value of ``field``; labels are translated now, not while the file is read.

    Args:
        dates: ``iso`` or ``jalali``.
    """
    if field.kind == "choice":
        labels = {option.code: str(option.label) for option in field.options}
        return lambda value: "" if value is None else labels.get(value, str(value))
    if field.kind == "boolean":
        yes, no = _("Yes"), _("No")
        return lambda value: "" if value is None else (yes if value else no)
    if field.kind in ("links", "children"):
        return lambda value: "; ".join(str(row) for row in value)
    if field.kind == "date":
        return lambda value: _date(value, dates)
    if field.kind == "datetime":
        return lambda value: _date_and_time(value, dates)
    if field.kind in ("decimal", "money"):
        return lambda value: "" if value is None else format(Decimal(str(value)), "f")
    return lambda value: "" if value is None else str(value)


def _date(value: dt.date | None, dates: str) -> str:
    return "" if value is None else format_date(value, "jalali" if dates == "jalali" else "gregorian", "en", "short")


def _date_and_time(value: dt.datetime | None, dates: str) -> str:
    if value is None:
        return ""
    local = to_reader_time(value)
    return f"{_date(local.date(), dates)} {local:%H:%M}"
