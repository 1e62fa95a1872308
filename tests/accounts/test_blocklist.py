"""Passwords that are guessed first are refused; of any other make they are welcome."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.accounts.blocklist import is_guessable
from core.accounts.users import hashed
from core.errors import ValidationError

ABOUT = ("sara.karimi@firm.example", "Sara Karimi", "Peyvand")


@pytest.mark.parametrize(
    "password",
    [
        "password123", "P@ssw0rd2026!", "qwertyuiop12", "1qaz2wsx3edc", "iloveyou1234", "Summer2026!", "aaaaaaaaaaaa",
        "abcabcabcabc", "1234567890", "0987654321", "sara.karimi@firm.example", "SaraKarimi2026", "peyvand2026",
        "ضصثقفغعهخح", "حشسسصخقی۱۲۳", "karimisara1", "01/01/2000!",
    ],
)  # fmt: skip
def test_what_is_tried_first_is_refused(password):
    assert is_guessable(password, ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery", "a long enough secret", "یک جملهٔ بلند فارسی", "خانهٔ ما کنار رود است", "tQ7#vv2k!Lp0",
        "🙂 my cat sleeps late", "onlylowercaselettersbutmany", "8392 4417 0926 53",
    ],
)  # fmt: skip
def test_any_other_make_is_welcome(password):
    assert not is_guessable(password, ABOUT)


@pytest.mark.parametrize("place", ["\t", " ", "  both  ends  of it  ", "line\nbreak in it"])
def test_spaces_count_and_are_kept(installation, place):
    with installation.app.app_context():
        assert hashed(f"{place}winter garden{place}")


def test_length_is_counted_in_characters_and_bounded_in_bytes(installation):
    with installation.app.app_context():
        assert hashed("کتاب‌خانهٔ ما")
        for wrong in ("کتاب خانه", "ﷺ" * 300):
            with pytest.raises(ValidationError):
                hashed(wrong)


@given(st.text(max_size=1024))
@settings(max_examples=60, deadline=1000)
def test_whatever_is_typed_gets_an_answer_soon(text):
    assert is_guessable(text, ABOUT) in (True, False)
