"""Words are filled into HTML that was drawn once, escaped as a template would have escaped them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from core.admin.patterns import Pattern, escaped

WORDS = st.lists(st.text(alphabet="ab&<>'\"%\0\x02س", max_size=5), max_size=6)


@given(WORDS)
def test_words_escaped_together_are_escaped_as_each_by_itself(words: list[str]) -> None:
    assert [*escaped(words)] == [str(escape(word)) for word in words]


@given(st.lists(st.text(max_size=5), min_size=2, max_size=2))
def test_a_word_that_looks_like_a_mark_or_a_format_stays_a_word(words: list[str]) -> None:
    pattern = Pattern("100% <b>-one-</b>-two--one-", {"-one-": 0, "-two-": 1})

    assert pattern.filled(words) == f"100% <b>{words[0]}</b>{words[1]}{words[0]}"
    assert pattern.filled(["-two-", "%s"]) == "100% <b>-two-</b>%s-two-"


def test_a_pattern_without_marks_is_what_was_drawn() -> None:
    assert Pattern("<p>50%</p>", {"-one-": 0}).filled(["unused"]) == "<p>50%</p>"
