"""Audit rows as sentences: who did what to which record, from what to what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from markupsafe import Markup

from core.accounts.actor import acting
from core.admin.formatters import record_url
from core.admin.history import told_changes
from core.parts import Label
from core.records.catalog import current_catalog
from core.records.naming import find_records
from core.records.operations.models import Operation
from core.records.policy import sees_every
from core.site.site import session
from core.web.audit_query import KINDS, SOURCES
from core.web.operations import SEE as SEE_OPERATIONS

ACTIONS: dict[str, tuple[Label, str]] = {
    "created": (lazy_pgettext("somebody did it", "created"), "plus"),
    "changed": (lazy_pgettext("somebody did it", "changed"), "pencil"),
    "deleted": (lazy_pgettext("somebody did it", "deleted"), "trash"),
    "restored": (lazy_pgettext("somebody did it", "restored"), "refresh"),
    "purged": (lazy_pgettext("somebody did it", "removed for good"), "trash"),
    "exported": (_l("exported"), "download"),
    "note_changed": (_l("changed a note"), "note"),
    "note_removed": (_l("deleted a note"), "note"),
    "file_removed": (_l("deleted a file"), "paperclip"),
    "file_restored": (_l("put a file back"), "paperclip"),
    "signed_in": (_l("signed in"), "login"),
    "sign_in_failed": (_l("failed to sign in"), "ban"),
    "signed_out": (_l("signed out"), "logout"),
    "password_chosen": (_l("chose the first password"), "key"),
    "password_changed": (_l("changed a password"), "key"),
    "password_reset": (_l("set a new password"), "key"),
    "two_factor_on": (_l("switched the second factor on"), "shield-check"),
    "two_factor_off": (_l("switched the second factor off"), "shield-check"),
    "recovery_codes_made": (_l("made new recovery codes"), "key"),
    "recovery_code_used": (_l("signed in with a recovery code"), "key"),
    "sessions_ended": (_l("signed other browsers out"), "logout"),
    "passkey_added": (_l("added a passkey"), "key"),
    "passkey_removed": (_l("removed a passkey"), "key"),
    "token_made": (_l("made an access token"), "key"),
    "token_revoked": (_l("revoked an access token"), "key"),
    "token_refused": (_l("was refused with an access token"), "ban"),
    "tied_to_provider": (_l("tied an account to a provider"), "key"),
    "untied": (_l("untied an account from a provider"), "key"),
    "roles_changed": (_l("changed the roles"), "users"),
    "viewed_as": (_l("looked with the eyes of somebody"), "eye"),
    "viewed_as_ended": (_l("stopped looking with the eyes of somebody"), "eye"),
    "role_made": (_l("made a role"), "users"),
    "role_deleted": (_l("deleted a role"), "trash"),
    "rights_changed": (_l("changed rights of a role"), "lock"),
    "rule_changed": (_l("changed a rule of a role"), "lock"),
    "deactivated": (_l("deactivated an account"), "ban"),
    "reactivated": (_l("reactivated an account"), "user"),
    "invited": (_l("invited somebody"), "mail"),
    "invitation_revoked": (_l("took an invitation back"), "mail"),
    "reset_asked": (_l("asked for a new password"), "key"),
    "enable": (_l("switched on"), "plug"),
    "disable": (_l("switched off"), "plug"),
    "install": (lazy_pgettext("somebody did it", "installed"), "package"),
    "upgrade": (_l("upgraded"), "package"),
    "uninstall": (_l("uninstalled"), "package"),
    "purge": (_l("deleted the data of"), "trash"),
    "made": (_l("made"), "database"),
    "downloaded": (_l("downloaded"), "download"),
    "removed": (_l("removed old rows of"), "trash"),
    "erased": (_l("removed personal data of"), "shield-check"),
    "personal_data_erased": (_l("erased the personal data of"), "shield-check"),
    "file_downloaded": (_l("downloaded the personal data of"), "download"),
    "consent_given": (_l("wrote down a consent of"), "circle-check"),
    "consent_withdrawn": (_l("wrote down a withdrawn consent of"), "ban"),
    "hold_placed": (_l("held the record of"), "lock"),
    "hold_lifted": (_l("lifted the hold on"), "lock"),
    "rule_saved": (_l("saved a rule of retention"), "clock"),
    "rule_on": (_l("switched a rule of retention on"), "clock"),
    "rule_off": (_l("switched a rule of retention off"), "clock"),
    "rule_deleted": (_l("deleted a rule of retention"), "clock"),
}
"""What can be done, as people read it, and its picture. What a plugin did besides is shown by its own name."""
TO_SOMETHING = frozenset(
    {"created", "changed", "deleted", "restored", "purged", "exported", "enable", "disable", "install", "upgrade",
     "uninstall", "made", "downloaded"}
)  # fmt: skip
"""What is done to something; in Persian that stands before the verb."""

# Values that say which account, module, role or team a row is about.
_SUBJECTS = ("user", "module", "role", "name", "file", "rule")
# Names of values that are no fields of records.
_NAMES: dict[str, Label] = {
    "user": _l("User"),
    "file": _l("File"),
    "rule": _l("Rule"),
    "type": _l("Records"),
    "condition": _l("Condition"),
    "reason": _l("Reason"),
    "token": _l("Access token"),
    "writes": _l("May write"),
    "expires_at": _l("Valid until"),
    "record_types": _l("Record types"),
    "note": _l("Note"),
    "rows": _l("Rows"),
    "records": _l("Records"),
    "format": _l("Format"),
    "fields": _l("Fields"),
    "filter": _l("Filter"),
    "before": _l("Before"),
    "made_at": _l("Made"),
    "role": _l("Role"),
    "roles": _l("Roles"),
    "permissions": _l("Rights"),
    "members": _l("Members"),
    "name": _l("Name"),
    "host": _l("Server"),
    "size": _l("Size"),
    "way": _l("How"),
    "erased": _l("Erased"),
    "purpose": _l("Purpose"),
    "core.audit_days": _l("Days that the audit is kept"),
    "core.backup_daily": _l("Make a backup every day"),
    "core.backup_keep": _l("How many daily backups are kept"),
}


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One row as the page shows it; ``closed`` tells that it is about a record that is not the reader's to see."""

    id: int
    at: dt.datetime
    icon: str
    sentence: Markup
    subject: str
    changes: tuple[dict[str, Any], ...]
    source: str
    address: str
    reason: str
    operation: str
    operation_url: str | None
    closed: bool
    same_record: dict[str, Any]


