"""The modules page: what there is, what a change would do, and the change itself as a job."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from core.accounts.actor import acting
from core.calendars import LOCALES, Language
from core.errors import LifecycleError
from core.jobs.models import QUEUED, RUNNING, JobRecord
from core.jobs.progress import Progress
from core.jobs.queue import enqueue
from core.records.policy import may, require
from core.site.dispatch import GENERATION_COOKIE
from core.site.lifecycle import Lifecycle
from core.site.plan import ACTIONS, DISABLE, ENABLE, PURGE, UNINSTALL, UPGRADE, Plan
from core.site.reader import language
from core.site.selection import ABSENT, BLOCKED, INCOMPATIBLE, MISSING, QUARANTINED, STALE, PluginStatus
from core.site.site import Site, current_site, session
from core.site.state import DISABLED, ENABLED, INSTALLING, PURGING, REMOVED

MANAGE = "core.modules.manage"
CHANGE = "core.change_module"

modules_pages = Blueprint("modules", __name__, url_prefix="/admin/modules")

LABELS = {
    ENABLE: _l("Switch on"),
    DISABLE: _l("Switch off"),
    UNINSTALL: _l("Uninstall"),
    PURGE: _l("Delete the data"),
    UPGRADE: _l("Upgrade"),
}
TABS = (("", _l("All")), ("on", _l("On")), ("off", _l("Off")), ("broken", _l("Broken")))
SHOWN = {QUARANTINED: "broken", BLOCKED: "blocked", INCOMPATIBLE: "incompatible", MISSING: "missing", STALE: "stale"}
BAD = frozenset({"broken", "blocked", "incompatible", "missing"})


@modules_pages.before_request
def only_for_managers() -> None:
    """Everything here changes what the whole installation is."""
    require(MANAGE)


@modules_pages.get("/")
def page() -> str:
    """All modules with their states."""
    site = current_site()
    running = _running_changes()
    modules = [_shown(site, status, running.get(name)) for name, status in sorted(site.plugins.items())]
    wanted = request.args.get("show", "")
    groups = Counter(_group(module["state"]) for module in modules)
    tabs = [
        {
            "label": label,
            "count": groups[code] if code else len(modules),
            "url": url_for("modules.page", show=code or None),
            "active": wanted == code,
        }
        for code, label in TABS
    ]
    shown = [module for module in modules if not wanted or _group(module["state"]) == wanted]
    return render_template(
        "nova/modules.html", modules=shown, tabs=tabs, safe_mode=site.runtime.config.safe, title=_("Modules")
    )


def _group(state: str) -> str:
    if state in BAD:
        return "broken"
    return "on" if state in (ENABLED, "stale") else "off"


def _running_changes() -> dict[str, JobRecord]:
    rows = session.scalars(
        sa.select(JobRecord).where(JobRecord.name == CHANGE, JobRecord.status.in_((QUEUED, RUNNING)))
    )
    return {row.arguments["plugin"]: row for row in rows}


def state_of(status: PluginStatus) -> str:
    """The one word that the page shows for what is wanted and what is so."""
    if status.state in (INSTALLING, PURGING):
        return "working"
    # A module that is off does not worry anybody by what it might do; one that cannot be read does.
    if status.observed in SHOWN and (status.state != ABSENT or status.observed != INCOMPATIBLE):
        return SHOWN[status.observed]
    return status.state


def _shown(site: Site, status: PluginStatus, job: JobRecord | None) -> dict[str, Any]:
    manifest = status.manifest
    state = state_of(status)
    titles = [str(other.manifest.title) for other in site.plugins.values() if other.manifest and manifest
              and other.name in manifest.depends]  # fmt: skip
    screens = [screen for screen in site.screens.values() if screen.model.__plugin__ == status.name]  # type: ignore[attr-defined]
    first = min(screens, key=lambda screen: screen.weight, default=None)
    return {
        "name": status.name.replace("@", "-"),
        "title": _(manifest.title) if manifest else status.name,
        "summary": _(manifest.summary) if manifest and manifest.summary else "",
        "version": str(manifest.version) if manifest else status.version,
        "icon": manifest.icon if manifest else "puzzle",
        "category": _(manifest.category) if manifest and manifest.category else "",
        "state": state,
        "reason": status.error,
        "traceback": status.traceback,
        "needs": [_(title) for title in titles],
        "open_url": url_for(f"{first.endpoint}.index_view") if first is not None else None,
        "actions": _actions(status),
        "job": _progress_of(job) if job is not None else None,
    }


def _actions(status: PluginStatus) -> list[dict[str, Any]]:
    offered: list[str] = []
    if status.state == ENABLED:
        offered = [*([UPGRADE] if status.upgradable else []), DISABLE]
    elif status.state == DISABLED:
        offered = [ENABLE, UNINSTALL]
    elif status.state == REMOVED:
        offered = [ENABLE, PURGE] if status.manifest else [PURGE]
    elif status.state == ABSENT and status.manifest is not None and status.observed != INCOMPATIBLE:
        offered = [ENABLE]
    return [
        {
            "label": LABELS[action],
            "plan_url": url_for("modules.plan", name=status.name, action=action),
            "primary": action in (ENABLE, UPGRADE),
            "danger": action == PURGE,
        }
        for action in offered
    ]


@modules_pages.get("/<name>/<action>")
def plan(name: str, action: str) -> tuple[str, int]:
    """What the change would do."""
    return _plan_page(name, action)


def _plan_page(name: str, action: str, error: str | None = None) -> tuple[str, int]:
    site = current_site()
    if action not in ACTIONS or name not in site.plugins:
        abort(404)
    made = Lifecycle(site.runtime).plan(action, name)
    page = render_template(
        "nova/module_plan.html",
        plan=_shown_plan(site, made, error),
        back_url=url_for("modules.page"),
        fragment=bool(request.headers.get("HX-Request")),
    )
    return page, 422 if error else 200


def _title(site: Site, name: str) -> str:
    manifest = site.plugins[name].manifest if name in site.plugins else None
    return _(manifest.title) if manifest else name


def _shown_plan(site: Site, made: Plan, error: str | None) -> dict[str, Any]:
    title = _title(site, made.plugin)
    sentences = {
        ENABLE: _("Switch on %(title)s", title=title),
        DISABLE: _("Switch off %(title)s", title=title),
        UNINSTALL: _("Uninstall %(title)s", title=title),
        PURGE: _("Delete all data of %(title)s", title=title),
        UPGRADE: _("Upgrade %(title)s", title=title),
    }
    summaries = {
        DISABLE: _(
            "Its pages, jobs and menu lines go away. All data stays, and switching it on brings everything back."
        ),
        UNINSTALL: _("It leaves the list of modules. All data stays in the database until it is deleted separately."),
        PURGE: _(
            "A copy of the tables is saved in the exports folder first. After that the data cannot be brought back."
        ),
    }
    sections = []
    others = [_title(site, other) for other in made.others]
    if others:
        label = _("Also switched on") if made.action == ENABLE else _("Also switched off, because they need it")
        sections.append({"label": label, "icon": "apps", "lines": others})
    if made.screens:
        sections.append({"label": _("Pages"), "icon": "list", "lines": [_(title) for title in made.screens]})
    if made.new_tables:
        sections.append({"label": _("New tables"), "icon": "table", "lines": [", ".join(made.new_tables)]})
    if made.tables:
        lines = [
            ngettext("%(table)s: %(num)s row", "%(table)s: %(num)s rows", rows, table=table)
            for table, rows in made.tables.items()
        ]
        sections.append({"label": _("Tables"), "icon": "table", "lines": lines})
    if made.action == ENABLE and made.permissions:
        counted = ngettext("%(num)s permission for roles", "%(num)s permissions for roles", len(made.permissions))
        sections.append({"label": _("Permissions"), "icon": "lock", "lines": [counted]})
    if made.jobs:
        waiting = ngettext("%(num)s job will wait", "%(num)s jobs will wait", made.jobs)
        sections.append({"label": _("Jobs"), "icon": "clock", "lines": [waiting]})
    return {
        "title": sentences[made.action],
        "summary": summaries.get(made.action, ""),
        "sections": sections,
        "warnings": [],
        "blockers": list(made.blockers),
        "confirm_word": made.plugin if made.action == PURGE else None,
        "error": error,
        "submit_url": url_for("modules.apply", name=made.plugin, action=made.action),
        "submit_label": LABELS[made.action],
        "danger": made.action == PURGE,
    }


@modules_pages.post("/<name>/<action>")
def apply(name: str, action: str) -> Any:
    """Have a worker do it."""
    site = current_site()
    if action not in ACTIONS or name not in site.plugins:
        abort(404)
    if action == PURGE and request.form.get("confirm", "").strip() != name:
        return _plan_page(name, action, _("Type the name exactly as it is shown."))
    made = Lifecycle(site.runtime).plan(action, name)
    if made.blockers:
        return _plan_page(name, action)
    if name not in _running_changes():
        enqueue(CHANGE, action=action, plugin=name, language=language())
        session.commit()
    if not site.runtime.queue.answers():
        flash(_("The queue does not answer at the moment. The change begins as soon as it does."), "warning")
    return redirect(url_for("modules.page"))


@modules_pages.get("/jobs/<job_id>")
def progress(job_id: str) -> Response:
    """How far a change is; sends the browser back to the page once it is over."""
    job = session.get(JobRecord, job_id)
    if job is None or job.name != CHANGE:
        abort(404)
    if job.status not in (QUEUED, RUNNING):
        over = make_response("")
        over.headers["HX-Redirect"] = url_for("modules.page")
        # The next request must not be served by an older Site than the one this person just made.
        over.set_cookie(GENERATION_COOKIE, str(current_site().generation), httponly=True, samesite="Lax")
        if job.status == "failed":
            flash(job.error, "danger")
        return over
    return make_response(render_template("nova/_job_progress.html", job=_progress_of(job), compact=True))


def _progress_of(job: JobRecord) -> dict[str, Any]:
    said = current_site().runtime.queue.progress([(job.id, job.attempts)]).get(job.id, {})
    return {
        "id": job.id,
        "label": LABELS[job.arguments["action"]],
        "state": job.status,
        "done": int(said.get("done") or 0),
        "total": int(said.get("total") or 0) or None,
        "message": "",
        "progress_url": url_for("modules.progress", job_id=job.id),
    }


def change_module(progress: Progress, action: str, plugin: str, language: Language) -> dict[str, Any]:
    """The job behind the page; the person's right is asked for again when it runs.

    Raises:
        Forbidden: it was taken away meanwhile.
        LifecycleError: the change is not possible; the text says why.
    """
    if not may(MANAGE):
        raise LifecycleError(_("Your role does not allow this any more."))
    runtime = current_site().runtime
    # What a module adds at its installation is written in the language of whoever installs it.
    with force_locale(LOCALES[language]):
        made = Lifecycle(runtime, progress.report).apply(action, plugin)
    return {"steps": [[step.plugin, step.action] for step in made.steps], "actor": acting().name}
