"""Values as people read them: ``shown`` for a page, ``plain`` for text that leaves it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from flask import current_app, g, url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape

from core.accounts.actor import acting
from core.admin.ids import read_id
from core.admin.lookup import current_session
from core.database.types import Color, format_phone
from core.parts import Screen
from core.records.catalog import current_catalog
from core.records.colors import COLOR_LABELS
from core.records.fields import Field
from core.records.gate import described
from core.records.naming import find_records
from core.records.policy import bounds, may
from core.site.formats import (
    format_digits,
    format_local_date,
    format_local_datetime,
    format_money,
    format_number,
)
from core.site.reader import Digits, digits_name

_NAME = '<a class="rec-link" href="%s"><span class="avatar" aria-hidden="true">%s</span><bdi>%s</bdi></a>'
_BINNED = '<span class="binned">%s <span class="tag tag-gray">%s</span></span>'
EXCERPT = 140  # characters of a long text in a list
KEPT = 8_192  # links of each kind that a process keeps; one takes some 400 bytes
# What is shown depends on the value and the reader alone, and the same values stand in many rows.
_REPEATED = frozenset({"choice", "color", "boolean", "date", "datetime", "integer"})


def drawn_values(field: Field, values: Sequence[Any], records: Sequence[Any]) -> list[Markup]:
    """``values`` of ``field``, one of each of ``records``, drawn as ``shown`` does."""
    if field.record_id:
        return _pointed_at(field, values, records)
    if field.kind not in _REPEATED:
        return [shown(field, value, record) for value, record in zip(values, records, strict=True)]
    known: dict[Any, Markup] = {}
    for value, record in zip(values, records, strict=True):
        if value not in known:
            known[value] = shown(field, value, record)
    return [known[value] for value in values]


def shown(field: Field, value: Any, record: Any = None, *, whole: bool = False) -> Markup:
    """``value`` of ``field`` as HTML; empty for nothing.

    Args:
        record: the record the value belongs to; an amount takes its currency from it.
        whole: show long texts in full, as on a record page.
    """
    if value is None or value == "" or value == []:
        return Markup()
    if field.record_id:
        # By itself each would be a query; the cells of a column are drawn together.
        return _pointed_at(field, [value], [record])[0] if whole else escape(_type_words(value))
    special = _SHOWN.get(field.kind)
    if special is not None:
        return special(field, value)
    text = plain(field, value, record)
    if field.kind == "long_text":
        return _long_text(text, whole=whole)
    if field.kind in ("text", "money", "integer", "decimal"):
        return _html("<bdi>%s</bdi>", text)
    return escape(text)


def plain(field: Field, value: Any, record: Any = None) -> str:
    """``value`` of ``field`` as text in the reader's language, calendar and digits."""
    if value is None:
        return ""
    kind = field.kind
    if kind == "money":
        amount, currency = value if isinstance(value, tuple) else (value, None)
        return format_money(amount, currency or _currency(field, record))
    if kind in ("links", "children") and isinstance(value, list | tuple):
        return _join(str(row) for row in value)
    if field.record_id:
        return _type_words(value) if ":" not in value else _pointed_at(field, [value], [record])[0].striptags()
    if kind in ("integer", "decimal") and not isinstance(value, str):
        return format_number(value)
    if kind == "datetime":
        return format_local_datetime(value)
    if kind == "date":
        return format_local_date(value)
    if kind == "boolean":
        return _("Yes") if value else _("No")
    if kind == "choice":
        option = field.option(value)
        return str(option.label if option else value)
    if kind == "color":
        return str(COLOR_LABELS.get(value, value))
    if kind == "phone":
        return format_digits(format_phone(value))
    if kind == "json":
        return json.dumps(value, ensure_ascii=False)
    return format_digits(value) if field.digits else str(value)


