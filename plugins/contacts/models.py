"""People and companies in one table, with what is written on a business card in tables of its own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship, validates

from core import (
    Choice,
    Color,
    Email,
    Located,
    LongText,
    Option,
    Owned,
    Part,
    Phone,
    Record,
    Searchable,
    Url,
    format_phone,
    match_key,
    plugin_base,
)

Base = plugin_base("contacts")

NAME_LENGTH = 200
KEY_LENGTH = 400
ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")

PROSPECT, CUSTOMER, FORMER = "prospect", "customer", "former"
STATUSES = (
    Option(PROSPECT, _l("Prospect"), "blue"),
    Option(CUSTOMER, _l("Customer"), "green"),
    Option("partner", _l("Partner"), "violet"),
    Option("supplier", _l("Supplier"), "teal"),
    Option(FORMER, _l("Former"), "gray"),
)

MOBILE, WORK, HOME, FAX, OTHER = "mobile", "work", "home", "fax", "other"
PHONE_LABELS = (
    Option(MOBILE, _l("Mobile")),
    Option(WORK, _l("Work")),
    Option(HOME, lazy_pgettext("of a phone or an address", "Home")),
    Option(FAX, _l("Fax")),
    Option(OTHER, _l("Other")),
)
PLACE_LABELS = tuple(option for option in PHONE_LABELS if option.code in (WORK, HOME, OTHER))

INDUSTRIES = (
    Option("agriculture", _l("Agriculture and food")),
    Option("construction", _l("Construction and property")),
    Option("education", _l("Education")),
    Option("energy", _l("Energy and mining")),
    Option("finance", _l("Finance and insurance")),
    Option("government", _l("Government")),
    Option("health", _l("Health")),
    Option("manufacturing", _l("Manufacturing")),
    Option("media", _l("Media and advertising")),
    Option("services", _l("Professional services")),
    Option("retail", _l("Retail and wholesale")),
    Option("technology", _l("Technology")),
    Option("tourism", _l("Tourism and hospitality")),
    Option("transport", _l("Transport and logistics")),
    Option("other", _l("Other")),
)


def name_key(name: str) -> str:
    """The form in which names are compared, as long as the column holds it."""
    return match_key(name)[:KEY_LENGTH]


def full_name(first: str | None, last: str | None) -> str:
    """A person's name as it is shown."""
    return " ".join(part.strip() for part in (first, last) if part and part.strip())


contact_tag = sa.Table(
    "contacts_contact_tag",
    Base.metadata,
    sa.Column("contact_id", ROW_ID, sa.ForeignKey("contacts_contact.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag_id", ROW_ID, sa.ForeignKey("contacts_tag.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Tag(Base, Record, Searchable):
    """A word that people and companies are marked with."""

    __tablename__ = "contacts_tag"

    name: Mapped[str] = mapped_column(sa.String(60), info={"label": _l("Name")})
    color: Mapped[str] = mapped_column(Color, default="gray", info={"label": _l("Color")})
    name_key: Mapped[str] = mapped_column(sa.String(KEY_LENGTH), default="", index=True, info={"managed": True})


class Contact(Base, Record, Owned, Searchable, Located):
    """A person or a company. ``name`` is what is shown; a person's follows from first and last name."""

    __tablename__ = "contacts_contact"
    # The list of people or companies, whole or of one city or status, is a walk along one of these.
    __table_args__ = (
        sa.Index("ix_contacts_contact_kind_name_sort", "kind", "name_sort", "id"),
        sa.Index("ix_contacts_contact_kind_city", "kind", "city", "name_sort", "id"),
        sa.Index("ix_contacts_contact_kind_status", "kind", "status", "name_sort", "id"),
    )

    # Not by itself in an index: whoever looks for contacts in this order looks for one kind of them.
    name_sort: Mapped[str] = mapped_column(sa.String(KEY_LENGTH), default="")
    kind: Mapped[str] = mapped_column(sa.String(10), info={"managed": True})
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH), default="", info={"label": _l("Name"), "personal": True})
    name_key: Mapped[str] = mapped_column(sa.String(KEY_LENGTH), default="", index=True, info={"managed": True})
    status: Mapped[str] = mapped_column(Choice(STATUSES), default=PROSPECT, info={"label": _l("Status")})
    city: Mapped[str | None] = mapped_column(sa.String(80), info={"label": _l("City"), "personal": True})
    private: Mapped[bool] = mapped_column(
        default=False, info={"label": _l("Private"), "help": _l("Only the owner and administrators see it.")}
    )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version, "polymorphic_on": cls.kind}

    phones: Mapped[list[PhoneNumber]] = relationship(
        back_populates="contact", cascade="all, delete-orphan", passive_deletes=True,
        order_by="PhoneNumber.id", info={"label": _l("Phones"), "personal": True},
    )  # fmt: skip
    emails: Mapped[list[EmailAddress]] = relationship(
        back_populates="contact", cascade="all, delete-orphan", passive_deletes=True,
        order_by="EmailAddress.id", info={"label": _l("E-mail addresses"), "personal": True},
    )  # fmt: skip
    addresses: Mapped[list[Address]] = relationship(
        back_populates="contact", cascade="all, delete-orphan", passive_deletes=True,
        order_by="Address.id", info={"label": _l("Addresses"), "personal": True},
    )  # fmt: skip
    tags: Mapped[list[Tag]] = relationship(
        secondary=contact_tag, order_by=Tag.name_sort, info={"label": _l("Tags")}, passive_deletes=True
    )

    def search_words(self) -> list[str | None]:
        """Name, place, numbers as they are dialled at home and abroad, and addresses of e-mail."""
        return contact_words(
            [self.name, self.city], [row.number for row in self.phones], [row.address for row in self.emails]
        )

    def sort_name(self) -> str:
        return self.name or ""


class Company(Contact):
    """A company or any other organisation."""

    website: Mapped[str | None] = mapped_column(Url, info={"label": _l("Website")})
    industry: Mapped[str | None] = mapped_column(Choice(INDUSTRIES), info={"label": _l("Industry")})
    national_id: Mapped[str | None] = mapped_column(sa.String(20), info={"label": _l("National ID")})

    __mapper_args__ = {"polymorphic_identity": "company"}


class Person(Contact):
    """A human being."""

    __subject__ = True

    first_name: Mapped[str | None] = mapped_column(sa.String(100), info={"label": _l("First name"), "personal": True})
    last_name: Mapped[str | None] = mapped_column(sa.String(100), info={"label": _l("Last name"), "personal": True})
    job_title: Mapped[str | None] = mapped_column(sa.String(120), info={"label": _l("Job title"), "personal": True})
    birthday: Mapped[dt.date | None] = mapped_column(
        sa.Date, index=True, info={"label": _l("Birthday"), "personal": True}
    )
    company_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("contacts_contact.id", ondelete="SET NULL"), index=True
    )
    company: Mapped[Company | None] = relationship(
        Company, foreign_keys=[company_id], remote_side=Company.id, info={"label": _l("Company")}
    )

    __mapper_args__ = {"polymorphic_identity": "person"}

    @validates("first_name", "last_name")
    def _derive_name(self, key: str, value: str | None) -> str | None:
        parts = {"first_name": self.first_name, "last_name": self.last_name, key: value}
        if name := full_name(parts["first_name"], parts["last_name"]):
            self.name = name[:NAME_LENGTH]
        return value

    def search_words(self) -> list[str | None]:
        return [*super().search_words(), self.job_title]


