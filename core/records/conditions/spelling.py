"""When two texts are the same to a reader, in a form that both evaluators and an index can follow.

Text is stored clean (``core.text.clean``: Persian letters, never the Arabic ones), and the value of a condition is
cleaned in the same way. What storing leaves open, a condition leaves open too: digits may be Latin, Persian or Arabic,
and between the parts of a Persian word may stand a ZWNJ, a space or nothing. So a typed text stands for a few
spellings, and the column is compared with each of them as it is, without a function around it.

Letter case matters to ``eq`` and ``in``, and is ignored for A to Z by ``contains`` and ``starts``. Folding more is what
``search`` is for, which has an index of its own.
"""

from __future__ import annotations

from core.text import ZWNJ, latin_digits, persian_digits

_TO_ARABIC = {ord(digit): "٠١٢٣٤٥٦٧٨٩"[place] for place, digit in enumerate("0123456789")}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def lower(text: str) -> str:
    """``text`` with A to Z in lower case and nothing else changed, which is what LIKE does on SQLite."""
    return text.translate(_LOWER)


def spellings(text: str) -> tuple[str, ...]:
    """The stored texts that ``text`` stands for, itself first; more than one only with digits or Persian joints."""
    joints = [text]
    if ZWNJ in text:
        joints += [text.replace(ZWNJ, " "), text.replace(ZWNJ, "")]
    elif " " in text and not text.isascii():
        joints.append(text.replace(" ", ZWNJ))
    found = []
    for joined in joints:
        latin = latin_digits(joined)
        found += [joined, latin, persian_digits(latin), latin.translate(_TO_ARABIC)]
    return tuple(dict.fromkeys(found))
