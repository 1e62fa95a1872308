"""The search for likely duplicates among all records of a type: a job that fills a table with pairs.

Records are compared within blocks only, those that share the value a rule looks at, and an index finds the blocks. A
value that many share, such as the number of a switchboard, tells nothing and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import as_system
from core.accounts.models import now
from core.jobs.progress import Progress
from core.records.duplicates.models import DuplicatePair
from core.records.duplicates.rules import BoundRule, bound_rules, score_of

FIND_JOB = "core.find_duplicates"
LARGEST_BLOCK = 20  # records that share one value
MOST_PAIRS = 20_000  # per rule


def find_pairs(progress: Progress, record_type: str) -> dict[str, Any]:
    """The job: compare all records of a type by its rules and write down the pairs that agree.

    What it writes is shown to nobody who may not see both records, so it looks at all of them.
    """
    site = current_app.extensions["peyvand"]
    session: Session = site.runtime.database.session()
    rules = bound_rules(site.screens[record_type])
    agreed: dict[tuple[int, int], list[int]] = defaultdict(list)
    for position, rule in enumerate(rules):
        with as_system("find duplicates"):
            for one, other in session.execute(pairs_of(rule)):
                agreed[one, other].append(position)
        session.rollback()
        progress.report(position + 1, len(rules) + 1)
    _store(session, record_type, rules, agreed)
    plugin, _dot, name = record_type.partition(".")
    return {"url": f"/{plugin}/{name}/duplicates", "label": _("Likely duplicates")}


def pairs_of(rule: BoundRule) -> sa.Select[int, int]:
    """The pairs of ids that agree by one rule, each once."""
    keys = rule.keys().cte("keys")
    shared = (
        sa.select(keys.c.key)
        .group_by(keys.c.key)
        .having(sa.func.count(keys.c.id.distinct()).between(2, LARGEST_BLOCK))
        .cte("shared")
    )
    first, second = keys.alias("one"), keys.alias("other")
    return (
        sa.select(first.c.id, second.c.id)
        .distinct()
        .join_from(shared, first, first.c.key == shared.c.key)
        .join(second, sa.and_(second.c.key == shared.c.key, second.c.id > first.c.id))
        .limit(MOST_PAIRS)
    )


def _store(
    session: Session, record_type: str, rules: Sequence[BoundRule], agreed: dict[tuple[int, int], list[int]]
) -> None:
    """Replace the pairs of a type in one transaction; what was dismissed stays dismissed."""
    table: Any = DuplicatePair.__table__
    connection = session.connection()
    mine = table.c.record_type == record_type
    connection.execute(sa.delete(table).where(mine, table.c.dismissed_at.is_(None)))
    dismissed = {tuple(row) for row in connection.execute(sa.select(table.c.first_id, table.c.second_id).where(mine))}
    moment = now()
    rows = [
        {
            "record_type": record_type,
            "first_id": pair[0],
            "second_id": pair[1],
            "score": score_of(rules, positions),
            "rules": [rules[position].rule.field for position in positions],
            "found_at": moment,
        }
        for pair, positions in agreed.items()
        if pair not in dismissed
    ]
    if rows:
        connection.execute(sa.insert(table), rows)
    session.commit()
