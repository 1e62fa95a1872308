"""A plugin may use another without needing it: its glue is there only while the other is on."""

from collections.abc import Callable
from pathlib import Path

from core.testing.installation import TestInstallation

HERE = Path(__file__).parent


def test_glue_comes_and_goes_with_the_other_plugin(make_site: Callable[..., TestInstallation]) -> None:
    installation = make_site(instance_plugins=(HERE / "parcels", HERE / "couriers"))
    installation.change("enable", "couriers")
    assert set(installation.site.info.enabled) == {"couriers"}
    assert "couriers.call" in installation.site.permissions
    assert "couriers.parcels.hand_over" not in installation.site.permissions
    installation.change("enable", "parcels")
    assert installation.site.info.enabled == ("parcels", "couriers")
    assert "couriers.parcels.hand_over" in installation.site.permissions
    installation.change("disable", "parcels")
    assert installation.site.info.enabled == ("couriers",)
    assert "couriers.parcels.hand_over" not in installation.site.permissions
