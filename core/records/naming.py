"""Finding records by type and id, many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.records.catalog import current_catalog
from core.records.record import Record

Key = tuple[str, int]


def find_records(session: Session, keys: Iterable[Key], *, archived: bool = False) -> Mapping[Key, Record]:
    """Those of the records that the actor may see and whose type is on; one query for each type.

    Args:
        session: the unit of work.
        keys: types and ids.
        archived: whether to find those in the recycle bin too.
    """
    wanted: dict[str, set[int]] = defaultdict(set)
    for record_type, record_id in keys:
        wanted[record_type].add(record_id)
    catalog = current_catalog()
    found: dict[Key, Record] = {}
    for record_type, ids in wanted.items():
        if record_type in catalog:
            model: Any = catalog.find(record_type).model
            asked = sa.select(model).where(model.id.in_(ids)).execution_options(include_archived=archived)
            for record in session.scalars(asked).unique():
                found[record_type, record.id] = record
    return found
