"""Rules of retention: what they say, and whether they are on (what they do: ``core.web.retention_runs``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.errors import ConditionError, ValidationError
from core.records.audit import record_act
from core.records.catalog import RecordType
from core.records.conditions import Condition, parse
from core.records.privacy.erasing import WAYS
from core.records.privacy.models import NAME_LENGTH, RetentionRule
from core.text import clean

AUDITED = "core.retention_rule"
OWNER, CONDITION = "owner", "condition"
PROBLEMS = {
    OWNER: _l("Whoever switched this rule on may no longer do so. Somebody else must switch it on again."),
    CONDITION: _l("The condition names something that is not there any more. Change it, and switch the rule on again."),
}


def save_rule(session: Session, rule: RetentionRule, name: str, condition: Condition, way: str) -> None:
    """Store what a rule says. It is off afterwards: whoever switches it on has looked at what it would do.

    Raises:
        ValidationError: on ``name``, ``condition`` or ``way``.
    """
    plain = " ".join(clean(name).split())[:NAME_LENGTH]
    errors: dict[str, Any] = {}
    if not plain:
        errors["name"] = _("This field is required.")
    if way not in WAYS:
        errors["way"] = _("Please choose from the list.")
    if condition.is_everything:
        errors["condition"] = _("A rule needs a condition.")
    if errors:
        raise ValidationError(**errors)
    before = dict(rule.condition or {}) or None
    rule.name, rule.condition, rule.way, rule.active, rule.problem = plain, condition.tree, way, False, ""
    session.add(rule)
    session.flush()
    _tell(session, rule, "rule_saved", {"condition": (before, condition.tree), "way": (None, way)})


def switch(session: Session, rule: RetentionRule, *, on: bool) -> None:
    """Let a rule run every day from now on, with the rights of whoever acts, or no more."""
    rule.active, rule.problem = on, ""
    if on:
        rule.owner_id, rule.last_run_at = acting().user_id, None
    _tell(session, rule, "rule_on" if on else "rule_off")


def delete_rule(session: Session, rule: RetentionRule) -> None:
    """Take a rule away; what it did stays among the operations."""
    _tell(session, rule, "rule_deleted", {"condition": (rule.condition, None)})
    session.delete(rule)


def condition_of(rule: RetentionRule, entry: RecordType) -> Condition | None:
    """What the rule looks for; None where it names something that is not there."""
    try:
        return parse(rule.condition, entry)
    except ConditionError:
        return None


def _tell(
    session: Session, rule: RetentionRule, action: str, changes: Mapping[str, tuple[Any, Any]] | None = None
) -> None:
    told = {"rule": (None, rule.name), "type": (None, rule.record_type)}
    record_act(session, AUDITED, action, {**told, **(changes or {})})
