"""Every way of a program agrees with the plain model of the rules that the doors of people are compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from core.site.plan import ENABLE
from core.testing.installation import TestInstallation
from tests.api.conftest import Program
from tests.site import conftest as site
from tests.site.rights_model import COMPANY, KINDS, ROLES, Kind, Sample, make_samples, mark_of, title_of, versions

crm = site.crm  # the installation with all roles, teams and rules


def path_of(sample: Sample) -> str:
    return f"/records/{sample.kind.name}/{sample.id}"


def lists(program: Program, kind: Kind) -> Iterator[tuple[str, str]]:
    """Lists of many records: their name, and what they answered."""
    condition = quote(json.dumps({"field": kind.mark, "op": "contains", "value": "mark"}))
    stem = mark_of(kind, "", "")
    for door, query in {"list": "", "search": f"&search={stem}", "filter": f"&where={condition}"}.items():
        answer = program.get(f"/records/{kind.name}?limit=200{query}")
        assert answer.status_code in (200, 404), (door, answer.status_code)
        yield door, answer.get_data(as_text=True)


def shown(program: Program, _crm: TestInstallation, sample: Sample) -> bool:
    """Whether the record is shown."""
    answer = program.get(path_of(sample))
    return answer.status_code == 200 and sample.mark in answer.get_data(as_text=True)


def changed(program: Program, crm: TestInstallation, sample: Sample) -> bool:
    """Whether the record is changed; where it is not, nothing may have been stored."""
    before = versions(crm, sample)
    answer = program.patch(path_of(sample), {sample.kind.mark: sample.mark + "x"})
    done = title_of(crm, sample)[0] == sample.mark + "x"
    assert done or versions(crm, sample) == before
    assert answer.status_code == (200 if done else 404), (sample, answer.get_json())
    return done


def removed(program: Program, crm: TestInstallation, sample: Sample) -> bool:
    """Whether the record goes into the bin; where it does not, it must be there still."""
    answer = program.delete(path_of(sample))
    _title, alive = title_of(crm, sample)
    assert answer.status_code == (404 if alive else 204), sample
    return not alive


WAYS = {"see": shown, "edit": changed, "delete": removed}


@pytest.mark.timeout(300)
def test_programs_agree_with_the_rules(
    crm: TestInstallation, dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.change(ENABLE, "api")
    # The session is the same as behind the pages; what is proved here is that every way of a program leads through it.
    walked, stranger = 0, crm.user("others").id
    for role in (ROLES[0], ROLES[3], ROLES[6], ROLES[-1]) if dialect == "sqlite" else (ROLES[-1],):
        samples, program = make_samples(crm, role), Program(crm, role.name)
        wrong: list[tuple[str, ...]] = []
        for kind in KINDS:
            own = [sample for sample in samples if sample.kind is kind]
            found = [("see", door, one, one.mark in text) for door, text in lists(program, kind) for one in own]
            found += [(verb, verb, one, way(program, crm, one)) for verb, way in WAYS.items() for one in own]
            walked += len(found)
            wrong += [
                (kind.name, door, one.owner, one.city)
                for verb, door, one, done in found
                if done != role.may(verb, one.owner, one.city)
            ]
        for owner, number in (("me", crm.user(role.name).id), ("stranger", stranger)):
            walked += 1
            allowed = role.scopes["create"] == "all" or (role.scopes["create"] != "none" and owner == "me")
            if made(program, crm, f"Made for {owner} Shiraz", number) != allowed:
                wrong.append((COMPANY.name, "create", owner))
        assert wrong == [], role.name
    with capsys.disabled():
        print(f"\nrights matrix: {walked} combinations of role, record, verb and way of a program walked")


def made(program: Program, crm: TestInstallation, name: str, owner: int) -> bool:
    """Whether a company is made for the owner; where it is refused, it must not be there."""
    from plugins.contacts.models import Company

    answer = program.post(f"/records/{COMPANY.name}", {"name": name, "owner": owner})
    with crm.acting() as session:
        there = session.scalar(sa.select(Company.id).where(Company.name == name)) is not None
    assert answer.status_code in ((201, 404) if there else (404,)), answer.get_json()
    return there
