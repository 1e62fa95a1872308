"""What the core adds to itself, through the hooks any plugin has."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from core.admin.bulk_job import BULK_JOB, run_bulk
from core.admin.bulk_questions import PURGE_PERMISSION
from core.admin.export import RUN_EXPORT
from core.admin.files import file_channel
from core.admin.notes import note_channel
from core.admin.own_story import own_story
from core.backup.keeping import DAILY_BACKUP, MAKE_BACKUP, run_backup, run_daily
from core.hookspecs import hookimpl
from core.mail.outbox import SEND_MAIL
from core.mail.sending import send_one
from core.notifications.notify import MAIL_ONE
from core.parts import (
    ADMINISTRATOR,
    Card,
    Command,
    Event,
    Job,
    MenuItem,
    NotificationType,
    Permission,
    PersonalData,
    Schedule,
    SiteInfo,
    hears,
)
from core.records.attachments.attaching import MAKE_THUMBNAIL
from core.records.attachments.chores import SWEEP_ATTACHMENTS, draw_thumbnail, sweep_attachments
from core.records.duplicates.searching import FIND_JOB, find_pairs
from core.records.events import DELIVER, deliver_events
from core.records.operations.undoing import UNDO_JOB, run_undo
from core.records.privacy.erasures import ERASE_JOB
from core.records.seals.retention import REMOVE_OLD_AUDIT, run_removal
from core.records.seals.sealing import SEAL_AUDIT, SEAL_EVERY, run_sealing
from core.records.timeline import StoryQuery
from core.records.totals import RECOUNT, RECOUNT_EVERY, recount_totals
from core.records.transfer.running import RUN_IMPORT, run_import
from core.records.transfer.trial import CHECK_IMPORT, run_check
from core.records.views.saved import SHARE as SHARE_VIEWS
from core.reports.dashboards import SHARE
from core.reports.kept import REFRESH, REFRESH_EVERY, refresh_reports
from core.story import Channel, TimelineEntry
from core.web import audit_pages as audit
from core.web import exports, import_runs, importing, privacy_data, telling
from core.web import jobs as job_pages
from core.web import operations as operation_pages
from core.web.access import access_pages
from core.web.account_links import account_link_pages
from core.web.account_notice import is_about_account, tell_owner
from core.web.accounts import profile_pages, set_up_pages
from core.web.audit_export import EXPORT_AUDIT, run_audit_export
from core.web.backup_pages import MANAGE_BACKUPS, backup_pages
from core.web.commands import ADMINISTRATION
from core.web.dashboards import dashboard_pages
from core.web.errors import error_pages
from core.web.health import health_pages
from core.web.home import first_steps, home_pages
from core.web.invitations import invitation_pages
from core.web.link_mail import SEND_RESET, send_reset
from core.web.mail_pages import MANAGE_MAIL, mail_pages
from core.web.modules import CHANGE, change_module, modules_pages
from core.web.notification_mail import SEND_DIGESTS, mail_notification, send_digests
from core.web.notifications import notification_pages
from core.web.old_news import REMOVE_OLD_NEWS, remove_old_news
from core.web.openid import openid_pages
from core.web.passkeys import passkey_pages
from core.web.privacy import MANAGE_PRIVACY
from core.web.privacy_person import privacy_pages
from core.web.report_pages import report_pages
from core.web.retention_pages import retention_pages
from core.web.retention_runs import APPLY_RULES, apply_rules, run_erasure
from core.web.role_fields import role_pages as field_pages
from core.web.role_rules import role_pages as rule_pages
from core.web.roles import MANAGE_ROLES, role_pages
from core.web.search_pages import search_pages
from core.web.teams import MANAGE_TEAMS, team_pages
from core.web.tokens import token_pages
from core.web.two_factor import two_factor_pages
from core.web.users import MANAGE_USERS, user_pages
from core.web.view_as import VIEW_AS, view_as_pages


@hookimpl
def permissions() -> list[Permission]:
    return [
        Permission("core.modules.manage", _l("Switch modules on and off"), (ADMINISTRATOR,)),
        MANAGE_USERS,
        SHARE,
        MANAGE_MAIL,
        MANAGE_TEAMS,
        MANAGE_ROLES,
        VIEW_AS,
        Permission(SHARE_VIEWS, _l("Share views of lists with everyone"), (ADMINISTRATOR,)),
        Permission(PURGE_PERMISSION, _l("Delete records for good"), (ADMINISTRATOR,)),
        *job_pages.PERMISSIONS,
        *operation_pages.PERMISSIONS,
        *audit.PERMISSIONS,
        MANAGE_BACKUPS,
        MANAGE_PRIVACY,
    ]


@hookimpl
def menu_items(site: SiteInfo) -> list[MenuItem]:
    return [
        MenuItem(_l("Home"), "home.page", icon="home", weight=0, key="H"),
        MenuItem(_l("Dashboards"), "dashboards.listing", icon="layout-dashboard", weight=1, key="R"),
        MenuItem(_l("Modules"), "modules.page", "core.modules.manage", ADMINISTRATION, "apps", 910),
        MenuItem(_l("Users"), "users.listing", MANAGE_USERS.name, ADMINISTRATION, "users", 920),
        MenuItem(_l("Roles"), "roles.listing", MANAGE_ROLES.name, ADMINISTRATION, "lock", 922),
        MenuItem(_l("Teams"), "teams.listing", MANAGE_TEAMS.name, ADMINISTRATION, "user-plus", 925),
        MenuItem(_l("Jobs"), "jobs.everyone", job_pages.SEE, ADMINISTRATION, "checklist", 930),
        MenuItem(_l("Mail"), "mail.listing", MANAGE_MAIL.name, ADMINISTRATION, "mail", 950),
        MenuItem(_l("Audit"), "audit.listing", audit.SEE.name, ADMINISTRATION, "shield-check", 945),
        MenuItem(_l("Personal data"), "privacy.listing", MANAGE_PRIVACY.name, ADMINISTRATION, "id", 947),
        MenuItem(_l("Backups"), "backups.listing", MANAGE_BACKUPS.name, ADMINISTRATION, "database", 955),
        MenuItem(_l("Operations"), "operations.everyone", operation_pages.SEE, ADMINISTRATION, "history", 940),
    ]


@hookimpl
def commands(site: SiteInfo) -> list[Command]:
    profile: dict[str, Any] = {"endpoint": "profile.index", "icon": "user", "setting": True}
    return [
        Command(label=_l("Profile"), words=_l("account name"), **profile),
        Command(label=_l("Language"), anchor="f-language", words=_l("English Persian"), **profile),
        Command(label=_l("Calendar"), anchor="f-calendar", words=_l("Gregorian Jalali dates"), **profile),
        Command(label=_l("Digits"), anchor="f-digits", words=_l("numbers"), **profile),
        Command(label=_l("Light or dark"), anchor="f-theme", words=_l("theme appearance"), **profile),
        Command(label=_l("Time zone"), anchor="f-timezone", **profile),
        Command(label=_l("Change the password"), anchor="f-password", words=_l("security"), **profile),
        Command(
            label=_l("Two-step sign-in"),
            endpoint="two_factor.index",
            icon="shield-check",
            words=_l("security telephone code"),
            setting=True,
        ),
        Command(
            label=_l("Access tokens"), endpoint="tokens.index", icon="key", words=_l("API program secret"), setting=True
        ),
        Command(label=_l("My jobs"), endpoint="jobs.mine", icon="checklist"),
        Command(label=_l("Notifications"), endpoint="notifications.listing", icon="bell", words=_l("inbox mentions")),
        Command(label=_l("What I am told of"), anchor="notifications", words=_l("notifications mail"), **profile),
        Command(label=_l("My operations"), endpoint="operations.mine", icon="history"),
        Command(label=_l("Help"), endpoint="search.help_page", icon="info-circle", words=_l("user guide")),
    ]


@hookimpl
def blueprints(site: SiteInfo) -> list[Any]:
    return [
        home_pages,
        health_pages,
        error_pages,
        set_up_pages,
        profile_pages,
        two_factor_pages,
        user_pages,
        invitation_pages,
        account_link_pages,
        openid_pages,
        passkey_pages,
        token_pages,
        team_pages,
        view_as_pages,
        access_pages,
        # Three modules bring pages of one address.
        *{role_pages, field_pages, rule_pages},
        modules_pages,
        job_pages.jobs,
        # Both modules bring steps of one wizard.
        *{importing.pages, import_runs.pages},
        operation_pages.operations,
        audit.audit_pages,
        backup_pages,
        privacy_pages,
        retention_pages,
        exports.pages,
        search_pages,
        dashboard_pages,
        report_pages,
        notification_pages,
        mail_pages,
    ]


@hookimpl
def dashboard_cards(site: SiteInfo) -> list[Card]:
    start = "nova/_start_card.html"
    return [Card(title=_l("Get started"), template=start, load=first_steps, weight=1, name="core.start")]


@hookimpl
def personal_data(record: Any) -> list[PersonalData]:
    return privacy_data.held(record)


@hookimpl
def can(permission: str, record: Any) -> bool | None:
    # What lies in the recycle bin is restored first, or a change would vanish from everybody's sight.
    in_bin = getattr(record, "archived_at", None) is not None
    return False if in_bin and permission.endswith(".edit") else None


@hookimpl
def jobs() -> list[Job]:
    return [
        Job(name=DELIVER, run=deliver_events, label=_l("Tell modules what happened"), queue="system", attempts=5),
        Job(name=RUN_IMPORT, run=run_import, label=_l("Import records"), queue="bulk", timeout=4 * 3600),
        Job(name=CHECK_IMPORT, run=run_check, label=_l("Check an import"), queue="bulk", timeout=2 * 3600),
        Job(name=RUN_EXPORT, run=exports.run_export, label=_l("Export records"), queue="bulk", timeout=2 * 3600),
        Job(name=exports.SWEEP, run=exports.sweep_files, label=_l("Remove old exports and uploads"), queue="system"),
        Job(name=BULK_JOB, run=run_bulk, label=_l("Change records"), queue="bulk", timeout=4 * 3600),
        Job(name=FIND_JOB, run=find_pairs, label=_l("Search for duplicates"), queue="bulk", timeout=3600),
        Job(name=UNDO_JOB, run=run_undo, label=_l("Undo"), queue="bulk", timeout=4 * 3600),
        Job(name=telling.TELL_OF_JOBS, run=telling.tell_of_jobs, label=_l("Tell people that their work has ended")),
        Job(name=MAIL_ONE, run=mail_notification, label=_l("Mail a notification"), attempts=5),
        Job(name=SEND_DIGESTS, run=send_digests, label=_l("Mail what is new")),
        Job(name=SEND_RESET, run=send_reset, label=_l("Send a link for a new password"), attempts=3),
        Job(name=REMOVE_OLD_NEWS, run=remove_old_news, label=_l("Remove old notifications and mails")),
        Job(name=SEND_MAIL, run=send_one, label=_l("Send a mail"), attempts=12, timeout=300, retry_after=60),
        Job(name=RECOUNT, run=recount_totals, label=_l("Count the lanes of boards"), queue="system", attempts=1),
        Job(name=REFRESH, run=refresh_reports, label=_l("Count reports again"), queue="system", attempts=1),
        Job(name=CHANGE, run=change_module, label=_l("Change a module"), queue="system", attempts=1, timeout=1800),
        Job(name=MAKE_THUMBNAIL, run=draw_thumbnail, label=_l("Make a thumbnail"), attempts=1, timeout=120),
        Job(name=MAKE_BACKUP, run=run_backup, label=_l("Make a backup"), queue="bulk", attempts=1, timeout=6 * 3600),
        Job(name=DAILY_BACKUP, run=run_daily, label=_l("Make the daily backup"), queue="system"),
        Job(name=EXPORT_AUDIT, run=run_audit_export, label=_l("Export the audit"), queue="bulk", timeout=7200),
        Job(name=SEAL_AUDIT, run=run_sealing, label=_l("Seal the audit"), queue="system", attempts=1),
        Job(name=REMOVE_OLD_AUDIT, run=run_removal, label=_l("Remove old audit rows"), queue="bulk", timeout=7200),
        Job(name=ERASE_JOB, run=run_erasure, label=_l("Erase personal data"), queue="bulk", timeout=4 * 3600),
        Job(name=APPLY_RULES, run=apply_rules, label=_l("Apply the rules of retention"), queue="system"),
        Job(name=SWEEP_ATTACHMENTS, run=sweep_attachments, label=_l("Remove files nobody needs"), queue="bulk"),
    ]


@hookimpl
def schedules() -> list[Schedule]:
    return [
        Schedule(job=DELIVER, every=60),
        Schedule(job=REFRESH, every=REFRESH_EVERY),
        Schedule(job=telling.TELL_OF_JOBS, every=60),
        Schedule(job=SEND_DIGESTS, every=900),
        Schedule(job=REMOVE_OLD_NEWS, every=86_400),
        Schedule(job=exports.SWEEP, every=3600),
        Schedule(job=RECOUNT, every=RECOUNT_EVERY),
        Schedule(job=SWEEP_ATTACHMENTS, every=24 * 3600),
        Schedule(job=APPLY_RULES, every=24 * 3600),
        Schedule(job=DAILY_BACKUP, every=24 * 3600),
        Schedule(job=SEAL_AUDIT, every=SEAL_EVERY),
        Schedule(job=REMOVE_OLD_AUDIT, every=24 * 3600),
    ]


@hookimpl
def notification_types() -> list[NotificationType]:
    return list(telling.TYPES)


@hookimpl
@hears(lambda event: is_about_account(event) or telling.matters(event))
def on_event(event: Event) -> None:
    if is_about_account(event):
        tell_owner(event)
    else:
        telling.hear(event)


@hookimpl
def timeline(query: StoryQuery) -> list[TimelineEntry]:
    return list(own_story(query))


@hookimpl
def channels(record: Any) -> list[Channel]:
    return [channel for channel in (note_channel(record), file_channel(record)) if channel is not None]
