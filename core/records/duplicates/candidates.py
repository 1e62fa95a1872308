"""Records like one that is being typed, or like one that is stored: one bounded query per rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.parts import Screen
from core.records.duplicates.rules import BoundRule, bound_rules, score_of

MOST = 20  # candidates per rule


@dataclass(frozen=True)
class Candidate:
    """A record that may be the same, how sure that is (0 to 100), and why."""

    record: Any
    score: int
    reasons: tuple[str, ...]


def like_typed(
    session: Session, screen: Screen, values: Mapping[str, str], record_id: int | None = None
) -> list[Candidate]:
    """Candidates for what was typed so far, the surest first.

    Args:
        session: the unit of work; only records its actor may see are found.
        screen: the screen whose rules are asked.
        values: form fields as typed, parts such as ``phones-0-number`` included.
        record_id: the record being edited, which is no duplicate of itself.
    """
    rules = bound_rules(screen)
    return _candidates(session, rules, [rule.typed(values) for rule in rules], record_id)


def like_record(session: Session, screen: Screen, record: Any) -> list[Candidate]:
    """Candidates for a stored record, the surest first."""
    rules = bound_rules(screen)
    return _candidates(session, rules, [rule.held(record) for rule in rules], record.id)


def _candidates(
    session: Session, rules: Sequence[BoundRule], values: Sequence[Sequence[str]], record_id: int | None
) -> list[Candidate]:
    records: dict[int, Any] = {}
    reasons: dict[int, dict[int, str]] = defaultdict(dict)
    for position, (rule, wanted) in enumerate(zip(rules, values, strict=True)):
        if not wanted:
            continue
        statement = sa.select(rule.column, rule.model)
        if rule.children:
            statement = statement.join(rule.model, rule.model.id == rule.owner)
        statement = statement.where(rule.column.in_(list(wanted)[:MOST]), rule.model.id != (record_id or 0))
        for value, record in session.execute(statement.order_by(rule.model.id).limit(MOST)).unique():
            records[record.id] = record
            reasons[record.id].setdefault(position, rule.reason(value))
    found = [
        Candidate(records[number], score_of(rules, told), tuple(told[position] for position in sorted(told)))
        for number, told in reasons.items()
    ]
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.record.id))
