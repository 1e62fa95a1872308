"""What a cell calls another record, found by name in any spelling or by number: a query a batch, kept for the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import User
from core.database.bulk import among
from core.records.catalog import current_catalog
from core.records.fields import Field
from core.records.policy import may
from core.records.record import Owned, Record, Searchable
from core.records.transfer.drafts import Draft
from core.records.transfer.targets import Target
from core.text import ZWNJ, latin_digits, match_key, sort_key

SMALL = 2_000  # records of a type that are looked through one by one
KEPT = 50_000  # names kept for the next batches
SORT_LENGTH = 400


class Missing(str):
    """A name that nothing has yet, and that may be created."""


class Links:
    """Finds linked records for one import.

    Args:
        session: the unit of work; only records its actor may see are found.
        target: what is imported.
        create: names of link fields whose missing records are created, where the actor may.
    """

    def __init__(self, session: Session, target: Target, create: Iterable[str] = ()) -> None:
        self.session = session
        self._fields = {entry.name: entry for entry in target.links}
        self._create = {name for name in create if name in self._fields and can_create(self._fields[name])}
        self._known: dict[type, dict[str, list[tuple[int, str]]]] = {}
        self._whole: dict[type, bool] = {}
        # Held until the batch is over: a session takes only living objects back when it rolls back to a savepoint.
        self._made: list[Any] = []

    def forget(self) -> None:
        """Drop what is known, because a part of it was rolled back."""
        self._known.clear()
        self._whole.clear()

    def lack(self, drafts: Sequence[Draft]) -> bool:
        """Whether the drafts name a record that has to be made first."""
        for name in self._create:
            field = self._fields[name]
            words = {word for draft in drafts if name in draft.named for word in _words(draft.named[name])}
            if words:
                self._learn(field, words)
            if not all(self._find(field, word) for word in words):
                return True
        return False

    def resolve(self, drafts: Sequence[Draft], *, write: bool = True) -> None:
        """Put the records that the drafts name into their ``linked``, or an error beside the column.

        Args:
            drafts: rows of one batch.
            write: create what is missing; otherwise it only counts as found.
        """
        wanted: dict[str, dict[int, Any]] = {}
        self._made = []
        for name, field in self._fields.items():
            users = [draft for draft in drafts if name in draft.named]
            if not users:
                continue
            words = {word for draft in users for word in _words(draft.named[name])}
            self._learn(field, words)
            absent = {match_key(word): word for word in words if not self._find(field, word)} if write else {}
            if absent and name in self._create:
                self._add(field, absent)
            for draft in users:
                self._link(field, draft, wanted.setdefault(name, {}))
        for name, places in wanted.items():
            self._load(self._fields[name], places, drafts)

    def _link(self, field: Field, draft: Draft, wanted: dict[int, Any]) -> None:
        """Ids in the place of names, for ``_load`` to turn into records."""
        found: list[Any] = []
        for word in _words(draft.named[field.name]):
            ids = self._find(field, word)
            if len(ids) == 1:
                found.append(ids[0][0])
                wanted[ids[0][0]] = None
            elif ids:
                both = "; ".join(f"{name} (#{number})" for number, name in ids[:2])
                draft.errors[field.name] = _(
                    "“%(word)s” is the name of several: %(both)s. Write the number instead.", word=word, both=both
                )
            elif field.name in self._create:
                found.append(Missing(word))
            else:
                draft.errors[field.name] = _("There is no “%(word)s”.", word=word)
        draft.linked[field.name] = found if field.kind == "links" else (found or [None])[0]

    def _load(self, field: Field, wanted: dict[int, Any], drafts: Sequence[Draft]) -> None:
        target: Any = field.target
        statement = sa.select(target).where(among(target.id, list(wanted), self.session.get_bind().dialect))
        wanted.update((record.id, record) for record in self.session.scalars(statement).unique())
        for draft in drafts:
            if field.name not in draft.linked:
                continue
            linked = draft.linked[field.name]
            if field.kind == "links":
                draft.linked[field.name] = list(dict.fromkeys(wanted.get(entry, entry) for entry in linked))
            elif isinstance(linked, int):
                draft.linked[field.name] = wanted[linked]

    def _find(self, field: Field, word: str) -> list[tuple[int, str]]:
        target: Any = field.target
        return self._known.get(target, {}).get(match_key(word), [])

    def _learn(self, field: Field, words: Iterable[str]) -> None:
        """Look up the names and numbers that are not known yet."""
        target: Any = field.target
        known = self._known.setdefault(target, {})
        if len(known) > KEPT and not self._whole.get(target):
            known.clear()
        if target not in self._whole:
            self._whole[target] = self._learn_all(target, known)
        fresh = [word for word in words if match_key(word) not in known]
        if not fresh:
            return
        if not self._whole[target]:
            self._learn_names(target, known, fresh)
        numbers = {word: int(number) for word in fresh if (number := _number(word)) and match_key(word) not in known}
        if numbers:
            dialect = self.session.get_bind().dialect
            query = _visible(target, target.id, *_name_columns(target)).where(
                among(target.id, list(numbers.values()), dialect)
            )
            rows = {row[0]: _name(row[1:], row[0]) for row in self.session.execute(query)}
            for word, number in numbers.items():
                if number in rows:
                    known[match_key(word)] = [(number, rows[number])]

    def _learn_all(self, target: Any, known: dict[str, list[tuple[int, str]]]) -> bool:
        query = _visible(target, target.id, *_name_columns(target)).order_by(target.id).limit(SMALL + 1)
        rows = self.session.execute(query).all()
        if len(rows) > SMALL:
            return False
        for row in rows:
            self._keep(known, row[0], row[1:])
        return True

    def _learn_names(self, target: Any, known: dict[str, list[tuple[int, str]]], words: Sequence[str]) -> None:
        dialect = self.session.get_bind().dialect
        query = _visible(target, target.id, *_name_columns(target)).order_by(target.id)
        column, keys = name_keys(target, words)
        if column is None:
            return
        for row in self.session.execute(query.where(among(column, keys, dialect))):
            self._keep(known, row[0], row[1:])

    @staticmethod
    def _keep(known: dict[str, list[tuple[int, str]]], number: int, names: Sequence[Any]) -> None:
        for text in dict.fromkeys(match_key(name) for name in names if name):
            entries = known.setdefault(text, [])
            if all(number != other for other, _text in entries):
                entries.append((number, _name(names, number)))

    def _add(self, field: Field, absent: dict[str, str]) -> None:
        """Create what is missing, through the unit of work: each is checked and told like any other record."""
        target: Any = field.target
        limit = sa.inspect(target).columns.name.type.length or SORT_LENGTH
        records = [target(name=word[:limit]) for word in absent.values() if _number(word) is None]
        for record in records:
            own(record, self.session)
        self._made += records
        self.session.add_all(records)
        self.session.flush()
        known = self._known[target]
        for record in records:
            self._keep(known, record.id, [record.name])


def can_create(field: Field) -> bool:
    """Whether the actor may create what ``field`` leads to, and a name is all that it needs."""
    target: Any = field.target
    if not issubclass(target, Record):
        return False
    known = current_catalog().of(target)
    if known is None or "name" not in known.fields or not may(f"{known.name}.create"):
        return False
    return not any(entry.required and entry.name != "name" for entry in known.fields.values() if not entry.managed)


def own(record: Any, session: Session) -> None:
    """Give a new record that nobody owns to whoever imports it."""
    if isinstance(record, Owned) and record.owner_id is None and record.owner is None:
        record.owner = session.get(User, acting().user_id) if acting().user_id else None


def name_keys(target: Any, words: Iterable[str]) -> tuple[Any, list[str]]:
    """The indexed column in which names are looked up, and what stands there for each of ``words``.

    A type whose names are to be found in any spelling has a managed column ``name_key`` filled by
    ``core.text.match_key``. Others are found by their sort key, where a joined and a spaced spelling differ.
    """
    columns = sa.inspect(target).columns
    if "name_key" in columns:
        return target.name_key, [match_key(word)[:SORT_LENGTH] for word in words]
    if issubclass(target, Searchable):
        spellings = (text for word in words for text in (word, word.replace(ZWNJ, " ")))
        return target.name_sort, list(dict.fromkeys(sort_key(text)[:SORT_LENGTH] for text in spellings))
    if "name" in columns:
        return target.name, list(words)
    return None, []


def _visible(target: Any, *columns: Any) -> sa.Select[Any]:
    statement = sa.select(*columns)
    return statement.where(User.active) if target is User else statement


def _name_columns(target: Any) -> list[Any]:
    mapped = sa.inspect(target).columns
    wanted = ("name", "email") if target is User else ("name", "title")
    return [getattr(target, key) for key in wanted if key in mapped]


def _name(names: Sequence[Any], number: int) -> str:
    return next((str(name) for name in names if name), f"#{number}")


def _words(named: Any) -> tuple[str, ...]:
    return named if isinstance(named, tuple) else (named,)


def _number(word: str) -> int | None:
    plain = latin_digits(word).strip().removeprefix("#")
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 19 else None
