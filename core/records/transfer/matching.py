"""Rows told to be records that exist, or the same as a row further up: by the keys that were chosen, a query each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.database.bulk import among
from core.database.types import format_phone
from core.records.fields import Field
from core.records.transfer.drafts import Draft
from core.records.transfer.links import Missing, name_keys
from core.records.transfer.namesakes import Known, Namesakes
from core.records.transfer.targets import KEY, Target
from core.text import match_key

ANY, ALL = "any", "all"


@dataclass(frozen=True, slots=True)
class Match:
    """The record that a row is about, and a sentence that says how it was recognised."""

    known: Known
    reason: str


class Matches:
    """What the rows of one batch can match.

    Args:
        session: the unit of work; only records its actor may see are matched.
        target: what is imported.
        keys: names of fields, in the order in which they are tried.
        together: whether a row must agree in all keys; otherwise the first key by which a record is found decides.
        namesakes: looks up the one text among the keys, see ``namesakes_of``.
    """

    def __init__(
        self,
        session: Session,
        target: Target,
        keys: Sequence[str],
        *,
        together: bool = False,
        namesakes: Namesakes | None = None,
    ) -> None:
        self.session = session
        self.target = target
        self.keys = tuple(key for key in keys if key in target.keys)
        self.together = together
        self.namesakes = namesakes
        self._index: dict[str, dict[Any, list[Known]]] = {}
        self._records: dict[int, Known] = {}

    def load(self, drafts: Sequence[Draft]) -> None:
        """Look up everything that the rows of a batch could match."""
        self._index = {key: {} for key in (KEY, *self.keys)}
        self._records = {}
        for draft in drafts:
            draft.keys = {key: self._values(draft, key) for key in self._index}
        for key in self._index:
            values = {value for draft in drafts for value in draft.keys[key]}
            if values and self._by_text(key) is None:
                self._look_up(key, values)
        if self.namesakes is not None:
            self.namesakes.load(drafts)
        if not self.together and self.namesakes is None:
            self._note_held()

    def find(self, draft: Draft) -> Match | None:
        """The record that ``draft`` is about, if it is known."""
        if draft.key is not None:
            known = self._index.get(KEY, {}).get(draft.key)
            return Match(known[0], _("Record %(number)s.", number=draft.key)) if known else None
        return self._find_all(draft) if self.together else self._find_any(draft)

    def add(self, draft: Draft) -> None:
        """Let rows further down match this one."""
        known = Known(draft.name, draft=draft)
        for key in self.keys:
            values = draft.keys[key]
            if values:
                known.held.add(key)
            for value in values:
                self._index[key].setdefault(value, []).append(known)

    def _find_any(self, draft: Draft) -> Match | None:
        agree = self.target.hints.agree
        before: list[str] = []
        for key in self.keys:
            values, namesakes = draft.keys[key], self._by_text(key)
            for value in values:
                own = self._index[key].get(value, ())
                for known in (*namesakes.find(draft, value), *own) if namesakes is not None else own:
                    # Two namesakes that each have a number of their own are two people.
                    if before and any(other in known.held for other in before) and self._is_text(key):
                        continue
                    if agree is None or agree(draft.values, known.name, key, value):
                        return Match(known, self._reason(known, key, value))
            if values:
                before.append(key)
        return None

    def _find_all(self, draft: Draft) -> Match | None:
        found: list[Known] | None = None
        for key in self.keys:
            values = draft.keys[key]
            some = [known for value in values for known in self._index[key].get(value, ())]
            found = some if found is None else [known for known in found if known in some]
            if not found:
                return None
        if not found:
            return None
        key = self.keys[-1]
        return Match(found[0], self._reason(found[0], key, draft.keys[key][0]))

    def _reason(self, known: Known, key: str, value: Any) -> str:
        if key in ("name", KEY) or self._is_text(key):
            return _("%(name)s exists already.", name=known.name)
        if key == "phones" or getattr(self._field(key), "kind", "") == "phone":
            value = format_phone(str(value))
        label = self.target.keys[key]
        return _("%(name)s has the same %(field)s: %(value)s", name=known.name, field=label, value=value)

    def _field(self, key: str) -> Field | None:
        return self.target.record_type.fields.get(key)

    def _by_text(self, key: str) -> Namesakes | None:
        return self.namesakes if self.namesakes is not None and key == self.namesakes.key else None

    def _is_text(self, key: str) -> bool:
        return is_text(self.target, key)

    def _values(self, draft: Draft, key: str) -> list[Any]:
        """What the row says for a key, as it is compared."""
        if key == KEY:
            return [] if draft.key is None else [draft.key]
        plan = self.target.parts.get(key)
        if plan is not None:
            return [part[plan.main.name] for part in draft.parts.get(key, ()) if part.get(plan.main.name)]
        entry = self._field(key)
        if entry is not None and entry.kind == "link":
            linked = draft.linked.get(key)
            return [] if linked is None or isinstance(linked, Missing) else [linked.id]
        value = draft.values.get(key)
        if value is None or value == "":
            return []
        return [match_key(value) if key == "name" else value]

    def _look_up(self, key: str, values: Iterable[Any]) -> None:
        model, dialect = self.target.model, self.session.get_bind().dialect
        index, wanted = self._index[key], list(values)
        plan = self.target.parts.get(key)
        name = getattr(model, "name", model.id)
        if plan is not None:
            part: Any = plan.part
            column = getattr(part, plan.main.name)
            query = sa.select(column, model.id, name).join(model, getattr(part, part.__whole__))
        elif key == "name":
            column, wanted = name_keys(model, wanted)
            query = sa.select(name, model.id, name)
        else:
            entry = self._field(key)
            linked = entry is not None and entry.kind == "link"
            column = getattr(model, entry.column.key if entry is not None and linked else key)
            query = sa.select(column, model.id, name)
        query = query.where(among(column, wanted, dialect)).order_by(model.id)
        for value, record_id, called in self.session.execute(query).all():
            known = self._records.setdefault(record_id, Known(str(called), record_id))
            known.held.add(key)
            shown = match_key(value) if key == "name" else value
            index.setdefault(shown, []).append(known)

    def _note_held(self) -> None:
        """For records found by a text alone: which of the keys before it they have values for."""
        texts = [key for key in self.keys if self._is_text(key)]
        others = [key for key in self.keys if key not in texts and key in self.target.parts]
        if not texts or not others:
            return
        found = [known for key in texts for some in self._index[key].values() for known in some if known.id]
        for key in others:
            part: Any = self.target.parts[key].part
            owner = next(iter(getattr(part, part.__whole__).property.local_columns))
            dialect = self.session.get_bind().dialect
            query = sa.select(owner).where(among(owner, [known.id for known in found], dialect)).distinct()
            having = set(self.session.execute(query).scalars()) if found else set()
            for known in found:
                if known.id in having:
                    known.held.add(key)


def is_text(target: Target, key: str) -> bool:
    """Whether a key is a text, such as a name, which several records may share."""
    entry = target.record_type.fields.get(key)
    return entry is not None and entry.kind == "text"


def namesakes_of(session: Session, target: Target, keys: Sequence[str], *, keep: bool) -> Namesakes | None:
    """What looks up the text among ``keys``, any of which decides; None where it is not the only key but rows of parts.

    Args:
        session: the unit of work.
        target: what is imported.
        keys: names of fields, in the order in which they are tried.
        keep: whether the import changes no record.
    """
    texts = [key for key in keys if is_text(target, key)]
    if len(texts) != 1 or any(key not in target.parts for key in keys if key not in texts):
        return None
    return Namesakes(session, target, texts[0], keys[: keys.index(texts[0])], keep=keep)
