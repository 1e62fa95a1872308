"""The values of a condition: what JSON or a form may say for each kind of field, and its one stored form."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from flask_babel import gettext as _

from core.accounts.models import User
from core.calendars import NoSuchDay, YearOutOfRange
from core.database.types import Color, parse_amount, parse_phone
from core.records.conditions.periods import Day, Run, Span, read_day, read_span
from core.records.conditions.tree import MAX_TEXT
from core.records.fields import Field
from core.text import clean, latin_digits

ME = "me"
"""The user who asks; a value of links to users."""
LARGEST_ID = 2**63 - 1
_WHOLE = re.compile("-?[0-9]{1,15}")
_HUNDREDTH = Decimal("0.01")


class ValueUnreadable(ValueError):
    """The value is none that the field can have; the text says so to who wrote it."""


def read_value(field: Field, operator: str, raw: Any) -> Any:
    """The value of ``raw`` for ``field``: what the evaluators compare with.

    Raises:
        ValueUnreadable: it cannot be one.
    """
    if field.kind == "phone" and operator in ("contains", "not_contains"):
        return _phone_part(raw)
    return _READERS[field.kind](field, raw)


def plain_value(value: Any) -> Any:
    """The one JSON form of a value that was read."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else format(value.normalize(), "f")
    return value if isinstance(value, (bool, int, str)) else str(value)


def read_period(raw: Any) -> Span:
    """The period of ``raw``.

    Raises:
        ValueUnreadable: there is none of this name.
    """
    try:
        return read_span(_string(raw))
    except ValueError:
        raise ValueUnreadable(_("There is no such period.")) from None


def plain_period(span: Span) -> str:
    """The name of a period."""
    return str(span) if isinstance(span, Run) else span


def read_text(raw: Any) -> str:
    """Words to look for, in the form in which text is stored.

    Raises:
        ValueUnreadable: there are none, or too many.
    """
    text = clean(_string(raw)).strip()
    if not text:
        raise ValueUnreadable(_("Nothing to look for. Use “is empty” for empty fields."))
    if len(text) > MAX_TEXT:
        raise ValueUnreadable(_("At most %(limit)s characters.", limit=MAX_TEXT))
    return text


def read_whole(raw: Any) -> int:
    """A whole number of at most fifteen digits.

    Raises:
        ValueUnreadable: it is none.
    """
    amount = _amount(raw)
    if amount != amount.to_integral_value():
        raise ValueUnreadable(_("A whole number is expected."))
    return int(amount)


def _string(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueUnreadable(_("A text is expected."))
    return raw


def _text(_field: Field, raw: Any) -> str:
    return read_text(raw)


def _email(_field: Field, raw: Any) -> str:
    return read_text(raw).lower()


def _phone(_field: Field, raw: Any) -> str:
    try:
        return parse_phone(read_text(raw))
    except ValueUnreadable:
        raise
    except ValueError:
        raise ValueUnreadable(_("Not a phone number. Example: %(example)s", example="0912 123 4567")) from None


def _phone_part(raw: Any) -> str:
    """Some digits of a number, without the zero that is dialled only at home."""
    digits = re.sub("[^0-9]", "", latin_digits(read_text(raw))).lstrip("0")
    if not digits:
        raise ValueUnreadable(_("Some digits of a phone number are expected."))
    return digits


def _amount(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, Decimal, str)):
        raise ValueUnreadable(_("A number is expected."))
    if isinstance(raw, int) and abs(raw) >= 10**15:
        raise ValueUnreadable(_("The number is too large."))  # before its digits are written out
    try:
        return parse_amount(str(raw)[:MAX_TEXT])
    except ValueError:
        raise ValueUnreadable(_("Not a number of at most fifteen digits.")) from None


def _integer(_field: Field, raw: Any) -> int:
    return read_whole(raw)


def _decimal(_field: Field, raw: Any) -> Decimal:
    return _amount(raw)


def _money(_field: Field, raw: Any) -> Decimal:
    return _amount(raw).quantize(_HUNDREDTH, rounding=ROUND_HALF_EVEN)


def _day(_field: Field, raw: Any) -> Day:
    try:
        return read_day(_string(raw))
    except ValueUnreadable:
        raise
    except (NoSuchDay, YearOutOfRange):
        raise ValueUnreadable(_("There is no such day.")) from None
    except ValueError:
        raise ValueUnreadable(
            _("Not a day. Examples: %(examples)s", examples="1405/09/05, 2026-11-26, today, today+7")
        ) from None


def _code(field: Field, raw: Any) -> str:
    code = _string(raw)
    if field.option(code) is None:
        raise ValueUnreadable(_("There is no choice “%(code)s”.", code=code[:80]))
    return code


def _color(_field: Field, raw: Any) -> str:
    if raw not in Color.NAMES:
        raise ValueUnreadable(_("There is no choice “%(code)s”.", code=str(raw)[:80]))
    return str(raw)


def _boolean(_field: Field, raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise ValueUnreadable(_("Yes or no is expected."))
    return raw


def _id(field: Field, raw: Any) -> int | str:
    if raw == ME:
        if field.target is not User:
            raise ValueUnreadable(_("“me” stands for a user, and this is none."))
        return ME
    if isinstance(raw, str) and _WHOLE.fullmatch(raw):
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int) or not 1 <= raw <= LARGEST_ID:
        raise ValueUnreadable(_("The number of a record is expected."))
    return raw


_READERS: Mapping[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "long_text": _text,
    "url": _text,
    "email": _email,
    "phone": _phone,
    "integer": _integer,
    "decimal": _decimal,
    "money": _money,
    "date": _day,
    "datetime": _day,
    "choice": _code,
    "color": _color,
    "boolean": _boolean,
    "link": _id,
    "links": _id,
}
