"""Which records a bulk action is about: those that were ticked, or all that a list or the recycle bin shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from core.admin.ids import read_id

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

TICKED = 200  # boxes of one page
COUNTED = 100_000  # records; past it "100,000+" is said
LONGEST_ADDRESS = 4000  # characters


@dataclass(frozen=True)
class Selection:
    """Records of one screen: those with the ``ids``, or all that match the list's ``address`` up to the id ``until``.

    ``archived`` looks into the recycle bin instead of the list.
    """

    ids: tuple[int, ...] = ()
    address: str | None = None
    until: int = 0
    archived: bool = False

    @classmethod
    def posted(cls, view: RecordView, form: MultiDict[str, str], *, archived: bool = False) -> Selection:
        """What a form with ``rowid``, or with ``all_matching`` and ``q``, asks for.

        The address is read as the list reads it, so that a name nobody knows is refused with 400.
        """
        if form.get("all_matching") != "1":
            numbers = map(read_id, form.getlist("rowid")[:TICKED])
            return cls(ids=tuple(dict.fromkeys(number for number in numbers if number is not None)), archived=archived)
        asked = view.query.read(_arguments(form.get("q", "")[:LONGEST_ADDRESS]), view.page_size_options)
        arguments = {
            key: value
            for key, value in view.query.arguments(asked).items()
            if key not in ("page", "page_size", "after", "before")
        }
        newest = view.session.scalar(sa.select(sa.func.max(sa.inspect(view.model).local_table.c.id)))
        return cls(address=urlencode(arguments, doseq=True), until=newest or 0, archived=archived)

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> Selection:
        """The selection that an operation's plan tells of."""
        told = plan["records"]
        return cls(tuple(told["ids"]), told["address"], told["until"], told["archived"])

    def plan(self) -> dict[str, Any]:
        """The selection as a part of an operation's plan."""
        told = {"ids": list(self.ids), "address": self.address, "until": self.until, "archived": self.archived}
        return {"records": told}

    def fields(self) -> list[tuple[str, str]]:
        """The hidden fields of a form that asks for the same."""
        if self.address is None:
            return [("rowid", str(number)) for number in self.ids]
        return [("all_matching", "1"), ("q", self.address)]

    def statement(self, view: RecordView) -> sa.Select[tuple[Any]]:
        """The records that the actor may see, in no order."""
        model = view.model
        if self.address is None:
            statement = sa.select(model).where(model.id.in_(self.ids))
        elif self.archived:
            statement = sa.select(model).where(model.id <= self.until)
        else:
            asked = view.query.read(_arguments(self.address), view.page_size_options)
            statement = view.query.matching(asked).where(model.id <= self.until)
        if self.archived:
            statement = statement.where(model.archived_at.is_not(None)).execution_options(include_archived=True)
        return statement

    def count(self, view: RecordView) -> tuple[int, bool]:
        """How many records that is, at most ``COUNTED``, and whether there are more."""
        some = self.statement(view).with_only_columns(view.model.id).limit(COUNTED + 1)
        counted = sa.select(sa.func.count(view.model.id)).where(view.model.id.in_(some))
        number = view.session.scalar(counted.execution_options(include_archived=self.archived)) or 0
        return min(number, COUNTED), number > COUNTED

    def batch(self, view: RecordView, after: int, size: int) -> Sequence[Any]:
        """The next records in the order of their ids."""
        statement = self.statement(view).where(view.model.id > after).order_by(view.model.id).limit(size)
        found: Sequence[Any] = view.session.scalars(statement).unique().all()
        return found


def _arguments(address: str) -> MultiDict[str, str]:
    return MultiDict(parse_qsl(address.lstrip("?"), keep_blank_values=True, max_num_fields=200))