def record_link(record: Any) -> Markup:
    """The name of ``record``, linked to its page where it has one that the actor may open.

    Of one that lies in the recycle bin that is said, and the link is for those who may look into the bin.
    """
    url = record_url(record)
    if _lies_in_bin(record):
        return _binned(url if may(f"{record.__record_type__}.delete", record) else None, str(record))
    return _link_to(url, str(record)) if url is not None else _html("<bdi>%s</bdi>", str(record))


@lru_cache(maxsize=KEPT, typed=True)
def leading_link(url: str | None, text: str) -> Markup:
    """What a row of a list begins with: ``text`` beside its first letter, linked to the page of the record."""
    return _html(_NAME, url, text[:1] or "?", text) if url is not None else _html("<bdi>%s</bdi>", text)


def _lies_in_bin(record: Any) -> bool:
    """Whether the record is known to lie in the recycle bin; nothing is read for the sake of it."""
    return record.__dict__.get("archived_at") is not None


def _html(pattern: str, *values: object) -> Markup:
    """``pattern`` with ``values`` in it, each escaped; what ``Markup`` does with ``%``, at a third of its price."""
    return Markup(pattern % tuple(map(escape, values)))  # noqa: S704 - patterns are ours


@lru_cache(maxsize=KEPT, typed=True)
def _link_to(url: str, name: str) -> Markup:
    return _html('<a href="%s"><bdi>%s</bdi></a>', url, name)


def _binned(url: str | None, name: object) -> Markup:
    """The name of a record that lies in the recycle bin; ``url`` for who may look into it."""
    return _html(_BINNED, _link_to(url, name) if url else _html("<bdi>%s</bdi>", name), _("in the bin"))


def named(model: Any, number: int, name: str, color: str | None, *, archived: bool) -> Markup:
    """A linked record as ``shown`` draws it, for where only this of it was read."""
    if color:
        return badge(name, color)
    folder = record_folder(model)
    if archived:
        # Whether the actor's rules reach it only the record could tell; whom they bind goes by the bin itself.
        permission = f"{model.__record_type__}.delete"
        return _binned(f"{folder}{number}" if folder and may(permission) and not bounds(permission) else None, name)
    return _html("<bdi>%s</bdi>", name) if folder is None else _link_to(f"{folder}{number}", name)


def record_url(record: Any) -> str | None:
    """The address of a record's page; None where the type has no screen or the actor may not see it."""
    folder = record_folder(type(record))
    return None if folder is None else f"{folder}{record.id}"


def record_folder(model: type) -> str | None:
    """What comes before the id in the addresses of a class's records; asked for once per page and reader.

    None where the type has no screen or the actor may not see it.
    """
    reader, known = g.get("record_folders", (None, {}))
    if reader is not acting():
        reader, known = acting(), {}
        g.record_folders = (reader, known)
    if model not in known:
        screen = screen_of(model)
        seen = screen is not None and may(screen.permission("see"))
        known[model] = url_for(f"{screen.endpoint}.details_view", id=0).removesuffix("0") if screen and seen else None
    folder: str | None = known[model]
    return folder


def screen_of(model: type) -> Screen | None:
    """The screen of a record class in the current Site, or None."""
    screens: dict[str, Screen] = current_app.extensions["peyvand"].screens
    screen = screens.get(getattr(model, "__record_type__", ""))
    return screen if screen is not None and screen.model is model else None


def _pointed_at(field: Field, values: Sequence[str | None], records: Sequence[Any]) -> list[Markup]:
    """The records that ``values`` and the column beside it point at, and of what type they are; one query per type.

    A value is the name of the type, or that with the id, as the form's picker posts it.
    """
    keys: list[tuple[str, int | None]] = []
    for value, record in zip(values, records, strict=True):
        name, _colon, text = (value or "").partition(":")
        keys.append((name, read_id(text) if text else getattr(record, field.record_id, None)))
    wanted = [(name, number) for name, number in keys if number]
    found = find_records(current_session(), wanted, archived=True) if wanted else {}
    drawn = []
    for name, number in keys:
        title, target = _type_words(name) if name else "", found.get((name, number or 0))
        beside = '%s <span class="muted">%s</span>'
        drawn.append(_html(beside, record_link(target), title) if target is not None else escape(title))
    return drawn


