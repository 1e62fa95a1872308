"""Persian and Latin text: the stored form, the search form, the sort key and the digits.

Everything here is pure and works the same on SQLite and PostgreSQL, because the columns built from it
(``search_text``, ``name_sort``) are compared by plain binary order, never by a server's collation.
"""

import re
import unicodedata

ZWNJ = "\u200c"

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
_NUMBER_OR_CHARACTER = re.compile("[0-9]+|.", re.DOTALL)


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
        return _SEPARATORS.sub(" ", _INVISIBLE.sub("", text).lower()).strip()
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).replace("\u200d", ""))
    text = _without_marks(_HARAKAT.sub("", text.translate(_FOLDED_LETTERS)).casefold()).casefold()
    return _SEPARATORS.sub(" ", text).strip()


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
    text = _HARAKAT.sub("", latin_digits(clean(text)))
    return "".join(_sort_token(token) for token in _NUMBER_OR_CHARACTER.findall(text))


def _sort_token(token: str) -> str:
    if token[0] in "0123456789":
        number = token.lstrip("0") or "0"
        # The count of digits comes first, so a longer number is a greater one; past 26 digits the order is textual.
        return f"1{chr(64 + min(len(number), 26))}{number}"
    if token in _RANK:
        return _RANK[token]
    if token in (ZWNJ, "ء"):
        return ""
    if unicodedata.category(token)[0] in "PZC":
        return "0"
    plain = _without_marks(token.casefold())
    return "".join(f"a{letter}" if "a" <= letter <= "z" else f"~{ord(letter):06x}" for letter in plain)


def _without_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))
