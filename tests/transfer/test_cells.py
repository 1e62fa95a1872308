"""Cells read as values."""

import datetime as dt

import pytest

from core.database.types import Option
from core.records.transfer import cells
from core.records.transfer.cells import MONTH_FIRST, Conventions, read_by

OPTIONS = (Option("new", "New"), Option("old", "قدیمی"))


@pytest.mark.parametrize(
    ("typed", "date"),
    [
        ("1990-05-21", dt.date(1990, 5, 21)),
        ("1990-05-21 00:00:00", dt.date(1990, 5, 21)),
        ("1990-05-21T10:30:00Z", dt.date(1990, 5, 21)),
        ("19900521", dt.date(1990, 5, 21)),
        ("21/5/1990", dt.date(1990, 5, 21)),
        ("5/21/1990", dt.date(1990, 5, 21)),  # no month is the 21st
        ("3/4/1990", dt.date(1990, 4, 3)),
        ("۱۳۶۹/۰۲/۳۱", dt.date(1990, 5, 21)),
        ("٣١/٠٢/١٣٦٩", dt.date(1990, 5, 21)),
        ("13690231", dt.date(1990, 5, 21)),
        ("--05-21", None),
        ("0/0/00", None),
    ],
)
def test_dates_of_both_calendars(typed: str, date: dt.date | None) -> None:
    assert cells.date(typed) == date


def test_the_file_says_whether_the_month_comes_first() -> None:
    with read_by(Conventions(date_order=MONTH_FIRST)):
        assert cells.date("3/4/1990") == dt.date(1990, 3, 4)
        assert cells.date("21/4/1990") == dt.date(1990, 4, 21)
    assert cells.date("3/4/1990") == dt.date(1990, 4, 3)


@pytest.mark.parametrize(
    ("typed", "reason"), [("1404/12/30", "no such day"), ("soon", "Not a date"), ("0990-01-01", "neither Jalali")]
)
def test_what_is_no_date_is_said(typed: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        cells.date(typed)


def test_a_cell_of_several_numbers_and_addresses() -> None:
    assert cells.phones("0912 000 4567 ::: ۰۲۱-۵۵۵۰۱۲۳۴") == ("+989120004567", "+982155501234")
    assert cells.phones("9120004567") == ("+989120004567",)
    assert cells.emails("Sara <Sara@Mail.example>; b@mail.example, sara@mail.example") == (
        "sara@mail.example",
        "b@mail.example",
    )


def test_numbers_without_a_country_code_are_of_the_region_of_the_file() -> None:
    with read_by(Conventions.of({"region": "gb"})):
        assert cells.phones("020 7946 0018") == ("+442079460018",)
    assert Conventions.of({"region": "nowhere"}).region == "IR"


@pytest.mark.parametrize("typed", ["12", "call me"])
def test_what_is_no_number_is_said(typed: str) -> None:
    with pytest.raises(ValueError, match="Not a phone number"):
        cells.phones(typed)


@pytest.mark.parametrize("typed", ["sara@mail", "sara mail.example", "@mail.example", "a@b@c.example"])
def test_what_is_no_address_is_said(typed: str) -> None:
    with pytest.raises(ValueError, match="Not an e-mail address"):
        cells.emails(typed)


def test_a_choice_is_told_by_code_label_or_synonym_in_any_spelling() -> None:
    read = cells.choice(OPTIONS, {"ancient": "old"})
    assert [read(word) for word in ("NEW", "new ", "قديمي", "Ancient")] == ["new", "new", "old", "old"]
    with pytest.raises(ValueError, match="One of: New, قدیمی"):
        read("middling")


def test_text_is_cleaned_and_measured() -> None:
    assert cells.text(10)("  علي \n رضا ") == "علی رضا"
    with pytest.raises(ValueError, match="At most 3"):
        cells.text(3)("four")


def test_web_addresses() -> None:
    assert cells.url("example.com/x") == "https://example.com/x"
    assert cells.url("HTTP://example.com ::: https://other.example") == "HTTP://example.com"
    with pytest.raises(ValueError, match="web address"):
        cells.url("javascript:alert(1)")
