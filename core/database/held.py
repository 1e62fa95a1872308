"""Objects of a session made from the columns of their rows, where its own way of loading takes too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_dict
from sqlalchemy.orm.session import make_transient_to_detached
from sqlalchemy.orm.util import identity_key

Model = TypeVar("Model")


def from_row(session: Session, model: type[Model], row: Sequence[Any]) -> Model:
    """The object of ``session`` whose row this is, as though the session had read it.

    What it holds already it goes on holding, changes and all, as with every query.

    Args:
        session: holds the object from now on.
        model: a mapped class of one table, whose attributes are called as its columns.
        row: all columns of that table, in their order.
    """
    columns: Any = model.__table__.columns  # type: ignore[attr-defined]
    values = dict(zip(columns.keys(), row, strict=True))
    key = identity_key(model, tuple(values[column.key] for column in columns if column.primary_key))
    held: Model | None = session.identity_map.get(key)
    if held is not None:
        return held
    made = model()
    instance_dict(made).update(values)  # which becomes what is stored with the next line
    make_transient_to_detached(made)
    session.add(made)
    return made
