"""What a screen is for people with the same rights on fields: its list, forms, boards and calendar, made once for them.

Where nothing is hidden or read-only this is the screen as its plugin wrote it. For anybody else it is made again from a
screen without what is hidden, so that no page has to think of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from core.admin.board import boards_of
from core.admin.calendar import color_fields, date_fields
from core.admin.filters import filters_of
from core.admin.forms import build_edit_form, build_form, form_groups, form_rules, lookups_of
from core.admin.list_query import ListQuery
from core.parts import Board, FieldGroup, Screen
from core.records.catalog import RecordType

EDITABLE_KINDS = frozenset(
    {"text", "email", "url", "phone", "integer", "decimal", "money", "choice", "color", "date", "datetime", "link"}
)
IN_PLACE_KINDS = EDITABLE_KINDS | {"long_text", "boolean", "links"}


class Shape:
    """Everything of a view that depends on which fields there are, and which of them may be changed.

    Args:
        view: the view it is of.
        screen: the screen, without what is hidden.
        record_type: what its records are; asked as whoever the shape is for.
        fixed: the fields that are shown and may not be changed.

    Raises:
        UnknownField: the screen names a field that the record type does not have.
        CatalogError: the screen wants something of a field that its kind cannot do.
    """

    def __init__(self, view: Any, screen: Screen, record_type: RecordType, fixed: frozenset[str] = frozenset()) -> None:
        self.screen = screen
        self.computed = {column.name: column for column in screen.computed}
        self.query = ListQuery(screen, record_type, filters_of(record_type, screen.filters))
        self.filter_menus: dict[str, tuple[list[str], Markup]] = {}  # by language
        self.groups: list[FieldGroup] = form_groups(screen, record_type)
        self.shown_names = _names(self.groups)
        typed = [without(group, fixed) for group in self.groups]
        self.form_names = _names(typed)
        self.lookups = lookups_of(record_type, dict.fromkeys([*self.form_names, *screen.editable]))
        self.create_form_class = build_form(record_type, typed)
        self.edit_form_class = build_edit_form(self.create_form_class)
        self.form_layout = form_rules(view, (group for group in typed if group.fields))
        open_names = [name for name in screen.editable if name not in fixed]
        self.editable = frozenset(name for name in open_names if record_type.field(name).kind in EDITABLE_KINDS)
        self.boards = boards_of(screen, record_type)
        self.dates = date_fields(record_type)
        self.colors = color_fields(record_type)
        # On the page of a record every field of the form is changed where it is seen; lists offer what they declare.
        self.in_place = frozenset(name for name in self.form_names if record_type.field(name).kind in IN_PLACE_KINDS)
        self.column_descriptions = {name: str(field.help) for name, field in record_type.fields.items() if field.help}


def open_screen(screen: Screen, hidden: frozenset[str]) -> Screen:
    """``screen`` without the fields that are hidden."""
    if not hidden:
        return screen

    def kept(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in hidden)

    hints = screen.importing
    return replace(
        screen,
        columns=kept(screen.columns),
        form=tuple(group for group in (without(group, hidden) for group in screen.form) if group.fields),
        filters=kept(screen.filters),
        search=kept(screen.search),
        editable=kept(screen.editable),
        children=kept(screen.children),
        order=screen.order if screen.order not in hidden else None,
        board=_open_board(screen.board, hidden),
        importing=replace(hints, derived=kept(hints.derived), together=kept(hints.together), keys=kept(hints.keys)),
        duplicates=tuple(rule for rule in screen.duplicates if rule.field.partition(".")[0] not in hidden),
    )


def without(group: FieldGroup, names: frozenset[str]) -> FieldGroup:
    """The group without the fields called ``names``."""
    return FieldGroup(group.label, tuple(name for name in group.fields if name not in names))


def _open_board(board: Board | None, hidden: frozenset[str]) -> Board | None:
    if board is None or board.lane in hidden:
        return None
    shown = ("amount", "probability", "date", "subtitle", "since")
    gone: dict[str, Any] = {name: None for name in shown if getattr(board, name) in hidden}
    return replace(board, **gone)


def _names(groups: Iterable[FieldGroup]) -> tuple[str, ...]:
    return tuple(name for group in groups for name in group.fields)
