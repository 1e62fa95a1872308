"""A view that is what the current actor's rights on fields make of its screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_admin.model import BaseModelView

from core.accounts.actor import acting
from core.admin.shape import Shape, open_screen

if TYPE_CHECKING:
    from flask_admin.form import BaseForm
    from markupsafe import Markup

    from core.admin.any_record import AnyLookup
    from core.admin.board import BoardQuery
    from core.admin.list_query import ListQuery
    from core.admin.lookup import Lookup
    from core.parts import Column, FieldGroup, Screen
    from core.records.catalog import RecordType
    from core.records.fields import Field

MOST_SHAPES = 50  # kept at once; each is made in some milliseconds


class ShapedView(BaseModelView):  # type: ignore[misc]
    """The parts of a view that depend on which fields there are for the current actor (``core.admin.shape``)."""

    record_type: RecordType

    def shape_of(self, screen: Screen) -> None:
        """Take the shape of ``screen``, as it is for whom nothing is hidden."""
        self._whole = Shape(self, screen, self.record_type)
        self._shapes: dict[tuple[frozenset[str], frozenset[str]], Shape] = {}

    @property
    def shape(self) -> Shape:
        """The screen as it is for somebody with the current actor's rights on fields."""
        actor, name = acting(), self.record_type.name
        rights = (actor.hidden(name), actor.fixed(name))
        if not any(rights):
            return self._whole
        if rights not in self._shapes:
            if len(self._shapes) >= MOST_SHAPES:
                self._shapes.clear()
            screen = open_screen(self._whole.screen, rights[0])
            self._shapes[rights] = Shape(self, screen, self.record_type, rights[1])
        return self._shapes[rights]

    @property
    def screen(self) -> Screen:
        return self.shape.screen

    @property
    def query(self) -> ListQuery:
        return self.shape.query

    @property
    def computed(self) -> dict[str, Column]:
        return self.shape.computed

    @property
    def groups(self) -> list[FieldGroup]:
        return self.shape.groups

    @property
    def shown_names(self) -> tuple[str, ...]:
        return self.shape.shown_names

    @property
    def form_names(self) -> tuple[str, ...]:
        return self.shape.form_names

    @property
    def lookups(self) -> dict[str, Lookup | AnyLookup]:
        return self.shape.lookups

    @property
    def create_form_class(self) -> type[BaseForm]:
        return self.shape.create_form_class

    @property
    def edit_form_class(self) -> type[BaseForm]:
        return self.shape.edit_form_class

    @property
    def form_layout(self) -> Any:
        return self.shape.form_layout

    @property
    def editable(self) -> frozenset[str]:
        return self.shape.editable

    @property
    def in_place(self) -> frozenset[str]:
        return self.shape.in_place

    @property
    def boards(self) -> dict[str, BoardQuery]:
        return self.shape.boards

    @property
    def dates(self) -> dict[str, Field]:
        return self.shape.dates

    @property
    def colors(self) -> dict[str, Field]:
        return self.shape.colors

    @property
    def filter_menus(self) -> dict[str, tuple[list[str], Markup]]:
        return self.shape.filter_menus

    @property
    def column_descriptions(self) -> dict[str, str]:
        return self.shape.column_descriptions
