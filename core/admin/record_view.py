"""The view of one record type: every address it answers, in one place.

Every page is a function of its own module; who may see it and which records it finds, ``GuardedView`` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import abort, jsonify, redirect, request
from flask_admin import expose

from core.admin import files, notes
from core.admin.board_moves import move, move_page
from core.admin.board_pages import board_page
from core.admin.bulk import act_on_chosen, delete_one, restore_chosen
from core.admin.calendar_moves import move_entry
from core.admin.calendar_pages import calendar_page
from core.admin.cells import cell
from core.admin.composer import composer_tab
from core.admin.condition_builder import filter_page, lookup_of
from core.admin.duplicate_pages import (
    dismiss_pair,
    duplicates_page,
    search_duplicates,
    search_progress,
    stop_search,
)
from core.admin.duplicates import duplicates
from core.admin.export import choose as choose_export
from core.admin.export import export
from core.admin.form_pages import create, edit
from core.admin.guarded_view import GuardedView
from core.admin.ids import not_found, read_id
from core.admin.lane_settings import lane_settings
from core.admin.list_order import choose_order
from core.admin.list_page import list_page
from core.admin.list_parts import choose_columns, filter_options, keep_widths, peek, totals
from core.admin.lookup import LARGEST_PAGE, PAGE
from core.admin.merge_page import merge_page
from core.admin.neighbours import neighbour
from core.admin.quick_add import quick_add
from core.admin.record_head import follow_or_not
from core.admin.record_page import record_page
from core.admin.recycle_bin import in_bin, recycle_bin
from core.admin.reverting import revert
from core.admin.saved_view_pages import delete_view, edit_view, new_view, restore_view, save_view
from core.admin.story_page import older
from core.records.duplicates.pointers import survivor_of


class RecordView(GuardedView):
    """List, form, board, calendar and record page of one Screen."""

    @expose("/")
    def index_view(self) -> Any:
        """The list."""
        return list_page(self)

    @expose("/new", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """The form of a new record."""
        return create(self)

    @expose("/<id>")
    def details_view(self, id: str) -> Any:
        """The page of a record, which shows what it links to; of one that was merged, that of what it became."""
        record, number = self.get_whole(id), read_id(id)
        if record is None and number is not None:
            into = survivor_of(self.session, self.model, number)
            if into is not None and self.get_one(into) is not None:
                return redirect(self.get_url(".details_view", id=into))
        return record_page(self, record) if record is not None else in_bin(self, id)

    @expose("/<id>/edit", methods=("GET", "POST"))
    def edit_view(self, id: str) -> Any:
        """The form of a record."""
        record = self.get_whole(id)
        return edit(self, record) if record is not None else in_bin(self, id)

    @expose("/<id>/note", methods=("POST",))
    def note_view(self, id: str) -> Any:
        """Add a note."""
        return notes.write_note(self, self.record_or_404(id))

    @expose("/<id>/note/<note_id>", methods=("GET", "POST"))
    def note_edit_view(self, id: str, note_id: str) -> Any:
        """Change one's own note."""
        return notes.edit_note(self, self.record_or_404(id), note_id)

    @expose("/<id>/note/<note_id>/delete", methods=("POST",))
    def note_delete_view(self, id: str, note_id: str) -> Any:
        """Delete one's own note."""
        return notes.delete_note(self, self.record_or_404(id), note_id)

    @expose("/<id>/note/<note_id>/pin", methods=("POST",))
    def note_pin_view(self, id: str, note_id: str) -> Any:
        """Pin a note, or unpin it."""
        return notes.pin(self, self.record_or_404(id), note_id)

    @expose("/<id>/files", methods=("POST",))
    def files_view(self, id: str) -> Any:
        """Attach files."""
        return files.add_files(self, self.record_or_404(id))

    @expose("/<id>/files/<file_id>")
    def file_view(self, id: str, file_id: str) -> Any:
        """Download a file."""
        return files.download(self, self.record_or_404(id), file_id)

    @expose("/<id>/files/<file_id>/thumbnail")
    def thumbnail_view(self, id: str, file_id: str) -> Any:
        """The small picture of an image."""
        return files.thumbnail(self, self.record_or_404(id), file_id)

    @expose("/<id>/files/<file_id>/delete", methods=("POST",))
    def file_delete_view(self, id: str, file_id: str) -> Any:
        """Take a file away."""
        return files.delete_file(self, self.record_or_404(id), file_id)

    @expose("/<id>/files/<file_id>/restore", methods=("POST",))
    def file_restore_view(self, id: str, file_id: str) -> Any:
        """Put a file back."""
        return files.restore_file(self, self.record_or_404(id), file_id)

    @expose("/<id>/people")
    def people_view(self, id: str) -> Any:
        """Whom a note may mention."""
        return notes.people(self, self.record_or_404(id))

    @expose("/<id>/story")
    def story_view(self, id: str) -> Any:
        """An older part of the story."""
        return older(self, self.record_or_404(id))

    @expose("/<id>/composer/<tab>")
    def composer_view(self, id: str, tab: str) -> Any:
        """One tab of the composer."""
        return composer_tab(self, self.record_or_404(id), tab)

    @expose("/<id>/revert/<change_id>", methods=("POST",))
    def revert_view(self, id: str, change_id: str) -> Any:
        """Take one change back."""
        return revert(self, self.record_or_404(id), change_id)

    @expose("/<id>/follow", methods=("POST",))
    def follow_view(self, id: str) -> Any:
        """Follow a record, or no longer."""
        return follow_or_not(self, self.record_or_404(id))

    @expose("/<id>/<any(previous, next):way>")
    def neighbour_view(self, id: str, way: str) -> Any:
        """The record before or after this one in the list one came from."""
        return neighbour(self, self.record_or_404(id), way)

    @expose("/delete", methods=("POST",))
    def delete_view(self) -> Any:
        """Delete one record."""
        return delete_one(self)

    @expose("/restore", methods=("POST",))
    def restore_view(self) -> Any:
        """Undo a deletion."""
        return restore_chosen(self)

    @expose("/deleted")
    def bin_view(self) -> Any:
        """What was deleted and can be restored."""
        return recycle_bin(self)

    @expose("/action", methods=("POST",))
    def action_view(self) -> Any:
        """Do something with chosen records."""
        return act_on_chosen(self)

    @expose("/cell", methods=("GET", "POST"))
    def cell(self) -> Any:
        """Change one value in the list."""
        return cell(self)

    @expose("/check", methods=("GET", "POST"))
    def check_view(self) -> Any:
        """Likely duplicates of what is being typed. POST keeps names and numbers out of addresses and logs."""
        return duplicates(self)

    @expose("/duplicates")
    def duplicates_view(self) -> Any:
        """Likely duplicates among all records, or of one."""
        return duplicates_page(self)

    @expose("/duplicates/search", methods=("POST",))
    def search_duplicates_view(self) -> Any:
        """Compare all records."""
        return search_duplicates(self)

    @expose("/duplicates/progress")
    def duplicates_progress_view(self) -> Any:
        """How far the comparing is."""
        return search_progress(self)

    @expose("/duplicates/stop", methods=("POST",))
    def stop_duplicates_view(self) -> Any:
        """Stop comparing."""
        return stop_search(self)

    @expose("/duplicates/dismiss", methods=("POST",))
    def dismiss_view(self) -> Any:
        """Remember that two records are not the same."""
        return dismiss_pair(self)

    @expose("/merge", methods=("GET", "POST"))
    def merge_view(self) -> Any:
        """Make one record of two or three."""
        return merge_page(self)

    @expose("/board")
    def board_view(self) -> Any:
        """The board."""
        return board_page(self)

    @expose("/calendar")
    def calendar_view(self) -> Any:
        """The calendar."""
        return calendar_page(self)

    @expose("/calendar/move", methods=("GET", "POST"))
    def calendar_move_view(self) -> Any:
        """To which day an entry goes; a post moves it there."""
        return move_entry(self)

    @expose("/move", methods=("GET", "POST"))
    def move_view(self) -> Any:
        """Where a card can go; a post moves it there."""
        return move(self) if request.method == "POST" else move_page(self)

    @expose("/board/add", methods=("GET", "POST"))
    def quick_add_view(self) -> Any:
        """A new record in a lane."""
        return quick_add(self)

    @expose("/board/lane", methods=("GET", "POST"))
    def lane_view(self) -> Any:
        """What a lane asks for and how long a card may stay in it."""
        return lane_settings(self)

    @expose("/export", methods=("GET", "POST"))
    def export(self) -> Any:
        """Choose how the list becomes a file; POST answers with the file or has a job write it."""
        return export(self) if request.method == "POST" else choose_export(self)

    @expose("/columns")
    def columns_view(self) -> Any:
        """Choose the columns of the list."""
        return choose_columns(self)

    @expose("/order")
    def order_view(self) -> Any:
        """Choose what the list is sorted by."""
        return choose_order(self)

    @expose("/totals")
    def totals_view(self) -> Any:
        """The sums of the list's number columns."""
        return totals(self)

    @expose("/widths", methods=("POST",))
    def widths_view(self) -> Any:
        """Remember how wide the columns are."""
        return keep_widths(self)

    @expose("/filter-options")
    def filter_options_view(self) -> Any:
        """The values that a filter offers."""
        return filter_options(self)

    @expose("/<id>/peek")
    def peek_view(self, id: str) -> Any:
        """A look at a record beside the list."""
        return peek(self, self.record_or_404(id))

    @expose("/views/new", methods=("GET", "POST"))
    def new_saved_view(self) -> Any:
        """Keep the list as a view."""
        return new_view(self)

    @expose("/views/<view_id>", methods=("GET", "POST"))
    def saved_view(self, view_id: str) -> Any:
        """The name, sharing and place of a view."""
        return edit_view(self, view_id)

    @expose("/views/<view_id>/save", methods=("POST",))
    def save_saved_view(self, view_id: str) -> Any:
        """Keep what the list shows now in a view."""
        return save_view(self, view_id)

    @expose("/views/<view_id>/delete", methods=("POST",))
    def delete_saved_view(self, view_id: str) -> Any:
        """Delete a view."""
        return delete_view(self, view_id)

    @expose("/views/<view_id>/restore", methods=("POST",))
    def restore_saved_view(self, view_id: str) -> Any:
        """Bring a deleted view back."""
        return restore_view(self, view_id)

    @expose("/filter")
    def filter_view(self) -> Any:
        """Build a condition for the list."""
        return filter_page(self)

    @expose("/filter/lookup")
    def filter_lookup(self) -> Any:
        """What the picker of a condition's value offers: pairs of id and name."""
        lookup = lookup_of(self.record_type, request.args.get("name", ""))
        if lookup is None:
            abort(400)
        return jsonify([[row.id, str(row)] for row in lookup.find(request.args.get("query", ""), limit=PAGE)])

    @expose("/ajax/lookup")
    def ajax_lookup(self) -> Any:
        """What a link's picker offers: pairs of id and name."""
        lookup = self.lookups.get(request.args.get("name", ""))
        if lookup is None or not (self.can_create or self.can_edit):
            not_found()
        limit = min(read_id(request.args.get("limit", "")) or PAGE, LARGEST_PAGE)
        offset = min(read_id(request.args.get("offset", "")) or 0, 10_000)
        rows: Iterable[Any] = lookup.find(request.args.get("query", ""), offset, limit)
        return jsonify([[row.id, str(row)] for row in rows])
