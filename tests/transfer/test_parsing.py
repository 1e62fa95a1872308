"""What was written is read back: numbers, moments, phones and names in any digits, for any value."""

import datetime as dt
from decimal import Decimal

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import format_date
from core.database.types import _is_email, format_phone, is_email, parse_phone
from core.records.fields import Field
from core.records.transfer import cells, figures
from core.records.transfer.files import harmless
from core.records.transfer.readers import _rearmed
from core.records.transfer.spelling import Style, safe, spelling
from core.text import clean, match_key, persian_digits

AMOUNTS = st.decimals(-(10**12), 10**12, places=2, allow_nan=False)


def field(kind: str) -> Field:
    return Field(name="x", label="X", kind=kind)


@given(AMOUNTS, st.booleans())
def test_amounts_in_any_digits_with_any_marks(amount: Decimal, persian: bool) -> None:
    typed = f"{amount:,.2f}"
    typed = persian_digits(typed.replace(",", "٬").replace(".", "٫")) if persian else typed
    assert figures.amount(typed) == amount
    assert figures.amount(f"{typed} ریال") == amount
    assert figures.amount(spelling(field("money"), Style())(amount)) == amount


@pytest.mark.parametrize(
    ("typed", "number"),
    [("1.234,50", "1234.50"), ("12,5", "12.5"), ("1,234", "1234"), ("(99)", "-99"), ("99-", "-99"), ("$1,000", "1000"),
     ("−5", "-5"), ("1'000", "1000")],
)  # fmt: skip
def test_amounts_as_others_write_them(typed: str, number: str) -> None:
    assert figures.amount(typed) == Decimal(number)


@given(st.integers(-(2**31), 2**31 - 1))
def test_whole_numbers(number: int) -> None:
    assert figures.integer(f"{number:,}") == number
    assert figures.integer(persian_digits(str(number))) == number


@pytest.mark.parametrize("typed", ["1.5", "x", "99999999999", "", "--1", "1e400"])
def test_what_is_no_whole_number_is_said(typed: str) -> None:
    with pytest.raises(ValueError, match="number"):
        figures.integer(typed)


@given(st.dates(dt.date(1830, 1, 1), dt.date(2200, 1, 1)), st.sampled_from(["iso", "jalali"]))
def test_dates_in_either_calendar(date: dt.date, calendar: str) -> None:
    text = spelling(field("date"), Style(dates=calendar))(date)
    assert cells.date(text) == date
    assert cells.date(persian_digits(text)) == date
    assert cells.date(format_date(date, "jalali", "en", "short")) == date


@given(st.integers(-2_000_000_000, 4_000_000_000), st.sampled_from(["iso", "jalali"]))
def test_moments_to_the_second(seconds: int, calendar: str) -> None:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    assert cells.moment(spelling(field("datetime"), Style(dates=calendar))(moment)) == moment


@pytest.mark.parametrize(
    ("typed", "moment"),
    [("2026-11-22T09:30:00Z", (9, 30)), ("2026-11-22 09:30+0330", (6, 0)), ("1405/09/01 ۰۹:۳۰", (9, 30))],
)
def test_moments_with_and_without_a_zone(typed: str, moment: tuple[int, int]) -> None:
    found = cells.moment(typed)
    assert found is not None
    assert (found.date(), found.hour, found.minute) == (dt.date(2026, 11, 22), *moment)


@given(st.from_regex(r"9[0-9]{9}", fullmatch=True), st.sampled_from(["0", "+98", "0098", ""]))
def test_mobile_numbers_are_read_and_shown_as_the_library_does(number: str, before: str) -> None:
    parsed = phonenumbers.parse(before + number, "IR")
    stored = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    assert parse_phone(before + number, "IR") == stored
    assert format_phone(stored) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@given(st.emails().filter(lambda address: not set(address) & set("|,;")))
def test_addresses_of_mail_are_refused_or_kept(address: str) -> None:
    try:
        (found,) = cells.emails(address)
    except ValueError:
        return
    assert found == clean(address).strip().lower()


@pytest.mark.parametrize("typed", ["بله", "Yes", "TRUE", "1", "✓"])
def test_yes_in_either_language(typed: str) -> None:
    assert cells.boolean(typed) is True


@given(st.text(max_size=30))
def test_what_is_disarmed_is_armed_again(text: str) -> None:
    written = safe(text)
    assert not written.startswith(("=", "@", "\t", "\r")), "nothing that could act is left"
    assert _rearmed(written) == text


PHONE = st.from_regex(r"\+[0-9]{1,9}", fullmatch=True)
SIGNS = st.text("+-=@'12۳a\t", max_size=4)


@given(st.one_of(st.lists(st.one_of(st.none(), PHONE)), st.lists(st.one_of(st.none(), PHONE, SIGNS, st.text()))))
def test_a_column_is_disarmed_as_its_cells_are_one_by_one(column: list[str | None]) -> None:
    assert list(harmless(column)) == [text and safe(text) for text in column]


@given(st.text(max_size=30))
def test_names_match_in_any_spelling(name: str) -> None:
    assert match_key(name) == match_key(match_key(name))
    assert match_key(f" {name.upper()} ") == match_key(name.upper())


def test_an_address_longer_than_mail_can_have_is_none_and_is_not_remembered() -> None:
    _is_email.cache_clear()
    assert not is_email(f"{'a' * 300}@mail.example")
    assert _is_email.cache_info().currsize == 0
