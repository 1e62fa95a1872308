"""HTML that is drawn once and filled in for each of many: the rows of a list, the cards of a board.

Drawing each by the template took a third of a page's time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

_SPECIAL = re.compile("[&<>'\"]").search


class Pattern:
    """What a template drew with marks in it.

    Args:
        drawn: the HTML.
        places: which word stands in place of each mark, counted from 0. No mark begins another one.
    """

    def __init__(self, drawn: str, places: Mapping[str, int]) -> None:
        # Found once and together, so that a word which looks like a mark stays a word.
        marks = re.compile("|".join(map(re.escape, places)))
        self._format = "%s".join(text.replace("%", "%%") for text in marks.split(drawn))
        self._places = [places[mark] for mark in marks.findall(drawn)]

    def filled(self, words: Sequence[str]) -> str:
        """The HTML with these words, which are HTML themselves."""
        return self._format % tuple([words[place] for place in self._places])


def plain_html(text: object) -> str:
    """``text`` as HTML in a plain string, with which formats do not escape again."""
    if type(text) is str and _SPECIAL(text) is None:
        return text  # as most are; a board escapes seven hundred words
    return str.__str__(text if type(text) is Markup else escape(text))
