"""Cells as numbers, like those of ``cells``: in any digits, with the marks that people and programs write in them."""

from __future__ import annotations

import re
from decimal import Decimal

from flask_babel import gettext as _

from core.database.types import parse_amount
from core.text import clean, latin_digits

_CURRENCY = re.compile(r"[A-Z]{3}|[$€£¥﷼]|ریال|تومان|تومن", re.IGNORECASE)
# 1.234.567,89 and 12,5 as most of Europe writes them; 1,234 stays a thousand and something.
_COMMA_IS_POINT = re.compile(r"-?(\d{1,3}(\.\d{3})+,\d+|\d+,\d{1,2})")


def integer(cell: str) -> int:
    """A whole number in any digits, with or without grouping marks."""
    number = _number(cell)
    if number != number.to_integral_value():
        raise ValueError(_("Write a whole number."))
    if not -(2**31) <= number < 2**31:
        raise ValueError(_("The number is too large."))
    return int(number)


def decimal(cell: str) -> Decimal:
    """A number in any digits, with or without grouping marks."""
    return _number(cell)


def amount(cell: str) -> Decimal:
    """An amount of money, with at most two decimals; the name or sign of a currency beside it is passed over."""
    bare = _CURRENCY.sub("", latin_digits(clean(cell))).strip()
    number = _number(bare)
    if number != number.quantize(Decimal("0.01")):
        raise ValueError(_("At most two decimals."))
    return number


def _number(cell: str) -> Decimal:
    plain = latin_digits(clean(cell)).strip().replace("−", "-").replace("'", "").replace("’", "")
    if plain.startswith("(") and plain.endswith(")"):  # how accountants write what is below nothing
        plain = f"-{plain[1:-1]}"
    if plain.endswith("-"):
        plain = f"-{plain[:-1]}"
    if _COMMA_IS_POINT.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    try:
        return parse_amount(plain)
    except ValueError:
        raise ValueError(_("Write a number.")) from None
