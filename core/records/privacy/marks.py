"""What an erasure leaves of the past: that something happened, and none of the values.

the unit of work that erases   its audit rows are written without values   erasing, is_erasing
the rows from before           are read without values                     is_erased, told_changes
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.models import now
from core.records.audit import Audit
from core.records.privacy.models import Erased

ERASED = "erased"
"""The action of an audit row about a record whose values were erased."""
_ERASING = "erasing"
_AT_ONCE = 400  # keys of one statement


@contextlib.contextmanager
def erasing(session: Session) -> Iterator[None]:
    """Everything that is flushed meanwhile is audited without its values."""
    session.info[_ERASING] = True
    try:
        yield
        session.flush()
    finally:
        session.info.pop(_ERASING, None)


def is_erasing(session: Session) -> bool:
    """Whether ``session`` is erasing just now."""
    return bool(session.info.get(_ERASING))


def mark_erased(session: Session, keys: Iterable[tuple[str, int]]) -> None:
    """From now on, what the audit holds about these records so far is told to nobody and taken back by nobody."""
    through = session.scalar(sa.select(sa.func.max(Audit.id))) or 0
    for record_type, record_id in dict.fromkeys(keys):
        session.merge(Erased(record_type=record_type, record_id=record_id, through=through, at=now()))
    session.flush()


def is_erased(audit: Any = Audit) -> sa.ColumnElement[bool]:
    """The criterion that a row of the audit is one of those whose values are hidden.

    Args:
        audit: the mapped class, or an alias of it.
    """
    return sa.exists().where(
        Erased.record_type == audit.record_type,
        Erased.record_id == audit.record_id,
        Erased.through >= audit.id,
    )


def told_changes(audit: Any = Audit) -> sa.ColumnElement[Any]:
    """The column ``changes`` as anybody may read it: empty where the values are hidden."""
    changes = sa.case((is_erased(audit), sa.null()), else_=audit.changes)
    return sa.type_coerce(changes, sa.JSON()).label("changes")


def were_erased(session: Session, keys: Iterable[tuple[str, int]]) -> Mapping[tuple[str, int], Any]:
    """When the records among ``keys`` were erased."""
    wanted = list(dict.fromkeys(keys))
    found: dict[tuple[str, int], Any] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        rows = session.execute(
            sa.select(Erased.record_type, Erased.record_id, Erased.at).where(
                sa.tuple_(Erased.record_type, Erased.record_id).in_(some)
            )
        )
        found |= {(row.record_type, row.record_id): row.at for row in rows}
    return found
