"""A view that is closed: who may do what on it, which records it finds, and how it answers a refusal.

Flask-Admin's model view is open by default, scaffolds forms and filters from columns, looks rows up past the policy,
and calls a page again after a TypeError. All of that is replaced here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from flask import Response, abort, request
from flask_admin.form import BaseForm
from sqlalchemy.orm import Session

from core.admin.bulk_questions import questions_of
from core.admin.forms import build_form
from core.admin.ids import not_found, read_id
from core.admin.shaped_view import ShapedView
from core.errors import Forbidden, UnknownField
from core.parts import FieldGroup, Screen
from core.records.duplicates.rules import bound_rules
from core.records.policy import may
from core.records.record import Record
from core.records.whole import read_whole

MOST_ADDRESSES = 500  # without values, that are kept


class GuardedView(ShapedView):
    """A view of one Screen, without its pages.

    Raises:
        UnknownField: the screen names a field that the record type does not have.
        CatalogError: the screen wants something of a field that its kind cannot do.
    """

    page_size_options = (25, 50, 100, 200)
    export_types = ("csv", "xlsx", "json")
    column_display_actions = True
    create_modal = False
    # The model has no admin URL of Flask-Admin's own making, so none of its stock routes are left:
    ajax_update = None

    def __init__(self, site: Any, screen: Screen) -> None:
        self.site = site
        self.record_type = site.catalog.find(screen.name)
        self.shape_of(screen)
        bound_rules(screen)
        self._addresses: dict[tuple[str, str], str] = {}
        for name in screen.columns:
            if name not in self.computed:
                self.record_type.field(name)
        super().__init__(screen.model, screen.plural, endpoint=screen.endpoint, url=f"/{screen.name.replace('.', '/')}")

    def _refresh_cache(self) -> None:
        """Flask-Admin builds its forms, filters and columns here; ours are built from the Catalog (``Shape``)."""
        self._action_form_class = self.get_action_form()
        self._delete_form_class = self.get_delete_form()

    # --- who may what

    def is_accessible(self) -> bool:
        """Whether the actor may see records of this type at all."""
        return may(self.screen.permission("see"))

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        """Answer as if there were nothing here."""
        not_found()

    def require(self, verb: str, record: Record | None = None) -> None:
        """Answer 404 unless the actor may ``verb``, on ``record`` if one is given."""
        if not may(self.screen.permission(verb), record):
            not_found()

    @property
    def can_create(self) -> bool:
        return may(self.screen.permission("create"))

    @property
    def can_edit(self) -> bool:
        return may(self.screen.permission("edit"))

    @property
    def can_delete(self) -> bool:
        return may(self.screen.permission("delete"))

    @property
    def can_export(self) -> bool:
        return may(self.screen.permission("export"))

    can_view_details = True

    def is_sortable(self, name: str) -> bool:
        """Whether the list can be ordered by the column."""
        return name in self.query.sortable

    def is_editable(self, name: str) -> bool:
        """Whether the actor may change the column's values in the list."""
        return name in self.editable and self.can_edit

    def get_actions_list(self) -> tuple[list[tuple[str, str]], dict[str, str]]:
        """What the actor may do with chosen records: pairs of name and label. Questions are asked on a page."""
        return [(question.name, str(question.label)) for question in questions_of(self)], {}

    # --- data

    @property
    def database(self) -> Any:
        return self.site.runtime.database

    @property
    def session(self) -> Session:
        session: Session = self.database.session.session
        return session

    def get_pk_value(self, model: Any) -> int:
        """The id of a record."""
        return int(model.id)

    def get_one(self, id: Any) -> Any:
        """The record with this id, or None: also for one that lies in the bin or that the actor may not see."""
        number = read_id(id)
        if number is None:
            return None
        statement = sa.select(self.model).where(self.model.id == number)
        record = self.session.scalars(statement).unique().one_or_none()
        return record if record is not None and may(self.screen.permission("see"), record) else None

    def record_or_404(self, id: str) -> Any:
        """The record with this id; answers 404 where there is none that the actor may see."""
        record = self.get_one(id)
        if record is None:
            not_found()
        return record

    def get_whole(self, id: Any) -> Any:
        """The record with this id with everything its fields show, by one query; None as from ``get_one``."""
        number = read_id(id)
        record = None if number is None else read_whole(self.session, self.model, number)
        return record if record is not None and may(self.screen.permission("see"), record) else None

    def whole_or_404(self, id: str) -> Any:
        """The record with this id and everything its fields show; answers 404 like ``record_or_404``."""
        record = self.get_whole(id)
        if record is None:
            not_found()
        return record

    def form_of(self, names: Sequence[str]) -> type[BaseForm]:
        """A form of just these fields."""
        return build_form(self.record_type, [FieldGroup("", tuple(names))])

    def get_url(self, endpoint: str, **values: Any) -> str:
        """The address of a page of this screen, or of any other by its whole name.

        A page leads to two dozen; those without values are the same for everybody, and looked up once.
        """
        if values:
            return str(super().get_url(endpoint, **values))
        key = (request.script_root, endpoint)
        if key not in self._addresses:
            if len(self._addresses) >= MOST_ADDRESSES:
                self._addresses.clear()  # where the site is mounted may be a header of a proxy
            self._addresses[key] = str(super().get_url(endpoint))
        return self._addresses[key]

    def list_url(self) -> str:
        """The address of the list."""
        return self.get_url(".index_view")

    def duplicates_url(self, record: Record | None) -> str | None:
        """Where the form asks for likely duplicates, or None."""
        if not self.screen.duplicates:
            return None
        return self.get_url(".check_view", id=record.id if record is not None else None)

    # --- answers

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the page. A refusal is a 404, an unknown field a 400; a redirect reaches scripts as a header.

        Flask-Admin calls a view again after any TypeError; that would hide the error and run it twice.
        """
        try:
            answer = fn(self, *args, **kwargs)
        except Forbidden:
            self.session.rollback()
            not_found()
        except UnknownField:
            abort(400)
        if isinstance(answer, Response) and 300 <= answer.status_code < 400 and "HX-Request" in request.headers:
            # fetch() follows a redirect by itself, and the page it loads would eat the message meant for the reader.
            return Response(status=204, headers={"HX-Redirect": answer.headers["Location"]})
        return answer
