"""Column types the Catalog understands beyond SQLAlchemy's own."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import phonenumbers
import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.types import TypeDecorator

from core.parts import Label
from core.text import latin_digits

MINOR_UNITS = 100
KEPT = 20_000  # texts of which a process remembers what they are: a form comes back with those it was opened with
# The numbers that most files are full of; the library is asked about all others.
_IRANIAN_MOBILE = re.compile(r"(?:\+98|0098|0)?(9[0-9]{9})", re.ASCII)
_STORED_MOBILE = re.compile(r"\+98(9[0-9]{2})([0-9]{3})([0-9]{4})", re.ASCII)
# Where a number without a country code is assumed to be; the installation's setting replaces it at start.
DEFAULT_REGION = "IR"


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment: always aware in Python, always UTC without a zone in the database."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored.")
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        return None if value is None else value.replace(tzinfo=dt.UTC)


def whole_hundredths(amount: Decimal | int) -> int:
    """An amount as it is stored."""
    return int((Decimal(amount) * MINOR_UNITS).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


class Money(TypeDecorator[Decimal]):
    """An amount of money, kept as a whole number of hundredths so that sums are exact on every database.

    ``currency`` names the attribute of the same record that holds the ISO 4217 code.
    """

    impl = sa.BigInteger
    cache_ok = True

    def __init__(self, currency: str = "currency") -> None:
        super().__init__()
        self.currency = currency

    def process_bind_param(self, value: Decimal | int | None, dialect: sa.Dialect) -> int | None:
        if value is None:
            return None
        return whole_hundredths(value)

    def process_result_value(self, value: int | Decimal | None, dialect: sa.Dialect) -> Decimal | None:
        # PostgreSQL's SUM over bigint is a numeric, SQLite's division an integer: both end here.
        return None if value is None else (Decimal(value) / MINOR_UNITS).quantize(Decimal("0.01"))


def parse_amount(text: str) -> Decimal:
    """An amount as people type it, in any digits, with grouping marks.

    Raises:
        ValueError: not a number, or beyond fifteen digits.
    """
    plain = latin_digits(text).strip()
    for mark in (",", "٬", "،", " ", "\u00a0", "\u202f", "_"):
        plain = plain.replace(mark, "")
    plain = plain.replace("٫", ".")
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        raise ValueError("Not a number.") from None
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
        raise ValueError("The number is too large.")
    return amount


class Phone(TypeDecorator[str]):
    """A phone number in E.164, such as +989121234567; ``parse_phone`` is how text becomes one."""

    impl = sa.String(20)
    cache_ok = True


def parse_phone(text: str, region: str | None = None) -> str:
    """The E.164 form of a phone number typed in any digits.

    Raises:
        ValueError: no possible phone number.
    """
    region = region or DEFAULT_REGION
    if region == "IR" and (mobile := _IRANIAN_MOBILE.fullmatch(text)):
        return f"+98{mobile[1]}"  # what the library says too, a hundred times faster
    return _parse_phone(text, region)


@lru_cache(maxsize=KEPT)
def _parse_phone(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(latin_digits(text), region)
    except phonenumbers.NumberParseException:
        raise ValueError("Not a phone number.") from None
    # Without an area code it reaches nobody, and letters are somebody's note in the wrong column.
    complete = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if not complete or any(sign.isalpha() for sign in text.lower().replace("ext", "")):
        raise ValueError("Not a phone number.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def format_phone(number: str) -> str:
    """A stored number as people read it, such as +98 912 123 4567."""
    if mobile := _STORED_MOBILE.fullmatch(number):
        return "+98 {} {} {}".format(*mobile.groups())
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


class Email(TypeDecorator[str]):
    """An e-mail address, compared without regard to case: stored in lower case."""

    LENGTH = 254  # of the longest that mail can have
    impl = sa.String(LENGTH)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value.strip().lower() if value else None


def is_email(text: str) -> bool:
    """Whether ``text`` is written as an e-mail address is. Whether mail arrives there is not asked."""
    return len(text) <= Email.LENGTH and _is_email(text)


@lru_cache(maxsize=KEPT)
def _is_email(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


class Url(TypeDecorator[str]):
    """A web address; only http and https are shown as links."""

    impl = sa.String(500)
    cache_ok = True


class LongText(TypeDecorator[str]):
    """Text of several lines, at most ``limit`` characters."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, limit: int = 20_000) -> None:
        super().__init__()
        self.limit = limit


@dataclass(frozen=True)
class Option:
    """One value of a choice: its stored code, its label, and the colour of its badge."""

    code: str
    label: Label
    color: str = "gray"


class Choice(TypeDecorator[str]):
    """One of a few codes. A plain string with validation, because a database enum cannot be changed cheaply."""

    impl = sa.String(40)
    cache_ok = True

    def __init__(self, options: Sequence[Option]) -> None:
        super().__init__()
        self.options = tuple(options)

    def __repr__(self) -> str:
        return "Choice()"


class Color(TypeDecorator[str]):
    """The name of a badge colour of the theme."""

    impl = sa.String(12)
    cache_ok = True
    NAMES = ("gray", "blue", "indigo", "violet", "rose", "amber", "green", "teal", "sky", "slate")


@dataclass(frozen=True)
class Location:
    """A point on the earth, WGS 84, in degrees.

    Raises:
        ValueError: latitude beyond ±90 or longitude beyond ±180.
    """

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError("A latitude lies between −90 and 90, a longitude between −180 and 180.")

    def __composite_values__(self) -> tuple[Any, Any]:
        return self.latitude, self.longitude
