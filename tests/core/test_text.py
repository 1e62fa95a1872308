"""The stored, searched and sorted forms of Persian and Latin text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text import clean, fold, fold_both, latin_digits, persian_digits, sort_key

ZWNJ = "\u200c"
a_text = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("يىكئؤأإآةۀء۱٢3ـ\u200c\u200f\u064b ßİ")), max_size=40
)
quickly = settings(max_examples=150, deadline=None)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("علي كريمي", "علی کریمی"),
        ("موسى", "موسی"),
        ("عـــلی", "علی"),
        ("\u200fعلی\u200e", "علی"),
        (f"می{ZWNJ}خواهم", f"می{ZWNJ}خواهم"),
        ("José", "José"),
        ("Jose\u0301", "José"),
        ("a\x00b\tc\nd", "ab\tc\nd"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("۱۲٣", "۱۲٣"),
    ],
)
def test_clean_stores_persian_letters_and_keeps_what_was_meant(typed: str, stored: str) -> None:
    assert clean(typed) == stored


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("كريم", "کریم"),
        ("علي رضا", f"علی{ZWNJ}رضا"),
        ("١٠", "۱۰"),
        ("۱۰", "10"),
        ("José", "jose"),
        ("مُحَمَّد", "محمد"),
        ("آرش", "ارش"),
        ("مؤسسه", "موسسه"),
        ("خانهٔ", "خانه"),
        ("شركة", "شرکه"),
        ("STRASSE", "straße"),
        ("a.b-c_d", "A B C D"),
    ],
)
def test_spellings_of_one_word_fold_to_the_same_text(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_words_that_differ_stay_apart() -> None:
    assert fold("کریم") != fold("رحیم")
    assert fold("۱۰") != fold("۱۱")


@pytest.mark.parametrize(("query", "stored"), [("علیرضا", f"علی{ZWNJ}رضا"), ("ميخواهم", f"می{ZWNJ}خواهم")])
def test_a_half_space_is_found_joined_and_apart(query: str, stored: str) -> None:
    assert fold(query) in fold_both(stored)
    assert fold(stored) in fold_both(stored)


@quickly
@given(a_text)
def test_folding_and_cleaning_twice_change_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert clean(clean(text)) == clean(text)


@quickly
@given(a_text)
def test_what_is_stored_is_found_by_what_was_typed(text: str) -> None:
    assert fold(clean(text)) == fold(text)


@quickly
@given(st.text("0123456789", max_size=20))
def test_digits_go_to_persian_and_back(digits: str) -> None:
    assert latin_digits(persian_digits(digits)) == digits


def test_arabic_digits_become_either_family() -> None:
    assert latin_digits("٠١٢٣٤٥٦٧٨٩") == "0123456789"
    assert persian_digits("٠١٢٣٤٥٦٧٨٩") == "۰۱۲۳۴۵۶۷۸۹"


@pytest.mark.parametrize(
    "ordered",
    [
        ["آرش", "ابراهیم", "احمد", "بابک", "پرویز", "تقی", "جمشید", "چنگیز", "زهرا", "ژاله", "کاوه", "گلناز", "لیلا"],
        ["نسرین", "وحید", "هاشم", "یاسمن"],
        ["file 2", "file 10", "file 100"],
        ["سند ۲", "سند ۱۰"],
        ["12", "Ada", "علی"],
        ["علی احمدی", "علیرضا"],
        ["Ava", "Éva", "Ewa"],
    ],
)
def test_binary_order_of_the_key_is_the_readers_order(ordered: list[str]) -> None:
    keys = [sort_key(text) for text in ordered]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("one", "other"), [("كريم", "کریم"), ("ADA", "ada"), ("۰۰۷", "7"), (f"علی{ZWNJ}رضا", "علیرضا")]
)
def test_spellings_of_one_word_sort_together(one: str, other: str) -> None:
    assert sort_key(one) == sort_key(other)


@quickly
@given(a_text)
def test_a_sort_key_is_ascii(text: str) -> None:
    assert sort_key(text).isascii()


@quickly
@given(a_text)
def test_a_blank_parts_words_like_one_that_never_breaks_a_line(text: str) -> None:
    joined = text.replace(" ", "\u00a0")
    assert (fold(joined), sort_key(joined)) == (fold(text), sort_key(text))


@quickly
@given(st.integers(0, 10**20), st.integers(0, 10**20))
def test_numbers_sort_by_value(one: int, other: int) -> None:
    assert (sort_key(f"n {one}") < sort_key(f"n {other}")) == (one < other)
