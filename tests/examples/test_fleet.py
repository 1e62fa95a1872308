"""A third party's plugin is installed with pip, seen, switched on, and drawn on another plugin's page."""

import pytest

LOOK = """
from core.accounts.actor import as_system
from core.config import Config
from core.site.runtime import Runtime
from core.testing.installation import TestInstallation

site = TestInstallation(config := Config.load(), Runtime(config))
with site.acting() as session:
    from peyvand_fleet.models import Vehicle
    from plugins.contacts.models import Person
    driver = Person(first_name="Sara", last_name="Karimi")
    session.add_all([driver, Vehicle(plate="12 B 345", model="Dena", driver=driver)])
    session.commit()
    number = driver.id
administrator = site.browser("administrator")
for address in ("/admin/modules/", f"/contacts/person/{number}", "/fleet/vehicle/"):
    print(administrator.get(address).get_data(as_text=True))
"""


@pytest.fixture
def variables(tmp_path, redis_server):
    return {"PEYVAND_INSTANCE": str(tmp_path / "instance"), "PEYVAND_REDIS_URL": redis_server.url}


@pytest.mark.timeout(600)
def test_the_command_line_sees_it_switches_it_on_and_its_panel_shows(run, fleet_target, variables):
    assert run("-m", "core.cli", "init", path=fleet_target, **variables).returncode == 0

    listed = run("-m", "core.cli", "plugin", "list", path=fleet_target, **variables)
    assert "fleet                    1.0.0      absent" in listed.stdout, listed.stderr

    enabled = run("-m", "core.cli", "plugin", "enable", "fleet", path=fleet_target, **variables)
    assert "Done: install contacts, enable contacts, install fleet, enable fleet" in enabled.stdout, enabled.stderr

    listed = run("-m", "core.cli", "plugin", "list", path=fleet_target, **variables)
    assert "fleet                    1.0.0      enabled    loaded" in listed.stdout, listed.stderr

    pages = run("-c", LOOK, path=fleet_target, **variables)
    assert 'id="module-fleet"' in pages.stdout, pages.stderr
    assert "12 B 345" in pages.stdout
    assert "Vehicles" in pages.stdout


@pytest.mark.timeout(600)
def test_its_own_tests_pass(run, fleet_source, fleet_target):
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", path=fleet_target, cwd=fleet_source)

    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(600)
def test_it_keeps_to_what_every_plugin_must_keep_to(run, fleet_target, tmp_path):
    suite = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "core.testing.conformance")
    done = run(*suite, "--plugin-conformance", "fleet", path=fleet_target, cwd=tmp_path)

    assert done.returncode == 0, done.stdout
    assert "16 passed" in done.stdout
