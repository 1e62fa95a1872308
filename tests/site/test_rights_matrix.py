"""Roles × record types × verbs × doors, compared with a plain model of the rules: what one door refuses, all refuse.

What is refused is read again afterwards. Pages that are the same for every kind are walked for companies.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from core.accounts.actor import acting
from core.errors import Forbidden
from core.notifications.models import Notification
from core.records.transfer.checking import CheckedRow
from core.records.transfer.choices import Choices
from core.records.transfer.planning import Planner
from core.records.transfer.targets import target_of
from core.records.transfer.writing import Writer
from core.testing.installation import Browser, TestInstallation
from tests.site.rights_model import (
    ACTIVITY,
    COMPANY,
    DAY,
    DEAL,
    KINDS,
    PERSON,
    ROLES,
    TAG,
    Kind,
    Role,
    Sample,
    make_samples,
    mark_of,
    title_of,
    versions,
)


def reading(browser: Browser, kind: Kind, own: list[Sample]) -> Iterator[tuple[str, str, str]]:
    """Pages that show many records: the verb they need, their name, and what they answered.

    Args:
        browser: of whoever looks.
        kind: of which records.
        own: the records of this kind.
    """
    folder, stem = kind.folder, mark_of(kind, "", "")
    condition = {"field": kind.mark, "op": "contains", "value": "mark"}
    recent = ",".join(f"{kind.name}:{sample.id}" for sample in own)
    pages = {
        "list": f"{folder}/",
        "sort": f"{folder}/?sort=-updated_at",
        "columns": f"{folder}/?columns={'name' if kind.mark == 'last_name' else kind.mark}",
        "condition": f"{folder}/filter",
        "search": f"{folder}/?search={stem}",
        "filter": f"{folder}/?where={quote(json.dumps(condition))}",
        "global search": f"/search?q={stem}",
        "palette": f"/search/palette?recent={recent}",
        "inbox": "/notifications/",
    }
    if kind is DEAL:
        pages["board"] = f"{folder}/board"
    if kind.day:
        pages["calendar"] = f"{folder}/calendar?on={kind.day}&mode=agenda&at={DAY}"
    if kind.picker:
        pages["picker"] = f"{kind.picker}&query={stem}"
    for door, path in pages.items():
        answer = browser.get(path)
        assert answer.status_code in (200, 404), (door, answer.status_code)
        yield "pick" if door == "picker" else "see", door, answer.get_data(as_text=True)
    for name in ("csv", "json"):
        answer = browser.post(f"{folder}/export", data={"format": name, "now": "1", "fields": "all"})
        yield "export", name, answer.get_data(as_text=True)


def looking(browser: Browser, sample: Sample) -> Iterator[tuple[str, str, bool]]:
    """Pages of one record: the verb they need, their name, and whether they showed it."""
    folder, name = sample.kind.folder, sample.mark
    pages = {"page": ("see", f"{folder}/{sample.id}"), "peek": ("see", f"{folder}/{sample.id}/peek"),
             "form": ("edit", f"{folder}/{sample.id}/edit")}  # fmt: skip
    for door, (verb, path) in pages.items():
        answer = browser.get(path)
        assert answer.status_code in (200, 404), (door, answer.status_code)
        yield verb, door, answer.status_code == 200 and name in answer.get_data(as_text=True)


def fill_inbox(crm: TestInstallation, role: Role, samples: list[Sample]) -> None:
    """Tell the reader of every record, as if all of them had been his to see when it happened."""
    reader = crm.user(role.name).id
    with crm.acting() as session:
        session.execute(sa.delete(Notification))
        session.add_all(
            Notification(
                user_id=reader, key=f"mark-{sample.id}", type="core.mentioned", text="", channel="app",
                data={"actor": "Ada"}, record_type=sample.kind.name, record_id=sample.id,
            )
            for sample in samples
        )  # fmt: skip
        session.commit()


def owner_of(crm: TestInstallation, sample: Sample) -> str:
    with crm.acting() as session:
        model = crm.site.catalog.find(sample.kind.name).model
        return str(session.scalars(sa.select(model.owner_id).where(model.id == sample.id)).one())


@pytest.mark.timeout(400)
def test_every_door_agrees_with_the_rules(
    crm: TestInstallation, dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    walked = 0
    # The SQL of scopes and rules is the same for all roles; where it differs between databases a few tell.
    for role in ROLES if dialect == "sqlite" else (ROLES[3], ROLES[-1]):
        samples = make_samples(crm, role)
        browser = crm.browser(role.name)
        wrong = []
        for kind in KINDS:
            own = [sample for sample in samples if sample.kind is kind]
            fill_inbox(crm, role, own)
            for verb, door, text in reading(browser, kind, own):
                for sample in own:
                    walked += 1
                    seen, allowed = sample.mark in text, role.may(verb, sample.owner, sample.city)
                    if seen != allowed and (seen or door != "global search"):  # which shows the first few
                        wrong.append((role.name, kind.name, door, sample.owner, sample.city))
            for sample in own:
                for verb, door, seen in looking(browser, sample):
                    walked += 1
                    if seen != role.may(verb, sample.owner, sample.city):
                        wrong.append((role.name, kind.name, door, sample.owner, sample.city))
                walked += 1
                if edited(crm, browser, sample) != role.may("edit", sample.owner, sample.city):
                    wrong.append((role.name, kind.name, "save", sample.owner, sample.city))
                walked += 1
                if deleted(crm, browser, sample) != role.may("delete", sample.owner, sample.city):
                    wrong.append((role.name, kind.name, "delete", sample.owner, sample.city))
        assert wrong == []
    with capsys.disabled():
        print(f"\nrights matrix: {walked} combinations of role, record, verb and door walked")


def edited(crm: TestInstallation, browser: Browser, sample: Sample) -> bool:
    """Whether the form of the record saves it; where it does not, nothing may have been stored."""
    before = versions(crm, sample)
    path = f"{sample.kind.folder}/{sample.id}/edit"
    data = {sample.kind.mark: sample.mark + "x", "version": str(before)}
    if sample.kind is DEAL:
        with crm.acting() as session:
            model = crm.site.catalog.find(sample.kind.name).model
            record = session.get(model, sample.id)
            data |= {
                "stage": str(record.stage_id),
                "pipeline": str(record.pipeline_id),
                "owner": str(record.owner_id),
                "currency": record.currency or "",
                "probability": "10",
            }
    if sample.kind is ACTIVITY:
        data |= {"kind": "task", "priority": "normal"}
    if sample.kind is TAG:
        data |= {"color": "blue"}
    if sample.kind in (PERSON, COMPANY):
        data |= {"status": "customer", "owner": owner_of(crm, sample)}
    answer = browser.post(path, data=data)
    stored, _alive = title_of(crm, sample)
    done = stored == sample.mark + "x"
    assert done or (stored == sample.mark and versions(crm, sample) == before)
    assert (answer.status_code == 302) == done, (sample, answer.status_code, answer.get_data(as_text=True)[:3000])
    return done


def deleted(crm: TestInstallation, browser: Browser, sample: Sample) -> bool:
    """Whether the record goes into the bin; where it does not, it must be there still."""
    answer = browser.post(f"{sample.kind.folder}/delete", data={"id": str(sample.id)})
    _stored, alive = title_of(crm, sample)
    assert (answer.status_code == 302) == (not alive), (sample, answer.status_code)
    return not alive


@pytest.mark.parametrize("verb", ["edit", "delete"])
def test_bulk_changes_reach_exactly_what_the_rules_allow(crm: TestInstallation, verb: str) -> None:
    kind = COMPANY
    for role in ROLES:
        samples = [one for one in make_samples(crm, role) if one.kind is kind]
        browser = crm.browser(role.name)
        change = {"field": "city", "new-city": "Bulk"} if verb == "edit" else {}
        data = {"action": verb, "all_matching": "1", "q": "", "confirmed": "1", "once": uuid.uuid4().hex, **change}
        browser.post(f"{kind.folder}/action", data=data)
        crm.run_jobs()
        with crm.acting() as session:
            from plugins.contacts.models import Company

            rows = session.scalars(sa.select(Company).execution_options(include_archived=True)).all()
            done = {row.id for row in rows if (row.city == "Bulk" if verb == "edit" else row.archived_at)}
        allowed = role.scopes["bulk"] == "all"
        assert done == {one.id for one in samples if allowed and role.may(verb, one.owner, one.city)}, role.name


def test_new_records_are_made_for_whom_the_rules_allow(crm: TestInstallation) -> None:
    from plugins.contacts.models import Company

    stranger = crm.user("others").id
    for role in ROLES:
        with crm.acting(role.name) as session:
            for owner, number in (("me", acting().user_id), ("stranger", stranger)):
                session.add(Company(name="Newcomer Shiraz", owner_id=number))
                if role.scopes["create"] == "all" or (role.scopes["create"] != "none" and owner == "me"):
                    session.commit()
                else:
                    with pytest.raises(Forbidden):
                        session.commit()
                    session.rollback()


def test_a_file_makes_records_for_whom_the_rules_allow(crm: TestInstallation) -> None:
    from plugins.contacts.models import Company

    crm.user("others")
    for role in ROLES:
        for owner in ("", "others@example.com"):
            with crm.acting(role.name) as session:
                target = target_of(crm.site.screens["contacts.company"], crm.site.catalog.find("contacts.company"))
                row = {"name": f"Imported {role.name} {owner}"} | ({"owner": owner} if owner else {})
                writer = Writer(Planner(session, target, Choices.of({}, target), list(row)))
                allowed = role.scopes["create"] == "all" or (role.scopes["create"] != "none" and not owner)
                try:
                    writer.write(writer.draft([CheckedRow(2, [], row)]))
                    session.commit()
                except Forbidden:
                    session.rollback()
            with crm.acting() as session:
                made = session.scalar(sa.select(sa.func.count()).where(Company.name == row["name"]))
                assert bool(made) == allowed, (role.name, owner)
