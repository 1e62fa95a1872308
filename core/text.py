"""Persian and Latin text: the stored form, the search form, the sort key and the digits.

Everything here is pure and works the same on SQLite and PostgreSQL, because the columns built from it
(``search_text``, ``name_sort``) are compared by plain binary order, never by a server's collation.
"""

import re
import unicodedata
from functools import lru_cache

ZWNJ = "\u200c"
KNOWN = 16_384  # words and names whose forms are kept
KNOWN_LENGTH = 60  # letters of a word that is kept; what is longer stands in no second name

_PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
_ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"
_TO_LATIN = {ord(digit): str(n) for family in (_PERSIAN_DIGITS, _ARABIC_DIGITS) for n, digit in enumerate(family)}
_TO_PERSIAN = {
    ord(digit): _PERSIAN_DIGITS[n] for family in ("0123456789", _ARABIC_DIGITS) for n, digit in enumerate(family)
}

# Letters for which an Arabic keyboard types another code point, and the tatweel, which is only drawing.
_STORED_LETTERS = {ord("ي"): "ی", ord("ى"): "ی", ord("ك"): "ک", 0x0640: ""}
# The search form goes further: hamza carriers, Urdu and Kurdish shapes, a lone hamza.
_FOLDED_LETTERS = _TO_LATIN | {
    ord(letter): plain
    for plain, letters in {"ی": "يىئېۍێ", "ک": "كڪ", "ه": "ۀةەہھۂۃ", "و": "ؤۆ", "ا": "أإٱآ", "": "ء\u0640"}.items()
    for letter in letters
}
_HARAKAT = re.compile("[\u064b-\u065f\u0670\u06d6-\u06ed]")
# The zero width joiner (U+200D) stays in the stored form: emoji families and Indic scripts are written with it.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_SEPARATORS = re.compile("[\\s\u200c_\\-\u2010-\u2015/.,،؛]+")

_ALPHABET = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
_RANK = {letter: f"z{n:02d}" for n, letter in enumerate(_ALPHABET)}
_CARRIERS = {"أ": "ا", "إ": "ا", "ٱ": "ا", "ئ": "ی", "ؤ": "و", "ۀ": "ه", "ة": "ه"}
_RANK |= {carrier: _RANK[letter] for carrier, letter in _CARRIERS.items()}
_NUMBER = re.compile("([0-9]+)")
_BLANK = "0"  # the key of what stands between words


def latin_digits(text: str) -> str:
    """Return ``text`` with Persian (۱۲۳) and Arabic (١٢٣) digits as 0–9."""
    return text.translate(_TO_LATIN)


def persian_digits(text: str) -> str:
    """Return ``text`` with Latin (123) and Arabic (١٢٣) digits as ۰–۹."""
    return text.translate(_TO_PERSIAN)


def clean(text: str) -> str:
    """Return the form in which typed text is stored.

    NFC; Arabic yeh and kaf become the Persian letters; tatweel, bidi marks and control characters (a NUL is refused by
    PostgreSQL) go. ZWNJ, accents, digits, line breaks and tabs stay as they were typed.
    """
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", text)).translate(_STORED_LETTERS)


def fold(text: str) -> str:
    """Return the form in which text is searched: two strings a reader calls the same fold to the same string.

    Over :func:`clean`: digits are Latin, hamza, madda, harakat and accents are off, case is folded, and ZWNJ, hyphen,
    slash, full stop, comma and white space are one space. Folding twice changes nothing.
    """
    if text.isascii():
        return _folded_ascii(text)
    # No mark joins a letter beyond a blank, so words fold by themselves, and those of names come again and again.
    return " ".join(filter(None, map(_folded_word, text.split(" "))))


def _folded_word(word: str) -> str:
    if word.isascii():
        return _folded_ascii(word)
    return _folded_known(word) if len(word) <= KNOWN_LENGTH else _folded(word)


def _folded_ascii(text: str) -> str:
    return _SEPARATORS.sub(" ", _INVISIBLE.sub("", text).lower()).strip()


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).replace("\u200d", ""))
    text = _without_marks(_HARAKAT.sub("", text.translate(_FOLDED_LETTERS)).casefold()).casefold()
    return _SEPARATORS.sub(" ", text).strip()


_folded_known = lru_cache(maxsize=KNOWN)(_folded)


def fold_both(text: str) -> str:
    """Return what a search column holds: the folded text, and once more with its ZWNJs joined where that differs.

    So می‌خواهم is found by «می خواهم» and by «میخواهم».
    """
    apart = fold(text)
    if ZWNJ not in text:
        return apart
    joined = fold(text.replace(ZWNJ, ""))
    return apart if joined == apart else f"{apart} {joined}"


def sort_key(text: str) -> str:
    """Return an ASCII key whose binary order is the reader's order.

    Spaces and punctuation < numbers by value < Latin letters < Persian letters in alphabet order < other scripts,
    without regard to case, accents and harakat. ``file 2`` comes before ``file 10``.
    """
    # A blank is the least of all, and no number or letter goes on beyond it.
    return _BLANK.join(map(_word_key, text.split(" ")))


def _word_key(word: str) -> str:
    return _key_known(word) if len(word) <= KNOWN_LENGTH else _key(word)


def _key(text: str) -> str:
    text = _HARAKAT.sub("", latin_digits(clean(text)))
    # Cut at the numbers, every other piece is letters, which one table turns into keys.
    pieces = _NUMBER.split(text)
    return "".join(_number_key(piece) if n % 2 else piece.translate(_LETTER_KEYS) for n, piece in enumerate(pieces))


_key_known = lru_cache(maxsize=KNOWN)(_key)


@lru_cache(maxsize=KNOWN)
def match_key(text: str) -> str:
    """Return the form in which names are matched: «علی‌رضا کریمی», «علي رضا كريمي» and «علیرضا کریمی» have the same."""
    return fold(text).replace(" ", "")


def _number_key(number: str) -> str:
    digits = number.lstrip("0") or "0"
    # The count of digits comes first, so a longer number is a greater one; past 26 digits the order is textual.
    return f"1{chr(64 + min(len(digits), 26))}{digits}"


class _Bases(dict[int, int | None]):
    """Nothing for a mark that stands on another letter, the letter itself for any other."""

    def __missing__(self, code: int) -> int | None:
        base = self[code] = None if unicodedata.combining(chr(code)) else code
        return base


_BASES = _Bases()


class _LetterKeys(dict[int, str]):
    """The key of every letter, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        key = self[code] = _letter_key(chr(code))
        return key


def _letter_key(letter: str) -> str:
    if letter in _RANK:
        return _RANK[letter]
    if letter in (ZWNJ, "ء"):
        return ""
    if unicodedata.category(letter)[0] in "PZC":
        return _BLANK
    plain = _without_marks(letter.casefold())
    return "".join(f"a{sign}" if "a" <= sign <= "z" else f"~{ord(sign):06x}" for sign in plain)


_LETTER_KEYS = _LetterKeys()


def _without_marks(text: str) -> str:
    return unicodedata.normalize("NFKD", text).translate(_BASES)
