"""A hint for SQLite's planner, which knows nothing of the data until somebody runs ANALYZE."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Likely(FunctionElement[bool]):
    """A criterion that nearly every row fulfils. Other databases read the criterion alone.

    SQLite takes ``archived_at IS NULL`` for a rare thing, and would rather read every row by the index of
    ``archived_at`` than the few rows of a day by that of the date.
    """

    type = sa.Boolean()
    name = "likely"
    inherit_cache = True
    _is_implicitly_boolean = True


@compiles(Likely)
def _alone(element: Likely, compiler: Any, **kwargs: Any) -> str:
    return str(compiler.process(element.clauses, **kwargs))


@compiles(Likely, "sqlite")
def _hinted(element: Likely, compiler: Any, **kwargs: Any) -> str:
    return f"likely({compiler.process(element.clauses, **kwargs)})"