def audit_rows(found: Iterable[Any]) -> list[AuditRow]:
    """Rows for the current reader; one query for the records of each type."""
    found = list(found)
    keys = [(row.record_type, row.record_id) for row in found if row.record_id is not None]
    records = find_records(session, keys, archived=True)
    open_types = _open_types(row.record_type for row in found)
    pages = _operation_pages(row.operation for row in found)
    return [_row(row, records.get((row.record_type, row.record_id)), open_types, pages) for row in found]


def readable(found: Sequence[Any]) -> list[bool]:
    """For each row whether the reader may know what it says."""
    keys = [(row.record_type, row.record_id) for row in found if row.record_id is not None]
    records = find_records(session, keys, archived=True)
    open_types = _open_types(row.record_type for row in found)
    return [_is_open(row, records.get((row.record_type, row.record_id)), open_types) for row in found]


def kind_name(record_type: str) -> str:
    """What a thing of this type is called."""
    if record_type in KINDS:
        return str(KINDS[record_type])
    catalog = current_catalog()
    return str(catalog.find(record_type).title) if record_type in catalog else record_type


def action_name(action: str) -> str:
    """What was done, as people read it."""
    return str(ACTIONS[action][0]) if action in ACTIONS else action.replace("_", " ")


def visible_changes(row: Any) -> tuple[dict[str, Any], ...]:
    """What changed, but for fields that are hidden from the reader."""
    changes = row.changes if isinstance(row.changes, Mapping) else {}
    pairs = {name: pair for name, pair in changes.items() if isinstance(pair, list) and len(pair) == 2}
    told = []
    for change in told_changes(row.record_type, pairs):
        own = _NAMES.get(change["name"]) if change["label"] == change["name"] else None
        told.append(change | {"label": str(own or change["label"])})
    return tuple(told)


