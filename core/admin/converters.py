"""From a field of the Catalog to a field of a form, by kind. A kind without a converter is an error, never left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask_admin.form import BaseForm
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms import ValidationError as FormError
from wtforms.fields.core import UnboundField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import EmailInput, TelInput, URLInput

from core.admin.any_record import AnyLookup, AnyRecordField
from core.admin.date_field import LocalDateField, LocalDateTimeField
from core.admin.form_fields import (
    JsonField,
    LinkField,
    LinksField,
    NumberField,
    PhoneField,
    exact_text,
    money_text,
    whole,
)
from core.admin.lookup import Lookup
from core.database.types import Color, is_email
from core.errors import CatalogError
from core.records.colors import COLOR_LABELS
from core.records.fields import Field
from core.site.formats import format_digits

# Offered first where a record names its currency; IRT is how programs in Iran write the toman.
CURRENCIES = ("IRR", "IRT", "USD", "EUR", "GBP", "AED", "TRY", "IQD", "AFN", "CNY", "INR", "RUB")
_BLANK = ("", "—")

Converter = Callable[[Field, dict[str, Any], str], UnboundField]


def form_field(field: Field, lookup_name: str = "", *, is_currency: bool = False) -> UnboundField:
    """The form field of ``field``.

    Args:
        lookup_name: the name under which a link's picker asks; by default the field's own.
        is_currency: the field holds the currency code of an amount.

    Raises:
        CatalogError: no converter knows the field's kind.
    """
    converter = _currency if is_currency and field.kind == "text" else CONVERTERS.get(field.kind)
    if field.record_id:
        converter = _any_record
    if converter is None:
        raise CatalogError(f"The field {field.name!r} is of the kind {field.kind!r}, which no form can show.")
    attributes = {
        "label": field.label,
        "description": field.help,
        "validators": [InputRequired(_l("This field is required."))] if field.required else [Optional()],
        "default": scalar_default(field),
    }
    return converter(field, attributes, lookup_name or field.name)


def scalar_default(field: Field) -> Any:
    """What a new record has in this field before anybody types, or None."""
    default = getattr(field.column, "default", None)
    return default.arg if default is not None and default.is_scalar and not field.is_link else None


def _without_nul(value: str | None) -> str | None:
    return value.replace("\x00", "").strip() if isinstance(value, str) else value


def _limited(field: Field, attributes: dict[str, Any]) -> dict[str, Any]:
    if field.max_length:
        message = _l("At most %(limit)s characters.", limit=field.max_length)
        attributes["validators"].append(Length(max=field.max_length, message=message))
    return attributes | {"filters": [_without_nul]}


def _text(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return StringField(**_limited(field, attributes), render_kw={"dir": "auto"})


def _long_text(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return TextAreaField(**_limited(field, attributes), render_kw={"dir": "auto", "rows": 4})


def _email(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    attributes = _limited(field, attributes)
    attributes["validators"].append(check_email)
    return StringField(**attributes, widget=EmailInput(), render_kw={"dir": "ltr", "autocomplete": "off"})


def _url(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    attributes = _limited(field, attributes)
    attributes["filters"].append(_with_scheme)
    attributes["validators"].append(check_url)
    return StringField(**attributes, widget=URLInput(), render_kw={"dir": "ltr"})


def _with_scheme(value: str | None) -> str | None:
    return f"https://{value}" if value and "://" not in value and ":" not in value.split("/")[0] else value


def check_email(_form: BaseForm, field: Any) -> None:
    """Refuse what is not written as an e-mail address is."""
    if not is_email(field.data or ""):
        raise FormError(_("Not an e-mail address."))


def check_url(_form: BaseForm, field: Any) -> None:
    """Refuse what is no address of the web, such as ``javascript:``."""
    try:
        parts = urlsplit(field.data or "")
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
        raise FormError(_("A web address begins with https:// or http://."))


def _phone(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return PhoneField(**attributes, widget=TelInput(), render_kw={"dir": "ltr", "autocomplete": "off"})


def _integer(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return NumberField(
        **attributes, convert=whole, text=format_digits, render_kw={"inputmode": "numeric", "dir": "ltr"}
    )


def _decimal(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    convert = float if isinstance(field.column.type, sa.Float) else lambda number: number
    return NumberField(
        **attributes, convert=convert, text=exact_text, render_kw={"inputmode": "decimal", "dir": "ltr"}
    )


def _money(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return NumberField(
        **attributes,
        convert=lambda number: number,
        text=money_text,
        render_kw={"inputmode": "decimal", "dir": "ltr", "data-nv-money": field.currency or ""},
    )


def _currency(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    default = attributes["default"]
    codes = dict.fromkeys([*([default] if default else []), *CURRENCIES])
    return _select(field, attributes, lambda: [(code, code) for code in codes], open_ended=True)


def _choice(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return _select(field, attributes, lambda: [(option.code, option.label) for option in field.options])


def _color(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return _select(field, attributes, lambda: [(name, COLOR_LABELS[name]) for name in Color.NAMES])


def _select(
    field: Field,
    attributes: dict[str, Any],
    options: Callable[[], Sequence[tuple[str, Any]]],
    *,
    open_ended: bool = False,
) -> UnboundField:
    blank = [] if not field.column.nullable and attributes["default"] is not None else [_BLANK]
    kind = OpenSelectField if open_ended else SelectField
    return kind(**attributes, choices=lambda: [*blank, *options()], coerce=_code)


def _code(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


class OpenSelectField(SelectField):  # type: ignore[misc]
    """A select that also offers the stored value when it is none of the usual ones."""

    choices: Any

    def process_data(self, value: Any) -> None:
        super().process_data(value)
        offered: list[tuple[str, Any]] = list(self.choices)
        if self.data and all(self.data != code for code, _label in offered):
            self.choices = [*offered, (self.data, self.data)]


def _boolean(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    # An unticked box posts nothing, so "required" would mean "must be yes".
    return BooleanField(**attributes | {"validators": []})


def _date(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return LocalDateField(**attributes)


def _datetime(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return LocalDateTimeField(**attributes)


def _json(field: Field, attributes: dict[str, Any], _name: str) -> UnboundField:
    return JsonField(**attributes, render_kw={"dir": "ltr", "rows": 6})


def _link(field: Field, attributes: dict[str, Any], name: str) -> UnboundField:
    assert field.target is not None, "a link has a target"
    return LinkField(**attributes, lookup=Lookup(name, field.target))


def _links(field: Field, attributes: dict[str, Any], name: str) -> UnboundField:
    assert field.target is not None, "a link has a target"
    return LinksField(**attributes, lookup=Lookup(name, field.target))


def _any_record(field: Field, attributes: dict[str, Any], name: str) -> UnboundField:
    attributes["label"] = field.record_label or field.label
    return AnyRecordField(**attributes, lookup=AnyLookup(name, field.column.table.name), record_id=field.record_id)


CONVERTERS: dict[str, Converter] = {
    "text": _text,
    "long_text": _long_text,
    "email": _email,
    "url": _url,
    "phone": _phone,
    "integer": _integer,
    "decimal": _decimal,
    "money": _money,
    "choice": _choice,
    "color": _color,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "json": _json,
    "link": _link,
    "links": _links,
}
