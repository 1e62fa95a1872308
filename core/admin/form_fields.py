"""Form fields for kinds that plain WTForms does not know. Each keeps what was typed when it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from flask_admin.helpers import get_url
from flask_babel import gettext as _
from wtforms import Field, SelectFieldBase, StringField
from wtforms.fields import TextAreaField
from wtforms.fields.choices import Choice
from wtforms.widgets import Select, TextInput

from core.admin.lookup import OFFERED, Lookup
from core.database.types import format_phone, parse_amount, parse_phone
from core.site.formats import format_digits, format_number

NO_LINK = ""
_BLANK = "—"


class NumberField(Field):  # type: ignore[misc]
    """A number in any digits, with or without grouping marks.

    Args:
        convert: what the number is stored as; raises ValueError for one that does not fit.
        text: how a stored number is written into the box.
    """

    widget = TextInput()

    def __init__(
        self, *args: Any, convert: Callable[[Decimal], Any], text: Callable[[Any], str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.convert = convert
        self.text = text

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return "" if self.data is None else self.text(self.data)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = None
        text = " ".join(valuelist).strip()
        if not text:
            return
        try:
            number = parse_amount(text)
        except ValueError:
            raise ValueError(_("Write a number.")) from None
        self.data = self.convert(number)


def whole(number: Decimal) -> int:
    """The number as an integer. Raises ValueError for a fraction."""
    if number != number.to_integral_value():
        raise ValueError(_("Write a whole number."))
    return int(number)


def money_text(amount: Decimal) -> str:
    """An amount as the box shows it: grouped, in the reader's digits."""
    return format_number(amount)


def exact_text(number: Any) -> str:
    """A number with every decimal it has, in the reader's digits, not grouped."""
    text = format(Decimal(str(number)), "f")
    return format_digits(text.rstrip("0").rstrip(".") if "." in text else text)


class PhoneField(StringField):  # type: ignore[misc]
    """A phone number typed in any digits, held in E.164."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return format_phone(self.data) if self.data else ""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = None
        text = " ".join(valuelist).replace("\x00", "").strip()
        if not text:
            return
        try:
            self.data = parse_phone(text)
        except ValueError:
            raise ValueError(_("Not a phone number. Example: %(example)s", example="0912 123 4567")) from None


class JsonField(TextAreaField):  # type: ignore[misc]
    """Structured data as JSON text."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else json.dumps(self.data, ensure_ascii=False, indent=2)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = None
        text = (valuelist[0] if valuelist else "").strip()
        if not text:
            return
        try:
            self.data = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(_("Not valid JSON.")) from None


class LinkWidget(Select):  # type: ignore[misc]
    """A select of the likeliest records; the page's script turns it into a picker that searches all of them."""

    def __call__(self, field: Any, **attributes: Any) -> Any:
        attributes.setdefault("data-role", "select2-ajax")
        attributes.setdefault("data-url", get_url(".ajax_lookup", name=field.lookup.name))
        attributes.setdefault("data-minimum-input-length", "0")
        if self.multiple:
            attributes.setdefault("data-multiple", "1")
        elif not field.flags.required:
            attributes.setdefault("data-allow-blank", "1")
        return super().__call__(field, **attributes)


class LinkField(SelectFieldBase):  # type: ignore[misc]
    """A link to one record that the actor may see; held as the record."""

    widget = LinkWidget()

    def __init__(self, *args: Any, lookup: Lookup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lookup = lookup

    def chosen(self) -> list[Any]:
        """The records that are chosen now."""
        return [] if self.data is None else [self.data]

    def iter_choices(self) -> Iterator[Choice]:
        chosen = self.chosen()
        if not self.widget.multiple:
            yield Choice(value=NO_LINK, label=_BLANK, selected=not chosen, render_kw={})
        for row in chosen:
            yield Choice(value=str(row.id), label=str(row), selected=True, render_kw={})
        for row in self.lookup.find(limit=OFFERED):
            if row not in chosen:
                yield Choice(value=str(row.id), label=str(row), selected=False, render_kw={})

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = None
        text = (valuelist[0] if valuelist else "").strip()
        if text:
            self.data = self.read_one(text, [] if self.object_data is None else [self.object_data])

    def read_one(self, text: str, present: Iterable[Any]) -> Any:
        """The record with this id; one that is ``present`` already was read with the record and is not read again.

        Raises:
            ValueError: there is none that the actor may see.
        """
        record = next((row for row in present if str(row.id) == text), None) or self.lookup.one(text)
        if record is None:
            raise ValueError(_("Not a valid choice."))
        return record


class LinksField(LinkField):
    """Links to any number of records."""

    widget = LinkWidget(multiple=True)

    def chosen(self) -> list[Any]:
        return list(self.data or ())

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        # A picker without native multiple selection posts one value with commas.
        texts = [text.strip() for value in valuelist for text in value.split(",") if text.strip()]
        self.data = []
        self.data = [self.read_one(text, self.object_data or ()) for text in dict.fromkeys(texts)]
