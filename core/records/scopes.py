"""How far a grant reaches: the records of a person, of a team, or those that fulfil rules, as SQL and for one record.

    own     records one is responsible for
    team    those of people with whom one shares a team
    teams   those of people in one's teams, and in the teams that these are made of
    all     every record

A rule is a condition, and looks behind links only at what the person may see, as every condition does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from flask import current_app, g
from sqlalchemy.orm import Session, aliased

from core.accounts.actor import Actor, acting, as_system
from core.accounts.rights import ALL, OWN, TEAMS, Grant, Rule
from core.accounts.teams import Team, TeamMember
from core.errors import ConditionError
from core.records.catalog import RecordType
from core.records.conditions import Condition, current_context, matches, parse_text, to_sql
from core.records.conditions.tree import Comparison, RelatedCount
from core.records.record import Record, responsible_columns

_PARSED = "peyvand_rules"
NOBODY_ID = 0  # no user has it


def criterion(record_type: RecordType, grants: Sequence[Grant]) -> sa.ColumnElement[bool]:
    """What a record must fulfil for at least one of ``grants`` to reach it.

    Args:
        record_type: the type of the record.
        grants: the bounded grants of one permission.
    """
    return sa.or_(sa.false(), *(sa.and_(sa.true(), *_parts(record_type, grant)) for grant in grants))


def _parts(record_type: RecordType, grant: Grant) -> Iterator[sa.ColumnElement[bool]]:
    if grant.scope != ALL:
        yield whose(record_type.model, people_within(grant.scope))
    for rule in grant.rules:
        condition = read_rule(record_type, rule)
        yield sa.false() if condition is None else to_sql(condition, record_type.model, current_context())


def whose(model: Any, people: Iterable[int]) -> sa.ColumnElement[bool]:
    """Whether one of ``people``, ids of users, is responsible for a record."""
    ids = sorted(people) or [NOBODY_ID]
    return sa.or_(*(getattr(model, name).in_(ids) for name in responsible_columns(model)))


def reaches(record_type: RecordType, grants: Sequence[Grant], record: Record) -> bool:
    """The same for one record that is loaded, or about to be made."""
    return any(reached(record_type, grant, record) for grant in grants)


def reached(record_type: RecordType, grant: Grant, record: Record) -> bool:
    """Whether one grant reaches ``record``."""
    if not within(grant.scope, record):
        return False
    return all(passes(record_type, rule, record) for rule in grant.rules)


def within(scope: str, record: Record) -> bool:
    """Whether ``record`` lies within ``scope`` of the current actor."""
    if scope == ALL:
        return True
    return not people_within(scope).isdisjoint(responsible(record))


def responsible(record: Record) -> frozenset[int]:
    """The ids of the users who answer for ``record``; links that are set and not yet stored count."""
    found = set()
    for name in responsible_columns(type(record)):
        person = record.__dict__.get(name.removesuffix("_id"))
        number = getattr(person, "id", None) if person is not None else getattr(record, name, None)
        if number is not None:
            found.add(int(number))
    return frozenset(found)


def passes(record_type: RecordType, rule: Rule, record: Record) -> bool:
    """Whether ``record`` fulfils ``rule``; a rule that can no longer be read lets nothing pass."""
    condition = read_rule(record_type, rule)
    if condition is None:
        return False
    state = sa.inspect(record)
    if acting().hidden(record_type.name) & names_in(condition) and state.persistent and state.session is not None:
        # What is hidden was not loaded, so the database is asked.
        model: Any = record_type.model
        asked = sa.select(model.id).where(model.id == record.id, to_sql(condition, model, current_context()))
        with state.session.no_autoflush:
            return state.session.scalar(asked.execution_options(include_archived=True)) is not None
    return matches(condition, record, current_context())


def read_rule(record_type: RecordType, rule: Rule) -> Condition | None:
    """The condition of ``rule``; None where a field it names has gone, with its module for example."""
    parsed: dict[tuple[str, str], Condition | None] = current_app.extensions.setdefault(_PARSED, {})
    key = (record_type.name, rule.condition)
    if key not in parsed:
        try:
            with as_system("record rule"):  # a rule may go by a field that its reader may not see
                parsed[key] = parse_text(rule.condition, record_type)
        except ConditionError:
            parsed[key] = None
    return parsed[key]


def names_in(condition: Condition) -> frozenset[str]:
    """The record's own fields by which ``condition`` goes."""
    leaves = (node for node in condition.nodes() if isinstance(node, Comparison))
    return frozenset(leaf.path.name.partition(".")[0] for leaf in leaves)


def types_behind(condition: Condition) -> set[type]:
    """The record classes behind the links that ``condition`` follows and counts."""
    found: set[type] = set()
    for node in condition.nodes():
        if isinstance(node, Comparison):
            fields = (*node.path.steps, node.path.field)
            found |= {field.target for field in fields if field.target is not None and issubclass(field.target, Record)}
        elif isinstance(node, RelatedCount):
            found.add(node.reference.record_type.model)
            found |= types_behind(node.where) if node.where is not None else set()
    return found


def people_within(scope: str) -> frozenset[int]:
    """The ids of the users whose records lie within ``scope`` of the current actor; asked once in a unit of work."""
    actor = acting()
    if actor.user_id is None:
        return frozenset()
    own = frozenset({actor.user_id})
    if scope == OWN:
        return own
    kept: dict[tuple[Actor, str], frozenset[int]] = g.setdefault("people_within", {})
    key = (actor, scope)
    if key not in kept:
        session: Session = current_app.extensions["peyvand"].runtime.database.session()
        with session.no_autoflush, as_system("who is in a team", source=actor.source):
            kept[key] = own | set(session.scalars(colleagues(actor.user_id, below=scope == TEAMS)))
    return kept[key]


def colleagues(user_id: int, *, below: bool) -> sa.Select[Any]:
    """The ids of the members of a user's teams, and with ``below`` of the teams that these are made of, as a query."""
    mine = sa.select(TeamMember.team_id.label("id")).where(TeamMember.user_id == user_id)
    if below:
        tree = mine.cte(recursive=True)
        part = aliased(Team)
        # UNION, not UNION ALL: it ends even where somebody made a ring of teams.
        mine = sa.select(tree.union(sa.select(part.id).join(tree, part.parent_id == tree.c.id)).c.id)
    return sa.select(TeamMember.user_id).where(TeamMember.team_id.in_(mine)).distinct()


def leads_back(record_type: RecordType, condition: Condition, others: Iterable[tuple[RecordType, Condition]]) -> bool:
    """Whether a rule on ``record_type`` with ``condition`` would, through its links and other rules, ask for itself.

    A query looks behind links at what its reader sees, and so under the rules of what lies there.
    """
    rules = [(record_type.model, types_behind(condition))]
    rules += [(other.model, types_behind(rule)) for other, rule in others]
    reached, waiting = set[type](), set(rules[0][1])
    while waiting:
        here = waiting.pop()
        if _related(here, record_type.model):
            return True
        reached.add(here)
        waiting |= {target for model, targets in rules if _related(here, model) for target in targets} - reached
    return False


def _related(one: type, other: type) -> bool:
    return issubclass(one, other) or issubclass(other, one)
