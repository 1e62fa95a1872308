"""Several queries as one statement: a round trip to the database costs more than what small queries ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session


def together(session: Session, selects: Sequence[Any]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows of all ``selects``, of columns and not of entities, each with the place of its select; in any order.

    They become the parts of one ``UNION ALL`` in which each has its own columns, and NULL in those of the others.
    """
    found = [select.subquery() for select in selects]
    widths = [len(part.c) for part in found]
    starts = [1 + sum(widths[:place]) for place in range(len(found))]
    parts = []
    for place in range(len(found)):
        own: list[Any] = []
        for other, columns in enumerate(found):
            own += list(columns.c) if other == place else [sa.cast(sa.null(), column.type) for column in columns.c]
        parts.append(sa.select(sa.literal_column(str(place)).label("part"), *own))
    for row in session.execute(sa.union_all(*parts)):
        place = row[0]
        yield place, tuple(row[starts[place] : starts[place] + widths[place]])
