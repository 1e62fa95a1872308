"""What Couriers adds by itself."""

from core import Permission, hookimpl


@hookimpl
def permissions():
    return [Permission("couriers.call", "Call a courier")]
