"""Rows as the text that PostgreSQL's COPY reads, spelled a column at a time.

    1\tسارا\t2026-11-01 12:00:00\t\\N        tabs between values, a line break after a row, \\N for nothing

The driver looks at every value by itself, which takes longer than the database needs to store it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg.adapt import PyFormat, Transformer

NOTHING = "\\N"
_APART = "\0"  # PostgreSQL has no text with this sign
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
_PLAIN: dict[type, Callable[[Any], str]] = {
    int: str, float: repr, Decimal: str, datetime: str, date: str, bool: lambda value: "t" if value else "f",
}  # fmt: skip


def copied(pieces: Iterable[Sequence[Sequence[Any]]], driver: Any) -> Iterator[str]:
    """The text of rows in pieces.

    Args:
        pieces: columns of some rows, their values as the driver takes them.
        driver: the driver's connection, which spells what is no plain text, number or moment.
    """
    other = _Other(driver)
    for columns in pieces:
        spelled = [_column(values, other) for values in columns]
        yield "\n".join(map("\t".join, zip(*spelled, strict=True))) + "\n"


class _Other:
    """Spells values of any type as the driver does."""

    def __init__(self, driver: Any) -> None:
        self._transformer = Transformer.from_context(driver)

    def __call__(self, value: Any) -> str:
        spelled = self._transformer.get_dumper(value, PyFormat.TEXT).dump(value)
        return NOTHING if spelled is None else _escaped(bytes(spelled).decode())


def _column(values: Sequence[Any], other: Callable[[Any], str]) -> Sequence[str]:
    """The values of a column, spelled."""
    first = values[0]
    if values.count(first) == len(values):  # such as who brought them and when
        return [_one(first, other)] * len(values)
    kinds = set(map(type, values))
    lacking = type(None) in kinds
    kinds.discard(type(None))
    (kind, *more) = kinds
    if more:
        return [_one(value, other) for value in values]
    if kind is str:
        return _texts(values, lacking=lacking)
    spell = _PLAIN.get(kind, other)
    return [NOTHING if value is None else spell(value) for value in values] if lacking else [*map(spell, values)]


def _texts(values: Sequence[str | None], *, lacking: bool) -> Sequence[str]:
    """A column of texts. They are put together to look for signs that need escaping, which hardly any text has."""
    texts: Sequence[str] = [value for value in values if value is not None] if lacking else values  # type: ignore[assignment]
    whole = _APART.join(texts)
    if any(sign in whole for sign, _escape in _ESCAPES):
        escaped = _escaped(whole).split(_APART)
        texts = escaped if len(escaped) == len(texts) else [*map(_escaped, texts)]
    if not lacking:
        return texts
    following = iter(texts)
    return [NOTHING if value is None else next(following) for value in values]


def _one(value: Any, other: Callable[[Any], str]) -> str:
    if value is None:
        return NOTHING
    if type(value) is str:
        return _escaped(value)
    return _PLAIN.get(type(value), other)(value)


def _escaped(text: str) -> str:
    for sign, escape in _ESCAPES:
        text = text.replace(sign, escape)
    return text
