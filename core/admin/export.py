"""The records of a list as a file of comma-separated values, row by row: memory does not grow with the file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Response, abort, request, stream_with_context
from flask_babel import gettext as _

from core.accounts.actor import acting, acting_as
from core.admin.list_query import loader
from core.calendars import format_date
from core.database.engine import reading
from core.records.audit import record_act
from core.records.fields import Field
from core.site.formats import to_reader_time

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

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
    record_act(view.session, view.screen.name, "exported", {"search": (None, asked.search)})
    view.session.commit()
    rows = _rows(view, statement.execution_options(yield_per=BATCH), fields, dates)
    name = f"{view.screen.name}-{dt.date.today():%Y-%m-%d}.csv"
    return Response(
        stream_with_context(rows),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


def exported_fields(view: RecordView) -> list[Field]:
    """The columns of the list and then the other fields of the form."""
    names = dict.fromkeys([*view.screen.columns, *(name for group in view.groups for name in group.fields)])
    return [view.record_type.fields[name] for name in names if name in view.record_type.fields]


def _rows(view: RecordView, statement: Any, fields: list[Field], dates: str) -> Iterator[str]:
    actor = acting()
    texts = [text_of(field, dates) for field in fields]
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def taken() -> str:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    writer.writerow([safe(str(field.label)) for field in fields])
    # The mark tells spreadsheet programs that the file is UTF-8.
    yield "\ufeff" + taken()
    session = view.database.sessions()
    try:
        with acting_as(actor), reading():
            batches = session.scalars(statement).unique().partitions(BATCH)
        while True:
            # The server goes on asking after the request has ended, so each batch is read as the one who asked.
            with acting_as(actor), reading():
                batch = next(batches, None)
                if batch is None:
                    return
                for record in batch:
                    values = ((field, text, getattr(record, field.name)) for field, text in zip(fields, texts, strict=True))
                    writer.writerow([text(value) if field.kind in NUMBERS else safe(text(value)) for field, text, value in values])
                session.expunge_all()
            yield taken()
    finally:
        session.close()


NUMBERS = frozenset({"integer", "decimal", "money"})


def safe(text: str) -> str:
    """``text`` so that no spreadsheet runs it as a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


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
        return lambda value: "" if value is None else f"{_date(to_reader_time(value).date(), dates)} {to_reader_time(value):%H:%M}"
    if field.kind in ("decimal", "money"):
        return lambda value: "" if value is None else format(Decimal(str(value)), "f")
    return lambda value: "" if value is None else str(value)


def _date(value: dt.date | None, dates: str) -> str:
    return "" if value is None else format_date(value, "jalali" if dates == "jalali" else "gregorian", "en", "short")
