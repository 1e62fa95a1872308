"""An installation with the people and roles of the rights model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.accounts.roles import RecordRule
from core.accounts.teams import Team, TeamMember
from core.testing.installation import TestInstallation
from tests.site.rights_model import KINDS, ROLES


@pytest.fixture
def crm(make_site: Callable[..., TestInstallation], dialect: str) -> TestInstallation:
    made = make_site("contacts", "activities", "sales", dialect=dialect)
    made.grant("others")
    made.grant("mates")
    made.grant("lower")
    for role in ROLES:
        scopes = {f"{kind.name}.{verb}": scope for kind in KINDS for verb, scope in role.scopes.items()}
        rules = [
            RecordRule(
                record_type=kind.name, name="Shiraz", verbs=sorted(role.ruled),
                condition={"field": kind.mark, "op": "contains", "value": "Shiraz"},
            )
            for kind in KINDS if role.ruled
        ]  # fmt: skip
        made.grant(role.name, scopes, rules=rules)
    me = {role.name: made.user(role.name).id for role in ROLES}
    mate, below = made.user("mates").id, made.user("lower").id
    with made.acting() as session:
        north = Team(name="North")
        session.add(north)
        session.flush()
        city = Team(name="City", parent_id=north.id)
        session.add(city)
        session.flush()
        people = [(north, number) for number in (*me.values(), mate)] + [(city, below)]
        session.add_all(TeamMember(team_id=team.id, user_id=number) for team, number in people)
        session.commit()
    return made
