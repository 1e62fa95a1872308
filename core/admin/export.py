"""The records of a list as a file: chosen on a page, streamed, or written by a job and kept for whoever asked.

    GET  /<type>/export    choose columns, format and spelling
    POST /<type>/export    with ``now`` the file itself, as a stream; else, and for a large workbook, a job writes it

A file is asked for by POST because who took what is written into the audit.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Response, abort, redirect, request, stream_with_context, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from core.accounts.actor import Actor, acting, acting_as
from core.jobs.queue import enqueue
from core.records.audit import record_act
from core.records.policy import reach
from core.records.transfer.files import CSV, JSON, TYPES, XLSX, csv_chunks, json_chunks, write_workbook
from core.records.transfer.models import ExportFile
from core.records.transfer.outgoing import EVERYTHING, LISTED, Outgoing, all_columns, listed_columns
from core.records.transfer.reading import Reading
from core.records.transfer.spelling import CODES, ISO, JALALI, LABELS, Style
from core.site.formats import reader_today
from core.site.reader import preferences

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

log = logging.getLogger(__name__)

RUN_EXPORT = "core.run_export"
AT_ONCE = 2_000  # rows of a workbook that is made while somebody waits
CHOICES = {
    "fields": (LISTED, EVERYTHING),
    "dates": (ISO, JALALI),
    "values": (LABELS, CODES),
    "format": (CSV, XLSX, JSON),
}
_OWN = frozenset(CHOICES) | {"page", "page_size", "after", "before", "number", "csrf_token", "locale", "timezone"}


@dataclass(frozen=True)
class Wish:
    """How somebody wants a list as a file; ``timezone`` and ``locale`` are the reader's."""

    format: str
    fields: str = EVERYTHING
    dates: str = ISO
    values: str = LABELS
    timezone: str = "UTC"
    locale: str = "en"

    @classmethod
    def of(cls, args: Mapping[str, str], format: str) -> Wish:
        """The wish in the arguments of an address; a choice that does not exist is answered with 400."""
        chosen = {}
        for name in ("fields", "dates", "values"):
            if name in args:
                if args[name] not in CHOICES[name]:
                    abort(400)
                chosen[name] = args[name]
        return cls(format, timezone=args.get("timezone") or "UTC", locale=args.get("locale") or "en", **chosen)

    @property
    def style(self) -> Style:
        return Style(self.dates, self.values, self.timezone)


def choose(view: RecordView) -> Any:
    """The page where one chooses."""
    view.require("export")
    asked = view.query.read(request.args, view.page_size_options)
    count = view.query.count(view.session, asked)
    chosen = {name: request.args.get(name, values[0]) for name, values in CHOICES.items()}
    return view.render(
        "nova/export.html",
        title=_("Export: %(records)s", records=view.screen.plural),
        list_label=view.screen.plural,
        list_url=view.get_url(".index_view", **carried(view, asked)),
        count=count,
        large=not count.exact or count.number > AT_ONCE,
        limit=AT_ONCE,
        narrowed=bool(asked.search or asked.filters or asked.where),
        carried=carried(view, asked),
        chosen=chosen,
        job_url=view.get_url(".export"),
        files_url=url_for("exports.mine"),
    )


def export(view: RecordView) -> Any:
    """Answer with every record that the posted search and filters match, or have a job write them.

    Whoever had a job write them finds the file among the files of the week.
    """
    view.require("export")
    wish = _wish()
    if wish.format not in view.export_types:
        abort(400)
    asked = view.query.read(request.form, view.page_size_options)
    if request.form.get("now") and not (wish.format == XLSX and _is_large(view, asked)):
        return _at_once(view, asked, wish)
    file = ExportFile(
        record_type=view.screen.name,
        file_name=file_name(view, wish),
        format=wish.format,
        arguments=carried(view, asked) | {key: value for key, value in asdict(wish).items() if key != "format"},
        actor_id=acting().user_id,
    )
    view.session.add(file)
    view.session.flush()
    enqueue(RUN_EXPORT, key=file.job_key, export_id=file.id)
    view.session.commit()
    return redirect(url_for("exports.page", export_id=file.id), 303)


def reading_of(view: RecordView, asked: Any, wish: Wish, actor: Actor) -> Reading:
    """The rows of a list for a file."""
    matching, within = view.query.matching(asked), reach(view.model, "export")
    statement = view.query.ordered(matching if within is None else matching.where(within), asked)
    columns = columns_of(view, asked, wish)
    typed = wish.format in (XLSX, JSON)
    return Reading(view.database.sessions, actor, statement, view.model, columns, wish.style, typed=typed)


def columns_of(view: RecordView, asked: Any, wish: Wish) -> list[Outgoing]:
    """The columns of the list as it is looked at, or everything that the screen shows anywhere."""
    if wish.fields == EVERYTHING:
        return all_columns(view.screen, view.record_type)
    names = getattr(asked, "columns", None) or view.screen.columns
    return listed_columns(view.screen, view.record_type, names)


def carried(view: RecordView, asked: Any) -> dict[str, str]:
    """The arguments of the list's address: search, filters, order."""
    arguments = view.query.arguments(asked.changed())
    return {key: str(value) for key, value in arguments.items() if key not in _OWN}


def file_name(view: RecordView, wish: Wish) -> str:
    """A name without anything that somebody typed."""
    return f"{view.screen.name}-{reader_today():%Y-%m-%d}.{wish.format}"


def tell_export(session: Any, name: str, wish: Wish, arguments: Mapping[str, str], count: int) -> None:
    """Write into the audit who took how much of what; the caller commits."""
    told = {"format": wish.format, "fields": wish.fields, "records": count, "filter": dict(arguments)}
    record_act(session, name, "exported", {key: (None, value) for key, value in told.items()})


def _wish() -> Wish:
    wish = Wish.of(request.form, request.form.get("format", CSV))
    return replace(wish, timezone=preferences().timezone, locale=str(get_locale() or "en"))


def _is_large(view: RecordView, asked: Any) -> bool:
    count = view.query.count(view.session, asked)
    return not count.exact or count.number > AT_ONCE


def _at_once(view: RecordView, asked: Any, wish: Wish) -> Any:
    reading = reading_of(view, asked, wish, acting())
    name = file_name(view, wish)
    arguments = carried(view, asked)
    # A posted request may hold SQLite's only write lock, which others need while the file is read.
    view.session.close()
    if wish.format == XLSX:
        return _workbook(view, reading, wish, arguments, name)
    pieces = csv_chunks if wish.format == CSV else json_chunks
    rows = _told(view, reading, wish, arguments, pieces(reading.columns, reading.batches()))
    return Response(stream_with_context(rows), mimetype=TYPES[wish.format], headers=_headers(name))


def _told(
    view: RecordView, reading: Reading, wish: Wish, arguments: Mapping[str, str], pieces: Iterator[str]
) -> Iterator[str]:
    """The pieces of a file; how many records were taken is written down at the end, also of one that was broken off."""
    try:
        yield from pieces
    finally:
        session = view.database.sessions()
        try:
            with acting_as(reading.actor):
                tell_export(session, view.screen.name, wish, arguments, reading.count)
                session.commit()
        finally:
            session.close()


def _workbook(view: RecordView, reading: Reading, wish: Wish, arguments: Mapping[str, str], name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        write_workbook(path, str(view.screen.plural), reading.columns, reading.batches())
        for _piece in _told(view, reading, wish, arguments, iter(())):
            pass
        return Response(path.read_bytes(), mimetype=TYPES[XLSX], headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
