"""Several queries as one statement: a round trip to the database costs more than what small queries ask for."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.database.engine import ONE_PLAN


class Together:
    """Some selects as the parts of one ``UNION ALL``. Putting them together costs more than running them, so it is done
    once and kept; values are bound parameters.

    Columns of the same kind share one of the union, because every column costs the driver and SQLAlchemy something,
    whatever is in it. What a part has no use for is NULL.

    Args:
        selects: of columns and not of entities, all of them by keys.
    """

    def __init__(self, selects: Sequence[Any]) -> None:
        found = [select.subquery() for select in selects]
        types: list[Any] = []
        slots: dict[tuple[Hashable, int], int] = {}  # where the nth column of a kind stands
        placed: list[list[int]] = []
        for part in found:
            met: dict[Hashable, int] = {}
            places = []
            for column in part.c:
                kind = _kind(column.type)
                slot = (kind, met.get(kind, 0))
                met[kind] = slot[1] + 1
                if slot not in slots:
                    slots[slot] = len(types)
                    types.append(column.type)
                places.append(slots[slot])
            placed.append(places)
        # After the number of the part.
        self._readers = [_reader([place + 1 for place in places]) for places in placed]
        parts = []
        for number, (part, places) in enumerate(zip(found, placed, strict=True)):
            own = dict(zip(places, part.c, strict=True))
            columns = [
                (own[place] if place in own else sa.cast(sa.null(), kind)).label(f"value_{place}")
                for place, kind in enumerate(types)
            ]
            parts.append(sa.select(sa.literal_column(str(number)).label("part"), *columns))
        self._statement = sa.union_all(*parts).execution_options(**{ONE_PLAN: True})

    def rows(self, session: Session, values: Mapping[str, Any]) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """The rows of all selects, in any order, each with the place of its select.

        Args:
            session: runs the statement.
            values: of the bound parameters.
        """
        for row in session.execute(self._statement, values).all():
            place = row[0]
            yield place, self._readers[place](row)


def _kind(of: Any) -> Hashable:
    """What columns share when one can stand in the place of the other: both databases, and Python, read them alike."""
    if isinstance(of, sa.Integer):
        return sa.Integer
    if isinstance(of, sa.String) and not isinstance(of, sa.Enum):
        return sa.String
    return type(of), repr(of)


def _reader(places: Sequence[int]) -> Any:
    """What takes the values at some places out of a row, as a tuple."""
    if len(places) == 1:
        (place,) = places
        return lambda row: (row[place],)
    return itemgetter(*places)
