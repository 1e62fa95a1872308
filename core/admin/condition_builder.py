"""The builder of conditions: nested rows and groups, a sentence, a count and a sample. It only reads.

Any form can hold one: ``read`` or ``open`` a draft, and call the macro ``card`` of
``nova/_condition_builder.html`` with ``parts`` and with what ``preview`` makes of the ``condition``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import abort, redirect, request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from core.admin.condition_choices import (
    DAY_MODES,
    ON,
    Choices,
    Subject,
    editor_of,
    typed_again,
    value_of,
    value_options,
)
from core.admin.condition_draft import ALL, ANY, COUNT, NONE, WORDS, Group, Row, is_sent, opened, read
from core.admin.formatters import record_link
from core.admin.list_page import address
from core.admin.lookup import Lookup
from core.calendars import UNICODE_NAMES
from core.errors import ConditionError
from core.records.catalog import RecordType
from core.records.conditions import Condition, current_context, parse, parse_text, sentence, to_sql
from core.records.conditions.operators import Operator
from core.records.conditions.sentence import record_words
from core.records.conditions.tree import MAX_DEPTH
from core.records.conditions.values import ME
from core.records.counting import COUNT_LIMIT, bounded_count
from core.site.reader import preferences

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

SAMPLE = 10
SHOW = "show"
# The views of a screen that a condition can narrow; the page leads back to the one it was opened from.
VIEWS = ("index_view", "board_view", "calendar_view")
_OWN = frozenset({"do", "where", "to", "page", "after", "before"})


class ConditionBuilder:
    """One builder on a page.

    Args:
        record_type: what the condition is about.
        prefix: letters that the names of the form's boxes begin with; two builders in one form have different ones.
    """

    def __init__(self, record_type: RecordType, prefix: str = "c") -> None:
        self.record_type = record_type
        self.prefix = prefix
        self.draft = Group()
        self.errors: dict[str, str] = {}
        self.missing: set[str] = set()
        self._choices: dict[str, Choices] = {}

    def read(self, arguments: MultiDict[str, str]) -> bool:
        """Take the draft that a form sent; False when it sent none."""
        if not is_sent(arguments, self.prefix):
            return False
        self.draft = read(arguments, self.prefix)
        return True

    def open(self, condition: Condition) -> None:
        """Take a condition that is to be changed."""
        self.draft = opened(condition.tree)
        self._type_again(self.draft, self.record_type)

    def tree(self) -> dict[str, Any]:
        """The tree of what is finished. What is not is found in ``missing`` and ``errors`` afterwards, by place."""
        self.errors.clear()
        self.missing.clear()
        return self._group_tree(self.draft, self.record_type, self.prefix) or {ALL: []}

    def condition(self) -> Condition:
        """The condition of what is finished.

        Raises:
            ConditionError: the tree as a whole is too large or too deep.
        """
        return parse(self.tree(), self.record_type)

    @property
    def is_whole(self) -> bool:
        """Whether every row could be read, after ``tree``."""
        return not (self.errors or self.missing)

    def parts(self) -> dict[str, Any]:
        """What the macro draws, as plain values."""
        return self._group_parts(self.draft, self.record_type, self.prefix, 0)

    # --- the tree of a draft

    def _group_tree(self, group: Group, record_type: RecordType, place: str) -> dict[str, Any] | None:
        trees = []
        for number, part in enumerate(group.parts):
            here = f"{place}.{number}"
            if isinstance(part, Group):
                tree = self._group_tree(part, record_type, here)
            else:
                tree = self._row_tree(part, record_type, here)
            if tree is not None:
                trees.append(tree)
        if not trees:
            return None
        return {"not": {ANY: trees}} if group.joint == NONE else {group.joint: trees}

    def _row_tree(self, row: Row, record_type: RecordType, place: str) -> dict[str, Any] | None:
        if not row.name:
            return None  # it was only just added, and asks for nothing yet
        subject = self._of(record_type).subject(row.name)
        if subject is None:
            self.errors[place] = _("This is not there any more: %(name)s", name=row.name[:80])
            return None
        operator = subject.operator(row.operator)
        value = value_of(row, subject, operator) if row.before in ("", row.name) else None
        if value is None and operator.shape != "none":
            self.missing.add(place)
            return None
        tree: dict[str, Any] = {"search": value} if row.name == WORDS else {"field": row.name, "op": operator.name}
        if subject.reference is not None:
            tree = {"count": subject.reference.name, "op": operator.name}
        if operator.shape != "none" and row.name != WORDS:
            tree["value"] = value
        try:
            parse(tree, record_type)
        except ConditionError as error:
            self.errors[place] = str(error.message)
            return None
        if subject.reference is not None and row.where is not None:
            where = self._group_tree(row.where, subject.reference.record_type, f"{place}.w")
            return tree | {"where": where} if where else tree
        return tree

    def _type_again(self, part: Group | Row, record_type: RecordType) -> None:
        if isinstance(part, Group):
            for one in part.parts:
                self._type_again(one, record_type)
            return
        subject = self._of(record_type).subject(part.name)
        if subject is not None:
            typed_again(part, subject, subject.operator(part.operator))
            if subject.reference is not None and part.where is not None:
                self._type_again(part.where, subject.reference.record_type)

    # --- what is drawn

    def _of(self, record_type: RecordType) -> Choices:
        return self._choices.setdefault(record_type.name, Choices(record_type))

    def _group_parts(self, group: Group, record_type: RecordType, place: str, depth: int) -> dict[str, Any]:
        return {
            "kind": "group",
            "place": place,
            "joint": group.joint,
            "may_nest": depth < MAX_DEPTH - 2,
            "parts": [
                self._group_parts(part, record_type, f"{place}.{number}", depth + 1)
                if isinstance(part, Group)
                else self._row_parts(part, record_type, f"{place}.{number}", depth)
                for number, part in enumerate(group.parts)
            ],
        }

    def _row_parts(self, row: Row, record_type: RecordType, place: str, depth: int) -> dict[str, Any]:
        choices = self._of(record_type)
        subject = choices.subject(row.name) if row.name else None
        drawn: dict[str, Any] = {
            "kind": "row",
            "place": place,
            "name": row.name,
            "groups": choices.with_subject(subject, row.name),
            "fresh": row.fresh,
            "error": self.errors.get(place),
            "where": None,
            "counts": row.name.startswith(COUNT),
            "subject": subject.label if subject else "",
        }
        if subject is None:
            return drawn | {"operators": [], "operator": "", "editor": None}
        operator = subject.operator(row.operator)
        if subject.reference is not None and row.where is not None:
            drawn["where"] = self._group_parts(row.where, subject.reference.record_type, f"{place}.w", depth + 1)
        return drawn | {
            "operators": [(name, str(entry.label)) for name, entry in subject.operators.items()],
            "operator": operator.name,
            "editor": self._editor(row, subject, operator),
        }

    def _editor(self, row: Row, subject: Subject, operator: Operator) -> dict[str, Any]:
        editor = editor_of(subject, operator)
        values = row.values if row.before in ("", row.name) else []
        options = value_options(subject, operator, editor)
        pairs = [(key, str(label)) for key, label in options] if options is not None else None
        if pairs is not None and editor == "records":
            pairs += _chosen(subject, values, {key for key, _label in pairs})
        return {
            "kind": editor,
            "values": values,
            "options": pairs,
            "many": operator.shape == "many",
            "modes": [(mode, str(label)) for mode, label in DAY_MODES.items()],
            "mode": row.mode or ON,
            "calendar": UNICODE_NAMES[preferences().calendar],
            "lookup": subject.name if editor == "records" and subject.field is not None else None,
        }


def _chosen(subject: Subject, values: list[str], offered: set[str]) -> list[tuple[str, str]]:
    """The chosen records that are not among the first ones, so that choosing them is not lost."""
    if subject.field is None or subject.field.target is None:
        return []
    lookup = Lookup(subject.name, subject.field.target)
    return [
        (value, str(lookup.one(value) or _("a record that is not there")))
        for value in values
        if value not in offered and value != ME
    ]


# --- the page of a screen


def filter_page(view: RecordView) -> Any:
    """Build a condition for the list: what it says, how many records match, some of them, and the way to the list.

    Raises:
        ConditionError: ``where`` cannot be read.
    """
    builder = ConditionBuilder(view.record_type)
    if not builder.read(request.args):
        where = request.args.get("where")
        if where:
            builder.open(parse_text(where, view.record_type))
        if not builder.draft.parts:
            builder.draft.parts.append(Row(fresh=True))
    problem = None
    try:
        condition = builder.condition()
    except ConditionError as error:
        condition, problem = parse({ALL: []}, view.record_type), str(error.message)
    asked = request.args.get("do") == SHOW
    # Search, order and the like of the view that is filtered go through this page and back.
    carried = {name: text for name, text in request.args.items() if name not in _OWN and not name.startswith("c.")}
    back = request.args.get("to", VIEWS[0])
    if back not in VIEWS:
        abort(400)
    if asked and builder.is_whole and problem is None:
        found = {} if condition.is_everything else {"where": condition.text}
        return redirect(address(view.get_url(f".{back}"), carried | found))
    if asked:
        builder.errors |= {place: _("Choose or write a value.") for place in builder.missing}
    return view.render(
        "nova/filter.html",
        title=_("Build a condition"),
        list_label=view.screen.plural,
        list_url=view.list_url(),
        here=view.get_url(".filter_view"),
        carried=carried | ({"to": back} if back != VIEWS[0] else {}),
        lookup_url=view.get_url(".filter_lookup"),
        builder=builder.parts(),
        problem=problem,
        unfinished=0 if asked else len(builder.missing),  # the rows say it themselves
        **preview(view.session, condition),
    )


def preview(
    session: Any, condition: Condition, matching: sa.Select[Any] | None = None, purpose: str = ""
) -> dict[str, Any]:
    """What a condition says and finds: its ``sentence``, a bounded ``count`` of ``records``, a ``sample`` as links.

    Args:
        session: the unit of work.
        condition: what is asked for.
        matching: the records that it finds, where its ``purpose`` leaves some out.
        purpose: tells counts of the same condition apart.
    """
    model: Any = condition.record_type.model
    if matching is None:
        matching = sa.select(model)
        if not condition.is_everything:
            matching = matching.where(to_sql(condition, model, current_context()))
    rows = session.scalars(matching.order_by(model.id.desc()).limit(SAMPLE)).unique()
    count = bounded_count(session, matching, model, COUNT_LIMIT, (purpose, condition.text))
    return {
        "sentence": sentence(condition),
        "count": count,
        "records": record_words(condition.record_type, count.number),
        "sample": [record_link(record) for record in rows],
    }


def lookup_of(record_type: RecordType, name: str) -> Lookup | None:
    """The records that the value of the field called ``name`` may be; None for another kind of field."""
    subject = Choices(record_type).subject(name)
    field = subject.field if subject is not None else None
    if field is None or field.kind not in ("link", "links") or field.target is None:
        return None
    return Lookup(name, field.target)
