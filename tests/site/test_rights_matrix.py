"""Roles × record types × verbs × doors, compared with a plain model of the rules: what one door refuses, all refuse.

The model is twenty lines of Python that know nothing of the product. Every record carries its own mark in its name, so
a door shows a record when its answer holds the mark; what is refused is read again afterwards.

What is done to one record by pages that are the same for every kind is walked for companies.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from core.accounts.actor import acting
from core.accounts.roles import RecordRule
from core.accounts.teams import Team, TeamMember
from core.errors import Forbidden
from core.notifications.models import Notification
from core.records.attachments.attaching import attach
from core.records.attachments.models import Attachment
from core.records.attachments.storage import Storage
from core.records.operations.running import operation
from core.records.transfer.checking import CheckedRow
from core.records.transfer.targets import target_of
from core.records.transfer.writing import UPDATE, Choices, Writer
from core.testing.installation import Browser, TestInstallation

OWNERS = ("me", "mate", "below", "stranger")
CITIES = ("Shiraz", "Yazd")


# --- the model


@dataclass(frozen=True)
class Role:
    """How far each verb reaches, and for which verbs only records of Shiraz pass."""

    name: str
    scopes: Mapping[str, str]
    ruled: frozenset[str] = field(default_factory=frozenset)

    def may(self, verb: str, owner: str, city: str) -> bool:
        if verb == "pick":  # a form offers it, so there must be a form
            return {self.scopes["create"], self.scopes["edit"]} != {"none"} and self.may("see", owner, city)
        reached = {"none": (), "own": ("me",), "team": ("me", "mate"), "teams": ("me", "mate", "below"), "all": OWNERS}
        seen = owner in reached[self.scopes["see"]] and ("see" not in self.ruled or city == "Shiraz")
        done = owner in reached[self.scopes.get(verb, "none")] and (verb not in self.ruled or city == "Shiraz")
        return seen and done


def reaching(see: str, **others: str) -> dict[str, str]:
    """Every verb as far as ``see``, unless said otherwise."""
    return dict.fromkeys(("see", "create", "edit", "delete", "export", "import", "bulk"), see) | {
        "import": "none" if see == "none" else "all", "bulk": "none" if see == "none" else "all", **others,
    }  # fmt: skip


ROLES = (
    Role("blind", reaching("none")),
    Role("own", reaching("own")),
    Role("team", reaching("team")),
    Role("teams", reaching("teams")),
    Role("all", reaching("all")),
    Role("reader", reaching("all", create="none", edit="none", delete="none", export="none", bulk="none")),
    Role("editor", reaching("all", edit="own", delete="none", export="team")),
    Role("shiraz", reaching("all"), frozenset({"see"})),
    Role("ruled", reaching("teams"), frozenset({"edit", "delete", "export"})),
)


# --- what is tried


@dataclass(frozen=True)
class Kind:
    """A record type: where its pages are, which field holds the mark, and what else a new record needs."""

    name: str
    mark: str
    responsible: tuple[str, ...]

    day: str = ""
    """A date field, by which a calendar shows it."""
    picker: str = ""
    """Where a form of another kind offers it."""

    @property
    def folder(self) -> str:
        return "/" + self.name.replace(".", "/")


PERSON, COMPANY, DEAL, ACTIVITY, TAG = KINDS = (
    Kind("contacts.person", "last_name", ("owner_id",), "birthday", "/sales/deal/ajax/lookup?name=contact"),
    Kind("contacts.company", "name", ("owner_id",), picker="/contacts/person/ajax/lookup?name=company"),
    Kind("sales.deal", "name", ("owner_id",), "expected_close"),
    Kind("activities.activity", "subject", ("assignee_id", "created_by_id"), "due"),
    Kind("contacts.tag", "name", ("created_by_id",), picker="/contacts/person/ajax/lookup?name=tags"),
)
DAY = dt.date(2026, 11, 27)


@dataclass(frozen=True)
class Sample:
    """One record, with the answers that the model needs."""

    kind: Kind
    id: int
    owner: str
    city: str

    @property
    def mark(self) -> str:
        return mark_of(self.kind, self.owner, self.city)


def mark_of(kind: Kind, owner: str, city: str) -> str:
    return f"{kind.name.rpartition('.')[2]}mark{owner}{city}".replace("_", "")


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


def make_samples(crm: TestInstallation, role: Role) -> list[Sample]:
    """One record of each kind for every owner and city, in place of earlier ones."""
    from plugins.contacts.models import Contact
    from plugins.sales.models import Stage

    me = crm.user(role.name).id
    owners = {"me": me, "mate": crm.user("mates").id, "below": crm.user("lower").id, "stranger": crm.user("others").id}
    made = []
    with crm.acting() as session:
        stage = session.scalars(sa.select(Stage).order_by(Stage.id)).first()
        for kind in KINDS:
            model = crm.site.catalog.find(kind.name).model
            session.execute(sa.delete(model if not issubclass(model, Contact) else Contact).where(
                *([Contact.kind == kind.name.rpartition(".")[2]] if issubclass(model, Contact) else [])))  # fmt: skip
            for owner, number in owners.items():
                for city in CITIES:
                    record = model(**{kind.mark: mark_of(kind, owner, city)})
                    if kind is DEAL:
                        record.stage, record.pipeline, record.amount = stage, stage.pipeline, 7
                    if kind is PERSON:
                        record.first_name = "Ada"
                    if kind.day:
                        setattr(record, kind.day, DAY)
                    for name in ("created_by_id", *kind.responsible):
                        setattr(record, name, number)
                    session.add(record)
                    session.flush()
                    made.append(Sample(kind, record.id, owner, city))
        session.commit()
    return made


# --- doors


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


def title_of(crm: TestInstallation, sample: Sample) -> tuple[str, bool]:
    """The name that is stored, and whether the record is still there."""
    with crm.acting() as session:
        model = crm.site.catalog.find(sample.kind.name).model
        record = session.scalars(
            sa.select(model).where(model.id == sample.id).execution_options(include_archived=True)
        ).one()
        return str(getattr(record, sample.kind.mark)), record.archived_at is None


def owner_of(crm: TestInstallation, sample: Sample) -> str:
    with crm.acting() as session:
        model = crm.site.catalog.find(sample.kind.name).model
        return str(session.scalars(sa.select(model.owner_id).where(model.id == sample.id)).one())


def versions(crm: TestInstallation, sample: Sample) -> int:
    with crm.acting() as session:
        model = crm.site.catalog.find(sample.kind.name).model
        return int(session.scalars(sa.select(model.version).where(model.id == sample.id)).one())


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
                writer = Writer(session, target, Choices.of({}, target), list(row))
                allowed = role.scopes["create"] == "all" or (role.scopes["create"] != "none" and not owner)
                try:
                    writer.write(writer.draft([CheckedRow(2, [], row)]))
                    session.commit()
                except Forbidden:
                    session.rollback()
            with crm.acting() as session:
                made = session.scalar(sa.select(sa.func.count()).where(Company.name == row["name"]))
                assert bool(made) == allowed, (role.name, owner)


def test_the_history_tells_only_of_records_that_are_seen(crm: TestInstallation) -> None:
    role = ROLES[1]
    samples = make_samples(crm, role)
    browser = crm.browser(role.name)
    for sample in samples:
        answer = browser.get(f"{sample.kind.folder}/{sample.id}/story?before_at=2999-01-01T00:00:00&before_id=1")
        assert (answer.status_code != 404) == role.may("see", sample.owner, sample.city), sample


def test_what_hangs_on_a_record_is_as_open_as_the_record(
    crm: TestInstallation, dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its history, its files, the operation that changed it and its undo, a merge, and a file that updates it."""
    walked = 0
    for role in ROLES if dialect == "sqlite" else (ROLES[3], ROLES[-1]):
        samples = [sample for sample in make_samples(crm, role) if sample.kind is COMPANY]
        for sample in samples:
            attach_file(crm, sample)
        operation_id = change_all(crm, role, samples)
        browser = crm.browser(role.name)
        page = browser.get(f"/operations/{operation_id}").get_data(as_text=True)
        wrong = []
        for sample in samples:
            here = f"{COMPANY.folder}/{sample.id}"
            may = {verb: role.may(verb, sample.owner, sample.city) for verb in ("see", "edit", "delete")}
            story = browser.get(f"{here}/story?before_at=2999-01-01T00:00:00&before_id=1")
            file = browser.get(f"{here}/files/{file_of(crm, sample)}", buffered=True)
            posted = browser.post(f"{here}/files", data={"files": (io.BytesIO(b"%PDF-1.4"), "a.pdf")})
            other = next(one for one in samples if one is not sample)
            merging = browser.get(f"{COMPANY.folder}/merge?ids={sample.id},{other.id}")
            both = all(role.may(verb, one.owner, one.city) for verb in may for one in (sample, other))
            for door, seen, allowed in (
                ("history", story.status_code == 200, may["see"]),
                ("download", file.get_data() == content_of(sample), may["see"]),
                ("upload", posted.status_code != 404, may["edit"]),
                ("operation", sample.mark in page, may["see"]),
                ("merge", merging.status_code == 200, both),
                ("update by a file", updated_by_file(crm, role, sample), may["edit"]),
            ):
                walked += 1
                if seen != allowed:
                    wrong.append((role.name, door, sample.owner, sample.city))
        browser.post(f"/operations/{operation_id}/undo")
        crm.run_jobs()
        for sample in samples:
            walked += 1
            if (city_of(crm, sample) is None) != role.may("edit", sample.owner, sample.city):
                wrong.append((role.name, "undo", sample.owner, sample.city))
        assert wrong == []
    with capsys.disabled():
        print(f"\nrights matrix: {walked} combinations of role, record and what hangs on it walked")


