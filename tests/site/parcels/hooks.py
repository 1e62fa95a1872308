"""What Parcels adds."""

from core import FieldGroup, Screen, hookimpl, record_permissions


@hookimpl
def permissions():
    return record_permissions("parcels.parcel", "Parcels")


@hookimpl
def screens(site):
    from .models import Parcel

    return [
        Screen(
            model=Parcel,
            title="Parcel",
            plural="Parcels",
            columns=("name", "created_at"),
            search=("name",),
            filters=("name",),
            form=(FieldGroup("Parcel", ("name",)),),
        )
    ]


@hookimpl
def after_install(session):
    from .models import Parcel

    if session.query(Parcel).count() == 0:
        session.add(Parcel(name="First parcel"))
