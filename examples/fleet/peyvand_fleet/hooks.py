"""What this plugin adds to the site."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from core import FieldGroup, Panel, Permission, Screen, SiteInfo, hookimpl, record_permissions, session
from peyvand_fleet.models import Vehicle
from plugins.contacts.models import Person

SHOWN = 20  # vehicles on one person's page


@hookimpl
def permissions() -> list[Permission]:
    return record_permissions("fleet.vehicle", _l("Vehicles"))


@hookimpl
def screens(site: SiteInfo) -> list[Screen]:
    return [
        Screen(
            model=Vehicle,
            title=_l("Vehicle"),
            plural=_l("Vehicles"),
            icon="truck",
            section=_l("Fleet"),
            weight=60,
            columns=("plate", "model", "driver"),
            form=(FieldGroup(_l("Vehicle"), ("plate", "model", "driver")),),
            filters=("model", "driver"),
            search=("search_text",),
            editable=("model", "driver"),
            order="plate",
        )
    ]


@hookimpl
def record_panels(record: Any) -> list[Panel] | None:
    if not isinstance(record, Person):
        return None
    driven = sa.select(Vehicle).where(Vehicle.driver_id == record.id).order_by(Vehicle.name_sort).limit(SHOWN)
    vehicles = session.scalars(driven).all()
    return [Panel(title=_l("Vehicles"), template="fleet/vehicles.html", context={"vehicles": vehicles})]
