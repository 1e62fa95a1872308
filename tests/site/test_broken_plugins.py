"""A plugin that is broken in any way stops neither the site nor another plugin, and is named."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.errors import LifecycleError, StartError
from core.extension.preflight import preflight
from core.site.runtime import Runtime
from core.site.state import PluginState, bump_generation

BROKEN = Path(__file__).resolve().parents[1] / "broken_plugins"
ROOT = BROKEN.parents[1]
WORDS = {
    "import_error": "a_package_that_nobody_has",
    "sys_exit": "SystemExit",
    "bad_mapper": "NobodyOfThisName",
    "unknown_hook": "colour_of_the_sky",
    "tight_lipped": "does not implement the hook personal_data",
}


def _plugins(*names):
    return tuple(BROKEN / name for name in names)


def _switch_on_unasked(site, name):
    """What an upgrade of the files does: the database wants a plugin that was never tried like this."""
    with site.runtime.database.engine.begin() as connection:
        connection.execute(sa.insert(PluginState).values(name=name, state="enabled", version="1.0.0"))
        bump_generation(connection)


def _in_a_fresh_process(site, code):
    """Run ``code`` as a process that has imported nothing yet; what it prints."""
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **site.config.environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return child.stdout


@pytest.mark.parametrize("name", sorted(WORDS))
def test_what_does_not_load_is_not_switched_on(make_site, name):
    site = make_site(instance_plugins=_plugins(name))

    with pytest.raises(LifecycleError, match=r"does not load"):
        site.change("enable", name)

    assert site.site.plugins[name].state == "absent"


def test_an_import_that_hangs_is_given_up(make_site, monkeypatch):
    # The same patience as always, but shorter.
    monkeypatch.setattr(preflight, "__defaults__", (3.0,))
    site = make_site(instance_plugins=_plugins("slow_import"))

    with pytest.raises(LifecycleError, match=r"still importing after 3 seconds"):
        site.change("enable", "slow_import")

    assert site.browser("administrator").get("/admin/modules/").status_code == 200


@pytest.mark.parametrize("name", sorted(WORDS))
def test_a_plugin_that_breaks_later_is_set_aside_and_named(make_site, name):
    site = make_site("sound", instance_plugins=_plugins("sound", name))
    _switch_on_unasked(site, name)

    status = site.site.plugins[name]
    page = site.browser("administrator").get("/admin/modules/").get_data(as_text=True)

    assert status.observed == "quarantined"
    assert WORDS[name] in status.error + status.traceback
    assert f'id="module-{name}"' in page
    assert "Technical details" in page
    assert site.site.plugins["sound"].observed == "loaded"
    assert "sound.play" in site.site.permissions


def test_a_plugin_that_takes_an_address_of_the_core_is_set_aside_and_named(make_site):
    site = make_site("sound", "url_clash", instance_plugins=_plugins("sound", "url_clash"))

    assert site.site.plugins["url_clash"].observed == "quarantined"
    assert "/profile" in site.site.plugins["url_clash"].error
    assert site.site.plugins["sound"].observed == "loaded"
    assert site.browser("administrator").get("/profile/").get_data(as_text=True) != "mine"


def test_a_migration_that_fails_leaves_no_table(make_site, dialect):
    site = make_site(dialect=dialect, instance_plugins=_plugins("failing_migration"))

    with pytest.raises(LifecycleError, match=r"was not installed: failing_migration"):
        site.change("enable", "failing_migration")

    tables = sa.inspect(site.runtime.database.engine).get_table_names()
    assert [table for table in tables if "failing_migration" in table] == []
    assert site.site.plugins["failing_migration"].state == "absent"
    assert site.browser("administrator").get("/admin/modules/").status_code == 200


@pytest.mark.parametrize("name", ["hook", "template"])
def test_a_panel_that_fails_spoils_only_itself(make_site, name):
    site = make_site("raising_panel", instance_plugins=_plugins("raising_panel"))
    with site.acting() as session:
        from plugins.raising_panel.models import Page

        record = Page(name=name)
        session.add(record)
        session.commit()
        record_id = record.id

    answer = site.browser("user").get(f"/raising_panel/page/{record_id}")

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Timeline" in page
    if name == "template":
        assert "Quotient" in page
        assert "raising_panel" in page


def test_a_plugin_whose_files_were_replaced_is_set_aside_at_the_next_start(make_site):
    site = make_site("sound", "raising_panel", instance_plugins=_plugins("sound", "raising_panel"))
    hooks = site.config.instance / "plugins" / "sound" / "hooks.py"
    hooks.write_text("import sys\nsys.exit('half an upgrade')\n", encoding="utf-8")

    listed = _in_a_fresh_process(site, "from core.cli import main; main(['plugin', 'list'], standalone_mode=False)")

    lines = {line.split()[0]: line for line in listed.splitlines()}
    assert "quarantined" in lines["sound"]
    assert "half an upgrade" in lines["sound"]
    assert "loaded" in lines["raising_panel"]


def test_a_plugin_whose_package_was_removed_breaks_nothing(make_site):
    site = make_site("sound", "raising_panel", instance_plugins=_plugins("sound", "raising_panel"))
    shutil.rmtree(site.config.instance / "plugins" / "raising_panel")
    with site.runtime.database.engine.begin() as connection:
        bump_generation(connection)

    assert site.site.plugins["raising_panel"].observed == "missing"
    assert site.site.plugins["sound"].observed == "loaded"
    browser = site.browser("administrator")
    assert browser.get("/admin/modules/").status_code == 200
    assert browser.get("/raising_panel/page/").status_code == 404
    site.change("disable", "raising_panel")
    assert site.site.plugins["raising_panel"].state == "disabled"


def test_strict_mode_refuses_to_start_and_names_the_plugin(make_site):
    site = make_site(instance_plugins=_plugins("import_error"))
    _switch_on_unasked(site, "import_error")
    strict = Runtime(dataclasses.replace(site.config, strict=True))

    try:
        with pytest.raises(StartError, match=r"import_error does not run"):
            strict.current_site()
    finally:
        strict.database.dispose()


def test_safe_mode_runs_the_core_alone(make_site):
    site = make_site("sound", instance_plugins=_plugins("sound", "import_error"))
    _switch_on_unasked(site, "import_error")
    safe = Runtime(dataclasses.replace(site.config, safe=True))

    try:
        alone = safe.current_site()
        assert alone.info.enabled == ()
        assert "sound.play" not in alone.permissions
        assert alone.plugins["sound"].state == "enabled"
    finally:
        safe.database.dispose()
