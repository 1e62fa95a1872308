"""The types of the façade, for checkers and editors. Written by `python -m scripts.facade`."""

from core.accounts.actor import Actor, acting, as_system
from core.accounts.models import User, now
from core.accounts.security import public
from core.accounts.token_door import for_tokens
from core.admin.personal_fields import empty_fields, personal_fields
from core.calendars import parse_date
from core.database.base import plugin_base
from core.database.bulk import among_parameter, as_parameter
from core.database.engine import ONE_PLAN
from core.database.types import (
    Choice,
    Color,
    Email,
    Location,
    LongText,
    Money,
    Option,
    Phone,
    Url,
    UtcDateTime,
    format_phone,
    parse_amount,
    parse_phone,
)
from core.database.word_index import index_words
from core.errors import Blocked, ConditionError, Forbidden, NotUnderstood, PeyvandError, ValidationError
from core.hookspecs import hookimpl
from core.jobs.progress import Progress
from core.jobs.queue import enqueue
from core.notifications.notify import notify
from core.parts import (
    ADMINISTRATOR,
    EMPTIED,
    EVERYONE,
    KEPT,
    RECORD_VERBS,
    REMOVED,
    USER,
    Action,
    Board,
    Card,
    Column,
    Command,
    DuplicateRule,
    Event,
    FieldGroup,
    Hint,
    ImportColumn,
    ImportHints,
    Job,
    MenuItem,
    NotificationType,
    Panel,
    Permission,
    PersonalData,
    Report,
    Schedule,
    Screen,
    SiteInfo,
    concerns,
    hears,
    record_permissions,
)
from core.records.address import record_url
from core.records.archive import archive, restore
from core.records.colors import COLOR_LABELS
from core.records.conditions import Condition, Context, current_context, matches, parse, sentence, to_sql
from core.records.events import write_event
from core.records.naming import find_records
from core.records.note import Note, add_note
from core.records.policy import may, require, row_criterion
from core.records.record import BoardLane, Located, Owned, Part, Record, Searchable
from core.records.submissions import Repeated, note_submission, record_of_form
from core.records.timeline import Position, StoryQuery, StoryShape, about
from core.resources.resource import Resource, resource_named, resources_seen
from core.site.formats import (
    format_digits,
    format_local_date,
    format_local_datetime,
    format_money,
    format_number,
    format_percent,
    reader_day,
    reader_today,
)
from core.site.reader import preferences, reading_as
from core.site.site import current_site, session
from core.story import Channel, EntryAction, TimelineEntry, Upcoming
from core.text import fold, latin_digits, match_key
from core.web.problems import request_id

__version__: str
__all__ = [
    "__version__",
    "ADMINISTRATOR",
    "Action",
    "Actor",
    "Blocked",
    "Board",
    "BoardLane",
    "COLOR_LABELS",
    "Card",
    "Channel",
    "Choice",
    "Color",
    "Column",
    "Command",
    "Condition",
    "ConditionError",
    "Context",
    "DuplicateRule",
    "EMPTIED",
    "EVERYONE",
    "Email",
    "EntryAction",
    "Event",
    "FieldGroup",
    "Forbidden",
    "Hint",
    "ImportColumn",
    "ImportHints",
    "Job",
    "KEPT",
    "Located",
    "Location",
    "LongText",
    "MenuItem",
    "Money",
    "NotUnderstood",
    "Note",
    "NotificationType",
    "ONE_PLAN",
    "Option",
    "Owned",
    "Panel",
    "Part",
    "Permission",
    "PersonalData",
    "PeyvandError",
    "Phone",
    "Position",
    "Progress",
    "RECORD_VERBS",
    "REMOVED",
    "Record",
    "Repeated",
    "Report",
    "Resource",
    "Schedule",
    "Screen",
    "Searchable",
    "SiteInfo",
    "StoryQuery",
    "StoryShape",
    "TimelineEntry",
    "USER",
    "Upcoming",
    "Url",
    "User",
    "UtcDateTime",
    "ValidationError",
    "about",
    "acting",
    "add_note",
    "among_parameter",
    "archive",
    "as_parameter",
    "as_system",
    "concerns",
    "current_context",
    "current_site",
    "empty_fields",
    "enqueue",
    "find_records",
    "fold",
    "for_tokens",
    "format_digits",
    "format_local_date",
    "format_local_datetime",
    "format_money",
    "format_number",
    "format_percent",
    "format_phone",
    "hears",
    "hookimpl",
    "index_words",
    "latin_digits",
    "match_key",
    "matches",
    "may",
    "note_submission",
    "notify",
    "now",
    "parse",
    "parse_amount",
    "parse_date",
    "parse_phone",
    "personal_fields",
    "plugin_base",
    "preferences",
    "public",
    "reader_day",
    "reader_today",
    "reading_as",
    "record_of_form",
    "record_permissions",
    "record_url",
    "request_id",
    "require",
    "resource_named",
    "resources_seen",
    "restore",
    "row_criterion",
    "sentence",
    "session",
    "to_sql",
    "write_event",
]
