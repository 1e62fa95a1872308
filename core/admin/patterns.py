"""HTML that is drawn once and filled in for each of many: the rows of a list, the cards of a board.

Drawing each by the template took a third of a page's time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from markupsafe import Markup, escape

_SPECIAL = re.compile("[&<>'\"]").search
_APART = "\0"  # no text of PostgreSQL has this sign, and hardly any of SQLite


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
        wanted = [places[mark] for mark in marks.findall(drawn)]
        self._pick: Callable[[Sequence[str]], Any] = itemgetter(*wanted) if wanted else lambda _words: ()

    def filled(self, words: Sequence[str]) -> str:
        """The HTML with these words, which are HTML themselves."""
        return self._format % self._pick(words)


def escaped(texts: Sequence[str]) -> Sequence[str]:
    """Texts as HTML, escaped together: a board has a thousand words, hardly any of which needs it."""
    whole = _APART.join(texts)
    if _SPECIAL(whole) is None:
        return texts
    found = str(escape(whole)).split(_APART)
    return found if len(found) == len(texts) else [str(escape(text)) for text in texts]


def plain_html(text: object) -> str:
    """``text`` as HTML in a plain string, with which formats do not escape again."""
    if type(text) is str and _SPECIAL(text) is None:
        return text  # as most are; a board escapes seven hundred words
    return str.__str__(text if type(text) is Markup else escape(text))
