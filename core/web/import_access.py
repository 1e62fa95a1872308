"""Who may import what: the routes of the wizard, the record types, and one's own imports."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, url_for

from core.accounts.actor import acting
from core.errors import Forbidden
from core.parts import ADMINISTRATOR, Screen
from core.records.policy import require
from core.records.transfer.models import ImportRun
from core.records.transfer.targets import Target, target_of
from core.site.site import current_site, session

pages = Blueprint("importing", __name__, url_prefix="/import")


def address(run: ImportRun, step: str) -> str:
    """The address of a step of one import."""
    endpoint = {"run": "start"}.get(step, step)
    return url_for(f"importing.{endpoint}", record_type=run.record_type, import_id=run.id)


def importable(record_type: str) -> tuple[Screen, Target]:
    """The screen of a record type that the person who asks may import."""
    permission = f"{record_type}.import"
    screen = current_site().screens.get(record_type)
    if screen is None:
        raise Forbidden(permission)
    require(permission)
    return screen, target_of(screen, current_site().catalog.find(record_type))


def own_import(record_type: str, import_id: int) -> tuple[Screen, Target, ImportRun]:
    """An import that the person who asks may see: one's own, or anybody's for administrators."""
    screen, target = importable(record_type)
    run = session.get(ImportRun, import_id) if import_id < 2**31 else None
    actor = acting()
    if run is None or run.record_type != record_type:
        raise Forbidden(f"{record_type}.import")
    if run.actor_id != actor.user_id and ADMINISTRATOR not in actor.roles and not actor.system:
        raise Forbidden(f"{record_type}.import")
    return screen, target, run


def uploads_folder() -> Path:
    """Where uploads lie."""
    return current_site().runtime.config.uploads
