"""What roles may do with whose records, as twenty lines of Python that know nothing of the product, and the records.

Every record carries its own mark in its name, so a door shows a record when its answer holds the mark.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from core.testing.installation import TestInstallation

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


def title_of(crm: TestInstallation, sample: Sample) -> tuple[str, bool]:
    """The name that is stored, and whether the record is still there."""
    with crm.acting() as session:
        model = crm.site.catalog.find(sample.kind.name).model
        record = session.scalars(
            sa.select(model).where(model.id == sample.id).execution_options(include_archived=True)
        ).one()
        return str(getattr(record, sample.kind.mark)), record.archived_at is None


def versions(crm: TestInstallation, sample: Sample) -> int:
    with crm.acting() as session:
        model = crm.site.catalog.find(sample.kind.name).model
        return int(session.scalars(sa.select(model.version).where(model.id == sample.id)).one())
