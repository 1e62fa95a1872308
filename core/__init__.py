"""What plugins import: the parts they hand over, the records they build on, and the hooks they implement.

Names are resolved when first used, so that importing ``core`` costs nothing and needs no database.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "1.0.0"

_HOME = {
    "core.accounts.actor": ("Actor", "acting", "as_system"),
    "core.accounts.models": ("User", "now"),
    "core.accounts.security": ("public",),
    "core.accounts.token_door": ("for_tokens",),
    "core.admin.personal_fields": ("empty_fields", "personal_fields"),
    "core.calendars": ("parse_date",),
    "core.database.base": ("plugin_base",),
    "core.database.bulk": ("among_parameter", "as_parameter"),
    "core.database.engine": ("ONE_PLAN",),
    "core.database.types": (
        "Choice",
        "Color",
        "Email",
        "Location",
        "LongText",
        "Money",
        "Option",
        "Phone",
        "Url",
        "UtcDateTime",
        "format_phone",
        "parse_amount",
        "parse_phone",
    ),
    "core.database.word_index": ("index_words",),
    "core.errors": ("Blocked", "ConditionError", "Forbidden", "NotUnderstood", "PeyvandError", "ValidationError"),
    "core.hookspecs": ("hookimpl",),
    "core.jobs.progress": ("Progress",),
    "core.jobs.queue": ("enqueue",),
    "core.notifications.notify": ("notify",),
    "core.parts": (
        "ADMINISTRATOR",
        "EMPTIED",
        "EVERYONE",
        "KEPT",
        "RECORD_VERBS",
        "REMOVED",
        "USER",
        "Action",
        "Board",
        "Card",
        "Column",
        "Command",
        "DuplicateRule",
        "Event",
        "FieldGroup",
        "Hint",
        "ImportColumn",
        "ImportHints",
        "Job",
        "MenuItem",
        "NotificationType",
        "Panel",
        "Permission",
        "PersonalData",
        "Report",
        "Schedule",
        "Screen",
        "SiteInfo",
        "concerns",
        "hears",
        "record_permissions",
    ),
    "core.records.address": ("record_url",),
    "core.records.colors": ("COLOR_LABELS",),
    "core.records.archive": ("archive", "restore"),
    "core.records.conditions": (
        "Condition",
        "Context",
        "current_context",
        "matches",
        "parse",
        "sentence",
        "to_sql",
    ),
    "core.records.events": ("write_event",),
    "core.records.policy": ("may", "require", "row_criterion"),
    "core.records.record": ("BoardLane", "Located", "Owned", "Part", "Record", "Searchable"),
    "core.records.naming": ("find_records",),
    "core.records.note": ("Note", "add_note"),
    "core.records.submissions": ("Repeated", "note_submission", "record_of_form"),
    "core.records.timeline": ("Position", "StoryQuery", "StoryShape", "about"),
    "core.resources.resource": ("Resource", "resource_named", "resources_seen"),
    "core.site.formats": (
        "format_digits",
        "format_local_date",
        "format_local_datetime",
        "format_money",
        "format_number",
        "format_percent",
        "reader_day",
        "reader_today",
    ),
    "core.site.reader": ("preferences", "reading_as"),
    "core.site.site": ("current_site", "session"),
    "core.story": ("Channel", "EntryAction", "TimelineEntry", "Upcoming"),
    "core.web.problems": ("request_id",),
    "core.text": ("fold", "latin_digits", "match_key"),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}
__all__ = ["__version__", *sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    value = getattr(importlib.import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
