"""What Couriers adds while Parcels is on."""

from core import Permission, hookimpl


@hookimpl
def permissions():
    return [Permission("couriers.parcels.hand_over", "Hand a parcel to a courier")]