# How many people of a city are of an age is counted in the index alone, 0.4 ms instead of 33 among a million, and the
# first of them by name are found there.
sa.Index(
    "ix_contacts_contact_kind_city_birthday",
    Person.kind, Person.city, Person.birthday, Person.archived_at, Person.name_sort,
)  # fmt: skip


class PhoneNumber(Base, Part):
    """A number under which a contact is reached."""

    __tablename__ = "contacts_phone"
    __whole__ = "contact"

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    contact_id: Mapped[int] = mapped_column(
        ROW_ID, sa.ForeignKey("contacts_contact.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[str] = mapped_column(Choice(PHONE_LABELS), default=MOBILE, info={"label": _l("Label")})
    number: Mapped[str] = mapped_column(Phone, index=True, info={"label": _l("Number"), "personal": True})
    contact: Mapped[Contact] = relationship(back_populates="phones")

    def __str__(self) -> str:
        return format_phone(self.number or "")


class EmailAddress(Base, Part):
    """An e-mail address of a contact."""

    __tablename__ = "contacts_email"
    __whole__ = "contact"

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    contact_id: Mapped[int] = mapped_column(
        ROW_ID, sa.ForeignKey("contacts_contact.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[str] = mapped_column(Choice(PLACE_LABELS), default=WORK, info={"label": _l("Label")})
    address: Mapped[str] = mapped_column(Email, index=True, info={"label": _l("E-mail"), "personal": True})
    contact: Mapped[Contact] = relationship(back_populates="emails")

    def __str__(self) -> str:
        return self.address or ""


class Address(Base, Part):
    """A postal address of a contact."""

    __tablename__ = "contacts_address"
    __whole__ = "contact"

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    contact_id: Mapped[int] = mapped_column(
        ROW_ID, sa.ForeignKey("contacts_contact.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[str] = mapped_column(Choice(PLACE_LABELS), default=WORK, info={"label": _l("Label")})
    street: Mapped[str | None] = mapped_column(LongText(400), info={"label": _l("Street"), "personal": True})
    city: Mapped[str | None] = mapped_column(sa.String(80), info={"label": _l("City"), "personal": True})
    province: Mapped[str | None] = mapped_column(sa.String(80), info={"label": _l("Province"), "personal": True})
    postal_code: Mapped[str | None] = mapped_column(sa.String(20), info={"label": _l("Postal code"), "personal": True})
    country: Mapped[str | None] = mapped_column(sa.String(80), info={"label": _l("Country"), "personal": True})
    contact: Mapped[Contact] = relationship(back_populates="addresses")

    def __str__(self) -> str:
        parts = (self.street, self.city, self.province, self.postal_code, self.country)
        return ", ".join(part for part in parts if part)


def contact_words(words: list[str | None], numbers: list[str], addresses: list[str]) -> list[str | None]:
    """What a contact is found by; a number also as it is dialled inside its country, 0912… for +98912…."""
    return [*words, *numbers, *(national_number(number) for number in numbers), *addresses]


def national_number(number: str) -> str:
    """The digits dialled for an Iranian E.164 number inside Iran; of other numbers only the digits."""
    return f"0{number[3:]}" if number.startswith("+98") else number.lstrip("+")


@sa.event.listens_for(Contact, "before_insert", propagate=True)
@sa.event.listens_for(Contact, "before_update", propagate=True)
@sa.event.listens_for(Tag, "before_insert")
@sa.event.listens_for(Tag, "before_update")
def _keep_key(_mapper: Any, _connection: sa.Connection, record: Contact | Tag) -> None:
    """The key follows the name after the gate has looked, so it stands in no history."""
    record.name_key = name_key(record.name or "")