def _type_words(value: str) -> str:
    """How people call the record type that ``value`` names."""
    name, catalog = value.partition(":")[0], current_catalog()
    return str(catalog.find(name).title) if name in catalog else name


def badge(text: object, color: str) -> Markup:
    """A coloured badge; an unknown colour is gray."""
    return _html('<span class="tag tag-%s">%s</span>', color if color in Color.NAMES else "gray", text)


def _join(texts: Iterable[str]) -> str:
    return _(", ").join(texts)


def _currency(field: Field, record: Any) -> str | None:
    return getattr(record, field.currency, None) if field.currency and record is not None else None


def _long_text(text: str, *, whole: bool) -> Markup:
    if whole:
        return _html('<span class="long-text" dir="auto">%s</span>', text)
    return _html("<bdi>%s</bdi>", text if len(text) <= EXCERPT else f"{text[:EXCERPT].rstrip()}…")


def _phone(_field: Field, value: str) -> Markup:
    return _call_link(value, digits_name())


@lru_cache(maxsize=KEPT, typed=True)
def _call_link(number: str, _digits: Digits) -> Markup:
    text = format_digits(format_phone(number))
    return _html('<a href="tel:%s" dir="ltr">%s</a>', quote(number, safe="+"), text)


def _email(_field: Field, value: str) -> Markup:
    return _mail_link(value)


@lru_cache(maxsize=KEPT, typed=True)
def _mail_link(address: str) -> Markup:
    return _html('<a href="mailto:%s" dir="ltr">%s</a>', quote(address, safe="@"), address)


def _url(_field: Field, value: str) -> Markup:
    try:
        safe = urlsplit(value).scheme in ("http", "https")
    except ValueError:
        safe = False
    if not safe:
        return _html('<span dir="ltr">%s</span>', value)
    text = value.split("://", 1)[1].rstrip("/")
    return _html('<a href="%s" dir="ltr" rel="noopener noreferrer nofollow" target="_blank">%s</a>', value, text)


def _choice(field: Field, value: str) -> Markup:
    option = field.option(value)
    return badge(option.label, option.color) if option else badge(value, "gray")


def _color(_field: Field, value: str) -> Markup:
    return badge(COLOR_LABELS.get(value, value), value)


def _boolean(_field: Field, value: bool) -> Markup:
    return badge(_("Yes"), "green") if value else badge(_("No"), "gray")


def _link(_field: Field, value: Any) -> Markup:
    color = getattr(value, "color", None)
    return badge(str(value), color) if color else record_link(value)


def _links(field: Field, value: Iterable[Any]) -> Markup:
    return Markup(" ").join(
        badge(str(row), row.color) if getattr(row, "color", None) else record_link(row) for row in value
    )


def _children(_field: Field, value: Iterable[Any]) -> Markup:
    return Markup("<br>").join(_part(row) for row in value)


def _part(row: Any) -> Markup:
    """The values of a part side by side, so that a phone number can be called from where it is seen."""
    fields = (field for field in described(type(row)).fields.values() if not field.managed and not field.is_link)
    values = (shown(field, getattr(row, field.name), row) for field in fields if field.kind != "boolean")
    # Each value reads in its own direction, whatever stands beside it.
    return Markup(" ").join(_html("<bdi>%s</bdi>", value) for value in values if value)


def _moment(field: Field, value: dt.date) -> Markup:
    return _html('<time datetime="%s">%s</time>', value.isoformat(), plain(field, value))


_SHOWN: dict[str, Callable[[Field, Any], Markup]] = {
    "phone": _phone,
    "email": _email,
    "url": _url,
    "choice": _choice,
    "color": _color,
    "boolean": _boolean,
    "link": _link,
    "links": _links,
    "children": _children,
    "date": _moment,
    "datetime": _moment,
}