def content_of(sample: Sample) -> bytes:
    return f"%PDF-1.4 {sample.mark}".encode()


def attach_file(crm: TestInstallation, sample: Sample) -> None:
    with crm.acting() as session:
        record = session.get_one(crm.site.catalog.find(sample.kind.name).model, sample.id)
        storage = Storage(crm.config.attachments)
        with storage.keeping():
            attach(record, storage, io.BytesIO(content_of(sample)), "a.pdf", limit=1000, kinds={"pdf"})
            session.commit()


def file_of(crm: TestInstallation, sample: Sample) -> int:
    with crm.acting() as session:
        return session.scalars(sa.select(Attachment.id).where(Attachment.record_id == sample.id)).one()


def change_all(crm: TestInstallation, role: Role, samples: list[Sample]) -> str:
    """An operation that changed every record and that the reader is told to have done, whatever he may do today."""
    reader = crm.user(role.name).id
    with crm.acting("administrator") as session:
        model = crm.site.catalog.find(COMPANY.name).model
        with operation(session, kind="edit", record_type=COMPANY.name, label="") as op:
            for sample in samples:
                session.get_one(model, sample.id).city = "Changed"
            session.flush()
            op.actor_id, op.size = reader, len(samples)
        session.commit()
        return str(op.id)


def city_of(crm: TestInstallation, sample: Sample) -> str | None:
    with crm.acting() as session:
        model = crm.site.catalog.find(COMPANY.name).model
        return session.scalars(sa.select(model.city).where(model.id == sample.id)).one()


def updated_by_file(crm: TestInstallation, role: Role, sample: Sample) -> bool:
    """Whether a file with the record's name changes it."""
    website = f"https://example.com/{sample.id}/{role.name}"
    with crm.acting(role.name) as session:
        target = target_of(crm.site.screens[COMPANY.name], crm.site.catalog.find(COMPANY.name))
        row = {"name": sample.mark, "website": website}
        choices = Choices.of({"mode": UPDATE, "keys": ["name"]}, target)
        writer = Writer(session, target, choices, list(row))
        try:
            writer.write(writer.draft([CheckedRow(2, [], row)]))
            session.commit()
        except Forbidden:
            session.rollback()
    with crm.acting() as session:
        model = crm.site.catalog.find(COMPANY.name).model
        return session.scalars(sa.select(model.website).where(model.id == sample.id)).one() == website
