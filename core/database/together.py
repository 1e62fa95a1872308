"""Several queries as one statement: a round trip to the database costs more than what small queries ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.database.engine import ONE_PLAN


class Together:
    """Some selects as the parts of one ``UNION ALL``; each has its own columns, and NULL in those of the others.

    Putting them together costs more than running them, so it is done once and kept; values are bound parameters.

    Args:
        selects: of columns and not of entities, all of them by keys.
    """

    def __init__(self, selects: Sequence[Any]) -> None:
        found = [select.subquery() for select in selects]
        widths = [len(part.c) for part in found]
        starts = [1 + sum(widths[:place]) for place in range(len(found))]
        self._places = [slice(start, start + width) for start, width in zip(starts, widths, strict=True)]
        parts = []
        for place in range(len(found)):
            own: list[Any] = []
            for other, columns in enumerate(found):
                own += list(columns.c) if other == place else [sa.cast(sa.null(), column.type) for column in columns.c]
            parts.append(sa.select(sa.literal_column(str(place)).label("part"), *own))
        self._statement = sa.union_all(*parts).execution_options(**{ONE_PLAN: True})

    def rows(self, session: Session, values: Mapping[str, Any]) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """The rows of all selects, in any order, each with the place of its select.

        Args:
            session: runs the statement.
            values: of the bound parameters.
        """
        for row in session.execute(self._statement, values).all():
            place = row[0]
            yield place, tuple(row[self._places[place]])