def _open_types(types: Iterable[str]) -> frozenset[str]:
    """The types of which the reader may see every record, also those that are gone; and what is no record."""
    catalog = current_catalog()
    open_types = set()
    for name in set(types):
        if name in catalog:
            if acting().may(f"{name}.see") and sees_every(catalog.find(name).model):
                open_types.add(name)
        elif name.partition(".")[0] == "core" or acting().may(f"{name}.see"):
            open_types.add(name)
    return frozenset(open_types)


def _is_open(row: Any, record: Any, open_types: frozenset[str]) -> bool:
    return record is not None or row.record_type in open_types


def _operation_pages(operations: Iterable[str | None]) -> Mapping[str, str]:
    """The pages of those operations that have one and that the reader may open; a job that was none has no page."""
    wanted = {operation for operation in operations if operation}
    if not wanted:
        return {}
    asked = sa.select(Operation.id, Operation.actor_id).where(Operation.id.in_(wanted))
    everybody = acting().may(SEE_OPERATIONS)
    return {
        row.id: url_for("operations.one", op_id=row.id)
        for row in session.execute(asked)
        if everybody or row.actor_id == acting().user_id
    }


def _row(row: Any, record: Any, open_types: frozenset[str], pages: Mapping[str, str]) -> AuditRow:
    readable = _is_open(row, record, open_types)
    changes = visible_changes(row) if readable else ()
    subject = str(record) if record is not None else ""
    if readable and not subject and row.record_id is None:
        own = next((change for change in changes if change["name"] in _SUBJECTS), None)
        subject = str(own["new"] or own["old"]) if own is not None else ""
        # A name that was given or taken away is told already; one that was changed is a change.
        changes = tuple(change for change in changes if change is not own or (own["old"] and own["old"] != own["new"]))
    elif readable and not subject:
        subject = f"#{row.record_id}"
    label, icon = ACTIONS.get(row.action, (row.action.replace("_", " "), "history"))
    there = record is not None and record.archived_at is None
    named = subject if readable else closed_text()
    return AuditRow(
        id=row.id,
        at=row.at,
        icon=icon,
        sentence=_sentence(row, str(label), kind_name(row.record_type), named, record_url(record) if there else None),
        subject=subject if readable else "",
        changes=changes,
        source=str(SOURCES.get(row.source, row.source)),
        address=row.address,
        reason=row.reason,
        operation=row.operation or "",
        operation_url=pages.get(row.operation or ""),
        closed=not readable,
        same_record={"kind": row.record_type, "record": row.record_id} if row.record_id is not None else {},
    )


def _sentence(row: Any, did: str, kind: str, subject: str, url: str | None) -> Markup:
    """Who did what, in the order of the words of the reader's language."""
    nobody = _("Somebody") if row.record_type == "core.user" else _("The installation")
    who = Markup("<b><bdi>{}</bdi></b>").format(row.actor_name or nobody)
    if row.record_type == "core.user" and subject == row.actor_name:
        return Markup("{} {}").format(who, did)
    link = '<a class="op-n" href="{}"><bdi>{}</bdi></a>'
    name = Markup(link).format(url, subject) if url else Markup("<bdi>{}</bdi>").format(subject)  # noqa: S704 - our own text
    what = Markup('<span class="au-k">{}</span> {}').format(kind, name)
    sentence = _("%(who)s %(did)s %(what)s") if row.action in TO_SOMETHING else _("%(who)s %(did)s: %(what)s")
    return Markup(sentence) % {"who": who, "did": did, "what": what}  # noqa: S704 - a text of translators


def closed_text() -> str:
    """What stands in the place of a record that is not the reader's to see."""
    return _("A record that is gone or not yours to see")
