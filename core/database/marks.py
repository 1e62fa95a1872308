"""What the installation's one row tells every request: whether what was read before still holds.

``generation`` is that of the Site. ``arrangement`` changes with saved views, widths of columns and teams. Both are read
together with who is asking, so that a page learns them without a question of their own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

TAKEN = "peyvand.taken"
"""Where a request's environment says of which generation the Site is that was taken for it without asking."""

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods of requests that change nothing."""

_INSTALLATION = sa.table(
    "core_installation", sa.column("generation", sa.Integer), sa.column("arrangement", sa.Integer)
)
GENERATION = sa.select(_INSTALLATION.c.generation)
ARRANGEMENT = sa.select(_INSTALLATION.c.arrangement)
REARRANGE = sa.update(_INSTALLATION).values(arrangement=_INSTALLATION.c.arrangement + 1)


class SiteChanged(BaseException):
    """The request runs on a Site that is not the current one; it is begun anew.

    Nothing but the front of the process may catch it, no page of an error above all, so it is no ``Exception``.
    """


def hold_to(environ: dict[str, Any], generation: int) -> None:
    """Go on only if the Site of the request, where it was taken without asking, is that of ``generation``.

    Raises:
        SiteChanged: it is another one.
    """
    if environ.get(TAKEN, generation) != generation:
        raise SiteChanged
