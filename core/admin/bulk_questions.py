"""What each bulk action asks before it is done: a field, its new value, and whether really."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_admin.form import BaseForm
from flask_babel import gettext as _
from flask_babel import ngettext

from core.admin.duplicate_pages import may_merge
from core.admin.formatters import plain as shown_plain
from core.admin.forms import is_valid
from core.parts import Action, Label
from core.records.audit import plain
from core.records.operations.bulk import Change
from core.records.operations.models import ACTION, ARCHIVE, ASSIGN, EDIT, PURGE, RESTORE, TAG
from core.records.operations.models import MERGE as MERGE_KIND
from core.records.operations.restoring import typed
from core.records.policy import may
from core.records.record import Owned

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

PREFIX = "new-"  # before the names of the form's fields, lest one of them is called like a control
EDITED = frozenset(
    {"text", "long_text", "email", "url", "phone", "integer", "decimal", "money", "choice", "color", "boolean", "date",
     "datetime", "link"}
)  # fmt: skip
ADD_TAGS, REMOVE_TAGS, MERGE = "tag", "untag", "merge"
PURGE_PERMISSION = "core.records.purge"


@dataclass(frozen=True)
class Question:
    """One thing that can be done with chosen records of a screen. ``fields`` are the names it can be done to."""

    view: RecordView
    name: str
    kind: str
    label: str
    verb: str = "edit"
    fields: tuple[str, ...] = ()
    action: Action | None = None
    destructive: bool = False

    @property
    def only_field(self) -> str:
        """The field, where there is only one."""
        return self.fields[0] if len(self.fields) == 1 else ""

    @property
    def hint(self) -> str:
        """What the person should know before answering."""
        if self.kind in (EDIT, ASSIGN):
            return _("Leave it empty to empty the field in all of them.")
        return ""

    def choices(self) -> list[tuple[str, Label]]:
        """Names and labels of the fields."""
        return [(name, self.view.record_type.field(name).label) for name in self.fields]

    def form(self, name: str) -> type[BaseForm]:
        """The form of the new value.

        Raises:
            UnknownField: the field is none of those that can be changed.
        """
        if name not in self.fields:
            self.view.record_type.field("")
        return self.view.form_of([name])

    def is_answered(self, form: BaseForm) -> bool:
        """Validate the form; a tag must be chosen, while an empty value empties the field."""
        valid = is_valid(form)
        if self.kind == TAG and valid and not any(field.data for field in form):
            for field in form:
                field.errors = [_("This field is required.")]
            return False
        return valid

    def sentence(self, count: int, shown: str) -> str:
        """The question, with the number of records."""
        if self.kind == ARCHIVE:
            return ngettext("Delete %(count)s record?", "Delete %(count)s records?", count, count=shown)
        if self.kind == PURGE:
            return ngettext(
                "Delete %(count)s record for good? It does not come back.",
                "Delete %(count)s records for good? They do not come back.", count, count=shown,
            )  # fmt: skip
        if self.kind == RESTORE:
            return ngettext("Restore %(count)s record?", "Restore %(count)s records?", count, count=shown)
        if self.action is not None and self.action.confirm:
            chosen = ngettext("%(count)s record is chosen.", "%(count)s records are chosen.", count, count=shown)
            return f"{self.action.confirm} {chosen}"
        return ngettext("Change %(count)s record?", "Change %(count)s records?", count, count=shown)

    def change(self, name: str, form: BaseForm | None) -> Change:
        """The change that was confirmed."""
        if form is None:
            return Change(self.kind, action=self.action.name if self.action else "")
        value = form[name].data
        if self.kind != TAG:
            return Change(self.kind, name, plain(value))
        rows = [plain(row) for row in value or ()]
        return Change(TAG, name, [], rows) if self.name == REMOVE_TAGS else Change(TAG, name, rows, [])

    def label_of(self, change: Change) -> str:
        """The few words by which the operation is known."""
        if not change.field:
            return str(self.label) if self.action else ""
        field = self.view.record_type.field(change.field)
        if change.kind == TAG:
            sign, rows = ("−", change.away) if change.away else ("+", change.value)
            return f"{field.label}: " + ", ".join(f"{sign}{row['name']}" for row in rows)
        value = change.value
        text = value["name"] if isinstance(value, dict) else _typed_text(field, value)
        return f"{field.label}: {text or '—'}"

    def merge_url(self, ids: Sequence[int]) -> str:
        """Where the chosen records are merged."""
        return str(self.view.get_url(".merge_view", ids=",".join(map(str, ids))))


def _typed_text(field: Any, value: Any) -> str:
    return shown_plain(field, typed(field.column, value))


def questions_of(view: RecordView) -> list[Question]:
    """What the actor may do with chosen records of the list."""
    found: list[Question] = []
    if not may(view.screen.permission("bulk")):
        return found
    known = view.record_type.fields
    if may(view.screen.permission("edit")):
        edited = tuple(name for name in view.form_names if known[name].kind in EDITED and not known[name].record_id)
        links = tuple(name for name in view.form_names if known[name].kind == "links")
        if edited:
            found.append(Question(view, EDIT, EDIT, _("Edit"), fields=edited))
        if issubclass(view.model, Owned) and "owner" in edited:
            found.append(Question(view, ASSIGN, ASSIGN, _("Assign"), fields=("owner",)))
        if links:
            found.append(Question(view, ADD_TAGS, TAG, _("Add tags"), fields=links))
            found.append(Question(view, REMOVE_TAGS, TAG, _("Remove tags"), fields=links))
    if may_merge(view):
        found.append(Question(view, MERGE, MERGE_KIND, _("Merge")))
    for action in view.screen.actions:
        if may(view.screen.permission(action.verb)):
            found.append(Question(view, action.name, ACTION, str(action.label), action.verb, action=action))
    if may(view.screen.permission("delete")):
        found.append(Question(view, ARCHIVE, ARCHIVE, _("Delete"), "delete", destructive=True))
    return found


def bin_questions_of(view: RecordView) -> list[Question]:
    """What the actor may do with records in the recycle bin."""
    found = []
    if may(view.screen.permission("delete")):
        found.append(Question(view, RESTORE, RESTORE, _("Restore"), "delete"))
        if may(PURGE_PERMISSION):
            found.append(Question(view, PURGE, PURGE, _("Delete for good"), "delete", destructive=True))
    return found


def question_of(view: RecordView, name: str) -> Question | None:
    """The question of this name, if the actor may do that."""
    return next((entry for entry in (*questions_of(view), *bin_questions_of(view)) if entry.name == name), None)
