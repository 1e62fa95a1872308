"""Which column of a file goes to which column of the record type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.records.transfer.cells import DAY_FIRST, MONTH_FIRST, date, moment, names_month_first
from core.records.transfer.targets import Target
from core.text import fold

Mapped = Mapping[int, str]
"""Position of a file's column, from 0, to the name of an ``ImportColumn``."""


def map_columns(header: Sequence[str], target: Target) -> dict[int, str]:
    """The mapping that a header suggests; no column of the record type is used twice.

    The type's own ``recognise`` goes first, because it knows whole formats. What it leaves is matched by name, label
    and synonyms, regardless of case, spaces, and Persian or Arabic letters.
    """
    known = {column.name for column in target.columns}
    recognise = target.hints.recognise
    recognised = recognise(header) if recognise else {}
    mapping = {position: name for position, name in recognised.items() if name in known}
    taken = set(mapping.values())
    names: dict[str, str] = {}
    for column in target.columns:
        for title in (column.name, str(column.label), *column.synonyms):
            names.setdefault(title_key(title), column.name)
    for position, title in enumerate(header):
        name = names.get(title_key(title))
        if position not in mapping and name is not None and name not in taken:
            mapping[position] = name
            taken.add(name)
    return dict(sorted(mapping.items()))


def title_key(title: str) -> str:
    """A title as it is compared: folded, with letters and digits only."""
    return "".join(character for character in fold(title) if character.isalnum())


def clean_mapping(chosen: Mapping[str, str], width: int, target: Target) -> dict[int, str]:
    """The mapping a form sent, positions as text, without what the file or the record type does not have."""
    known = {column.name for column in target.columns}
    return {
        int(position): name
        for position, name in chosen.items()
        if position.isascii() and position.isdigit() and len(position) < 5 and int(position) < width and name in known
    }


def doubled(mapping: Mapped) -> list[str]:
    """Names to which more than one column goes."""
    names = list(mapping.values())
    return sorted({name for name in names if names.count(name) > 1})


def missing(mapping: Mapped, target: Target) -> list[str]:
    """Names of required columns that no column of the file goes to."""
    mapped = set(mapping.values())
    return [column.name for column in target.columns if column.required and column.name not in mapped]


def likely_date_order(rows: Sequence[Sequence[str]], mapping: Mapped, target: Target) -> str:
    """Whether the dates of a file name the month first, told by a second number that no month can be."""
    dated = {column.name for column in target.columns if column.parse in (date, moment)}
    for position, name in mapping.items():
        if name in dated and any(names_month_first(row[position]) for row in rows if position < len(row)):
            return MONTH_FIRST
    return DAY_FIRST
